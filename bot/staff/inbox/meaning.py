"""Which waiting messages say the same thing in other words, by what the live model reads in them.

The sentence vectors alone find the same request first in 4 % of the tuning messages, what the model reads in 96 %, both in 94 %:
the vectors only serve for requests that the model does not know yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bot.language.cleaning import clean
from bot.learning.store import StoredModel
from bot.staff.inbox.similarity import exact_key
from bot.understanding.encoders import get_encoder

SAME_MEANING = 0.55
"""Likeness, in [0, 2], from which two messages are shown together: three in five are the same request, and few of those are missed."""
SHOWN = 8
MOST_KNOWN = 4096
_KNOWN: dict[tuple[str, str], NDArray[np.float64]] = {}
"""Model and digest of a message → what it means: no words stay in memory once they are deleted."""


def alike_in_meaning(text: str, others: Mapping[int, str], stored: StoredModel) -> list[int]:
    """Return the ids of the messages nearest to ``text`` in meaning, the nearest first.

    Args:
        text: of the message.
        others: id → text of those that wait.
        stored: the live model.
    """
    if not others:
        return []
    mine, *rest = _meanings([text, *others.values()], stored)
    near = np.array(rest) @ mine
    ids = list(others)
    return [ids[i] for i in np.argsort(-near, kind="stable")[:SHOWN] if near[i] >= SAME_MEANING]


def _meanings(texts: Sequence[str], stored: StoredModel) -> list[NDArray[np.float64]]:
    if len(_KNOWN) > MOST_KNOWN:
        _KNOWN.clear()
    keys = [(str(stored.manifest.get("sha256")), exact_key(text)) for text in texts]
    new = {key: clean(text) for key, text in zip(keys, texts, strict=True) if key not in _KNOWN}
    if new:
        found = [np.sqrt(stored.model.predict_proba(list(new.values())))]
        for name in stored.manifest.get("reglages", {}).get("encoders", ())[:1]:
            found.append(get_encoder(name).encode([each.unaccented for each in new.values()]))
        _KNOWN.update(zip(new, np.hstack(found), strict=True))
    return [_KNOWN[key] for key in keys]
