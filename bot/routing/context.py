"""A message read with what was said before: does it go on with the last request, correct it, or open another?

One place and one number: the share of a message that goes on with what came before. It weighs two readings of the same turn, the
message alone and the message joined to the last request. The share is learnt on held-out pairs (``data/calage/contexte``)
and kept with the thresholds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bot.language.cleaning import CleanText
from bot.referential.models import ConversationAct
from bot.routing.decision import FOLLOW_UP, Reading

FEATURES = (
    "constante",
    "mots",
    "certitude_seul",
    "certitude_joint",
    "flou_seul",
    "meme_service",
    "seul_propose",
    "joint_propose",
    "liaison",
    "question",
    "refus",
    "certitude_et_mots",
    "deux_mots",
    "tournure",
    "sans_demande_seul",
)
"""What the share is computed from, in order."""
TELLING_ACTS = frozenset({"dire_commune", "dire_profil", "detresse"})
"""Acts that tell something of the request in progress, or of who makes it."""
LONG = 12
"""From how many words a message hardly ever leans on the one before."""
SCALE = 7.0
"""Largest log-odds counted: those of a probability of .999."""

TELLING = 4.0
"""Largest log-odds counted of what the wording says."""

_LINK = re.compile(
    r"^(et|mais|non|nan|pas|pour|en fait|plutot|c est|ce|le|la|les|l|un|une|du|de|des|d|a|au|aux|avec|sans|dans|sur|chez|oui|celui|celle"
    r"|parce|car)\b"
)
_REFUSAL = re.compile(r"^(non|nan|pas|c est pas|ce n est pas|rien a voir|je parl\w+ (pas|plutot))\b")
_REJECTED = re.compile(r"(?:^|[,;.!?]\s*|\s)(?:et\s+)?(?:non\s+pas|c['’ ]?est\s+pas|ce\s+n['’ ]?est\s+pas|pas)\s+[^,;.!?]*", re.IGNORECASE)


@dataclass(frozen=True)
class Before:
    """What a conversation already knows when a message comes.

    Args:
        request: the last request, personal data masked.
        destination: id of the last door given, "" when none was.
        choices: ids of the choices of the question just asked.
        rejected: ids of the doors said to be wrong.
    """

    request: str
    destination: str = ""
    choices: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: Any, destination: Any, choices: Any, rejected: Any) -> Before | None:
        """Return what a conversation knows, from values that may be absent; ``None`` when nothing was asked yet."""
        if not isinstance(request, str) or not request:
            return None
        return cls(request, str(destination or ""), tuple(map(str, choices or ())), tuple(map(str, rejected or ())))

    def joined(self, text: str) -> str:
        """Return the text of the last request and of this message, what this message rejects left out."""
        return f"{self.request}. {kept(text)}"


def refuses(text: CleanText) -> bool:
    """Whether a message sets aside the door just given (« non, la médaille sportive, pas celle du travail »)."""
    return _REFUSAL.match(text.plain) is not None or kept(text.display) != text.display


def kept(text: str) -> str:
    """Return a message without what it rejects; the whole of it when nothing else would be left."""
    left = re.sub(r"^(?:non|nan)\b[\s,;.!]*", "", _REJECTED.sub(" ", text), flags=re.IGNORECASE).strip(" ,;.!")
    return left if left else text


def wordings(text: CleanText) -> set[str]:
    """Return the words of a message, and its pairs of words."""
    words = text.plain.split()
    return {*words, *map(" ".join, pairwise(words))}


def opening(text: CleanText, weights: Mapping[str, float]) -> float:
    """Return how much a message is worded as another request, in [-1, 1]; 0 when nothing was learnt.

    Args:
        text: the message.
        weights: of :func:`wordings`, as :class:`~bot.routing.decision.Thresholds` keeps them.
    """
    told = weights.get("", 0.0) + sum(weights.get(wording, 0.0) for wording in wordings(text))
    return max(-1.0, min(1.0, told / TELLING))


def asks_nothing(act: ConversationAct) -> bool:
    """Whether an act asks nothing, not even of the door just given (« merci »), and tells nothing."""
    return act.famille != FOLLOW_UP and act.id not in TELLING_ACTS


def idle(reading: Reading, acts: Mapping[str, ConversationAct]) -> dict[str, float]:
    """Return the probability of each act by which a message :func:`asks_nothing`.

    Args:
        reading: of the message.
        acts: of the referential.
    """
    return {act: probability for act, probability in reading.acts.items() if asks_nothing(acts[act])}


def features(
    text: CleanText, alone: Reading, joined: Reading, offered: Collection[str], asked: bool, told: float, nothing: float
) -> tuple[float, ...]:
    """Return what the share is computed from, in the order of :data:`FEATURES`; each value in [-1, 1].

    Args:
        text: the message.
        alone, joined: the message read alone, and with the last request.
        offered: services of the last door, or of the choices just asked.
        asked: whether a question was just asked.
        told: what :func:`opening` says of it.
        nothing: probability that the message alone is :func:`idle`.
    """
    count = len(text.plain.split())
    words = min(count, LONG) / LONG
    mine, ours = _best(alone.services), _best(joined.services)
    certainty = _log_odds(alone.services.get(mine, 0.0))
    return (
        1.0,
        words,
        certainty,
        _log_odds(joined.services.get(ours, 0.0)),
        min(1.0, alone.vague + alone.non_request),
        float(mine == ours),
        float(mine in offered),
        float(ours in offered),
        float(_LINK.match(text.plain) is not None),
        float(asked),
        float(refuses(text)),
        certainty * words,
        float(count <= 2),
        told,
        nothing,
    )


def _log_odds(probability: float) -> float:
    inside = min(max(probability, 0.001), 0.999)
    return math.log(inside / (1 - inside)) / SCALE


def mixed(alone: Mapping[str, float], joined: Mapping[str, float], share: float, rejected: Sequence[str] = ()) -> dict[str, float]:
    """Return the probabilities of a turn: both readings weighed, without the doors said to be wrong.

    Args:
        alone, joined: probability of each label.
        share: of the joined reading.
        rejected: labels that are out; their probability goes to the others.
    """
    both = {label: (1 - share) * alone.get(label, 0.0) + share * joined.get(label, 0.0) for label in alone.keys() | joined.keys()}
    out = sum(both.pop(label, 0.0) for label in rejected)
    return {label: probability / (1 - out) for label, probability in both.items()} if out < 1 else both


def _best(probabilities: Mapping[str, float]) -> str:
    return max(probabilities, key=probabilities.__getitem__) if probabilities else ""
