"""Tell whether a message carries several requests, from what is understood of it and of its parts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bot.routing.decision import Reading
from bot.understanding.segmentation import Segmentation, segmentations

ENOUGH = 2.3
"""Score from which a message carries several requests: under 1 % of ``data/calage``, where each message carries one, reach it."""
CLARITY = 2.3
"""Decimal logarithm beyond which a part cannot be clearer."""
TRACE = 0.3
"""Weight of what the reading of the whole message keeps of the less visible request."""
_NOTHING = 1e-12


def likely_segmentations(text: str, whole: Reading) -> tuple[Segmentation, ...]:
    """Return the ways to cut ``text`` that may prove right, given how the whole is read.

    Args:
        text: a cleaned message with its punctuation.
        whole: its reading.
    """
    shares = sorted(_shares(whole).values(), reverse=True)
    return tuple(s for s in segmentations(text) if CLARITY + _trace(shares[: len(s.parts)], len(s.parts)) + s.clues >= ENOUGH)


def score(segmentation: Segmentation, parts: Sequence[Reading], whole: Reading) -> float:
    """Return how much speaks for ``segmentation``, in decimal logarithms; ``-inf`` when its parts ask the same service.

    A person who asks one thing also writes clauses that look like requests of another service. They tell themselves
    by a part that is less clear, by a reading of the whole that keeps nothing of them, and by how they are joined.

    Args:
        segmentation: where the message is cut.
        parts: the reading of each part.
        whole: the reading of the whole message.
    """
    if any(not p.services for p in parts):
        return -math.inf
    services = {max(p.services, key=p.services.__getitem__) for p in parts}
    if len(services) < len(parts):
        return -math.inf
    unclear = max(1 - max(p.services.values()) for p in parts)
    shares = _shares(whole)
    clarity = min(CLARITY, -math.log10(max(unclear, _NOTHING)))
    return clarity + _trace([shares.get(s, 0.0) for s in services], len(parts)) + segmentation.clues


def _shares(reading: Reading) -> Mapping[str, float]:
    total = sum(reading.services.values())
    return {service: p / total for service, p in reading.services.items()} if total else {}


def _trace(shares: Sequence[float], wanted: int) -> float:
    least = min(shares) if len(shares) == wanted else 0.0
    return TRACE * math.log10(max(least, _NOTHING))
