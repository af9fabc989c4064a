"""A message read with what was said before: does it go on with the last request, correct it, go back to another, or open one?

One place: each way to take a message (:class:`Way`) gets a share, and the readings are weighed by these shares. Alone; joined to the
last request; told of the last door, which stays; told of a door given earlier. The shares are a conditional choice (McFadden, 1974:
the exponential of a weighted sum, over the sum of those of all ways), learnt on held-out turns (``data/calage/contexte``) and kept
with the thresholds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bot.language.cleaning import CleanText, clean
from bot.language.words import read_words
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
    "tournure_retour",
    "suite_seule",
)
"""What the shares are computed from, in order."""
JOINED, KEPT, BACK = "joint", "garde", "retour"
"""Ways to take a message beside alone: with the last request, of the last door, of a door given earlier."""
OWN: Mapping[str, tuple[str, ...]] = {JOINED: (), KEPT: ("service_seul",), BACK: ("service_seul", "sujet_seul", "mots_communs")}
"""What the share of each way is computed from besides :data:`FEATURES`."""
NEW = "nouveau"
"""Wordings that open another request; those of :data:`BACK` go back to an earlier one."""
Weights = Mapping[str, tuple[float, ...]]
"""Of each way; a way without weights is not taken."""
TELLING_ACTS = frozenset({"dire_commune", "dire_profil", "detresse"})
"""Acts that tell something of the request in progress, or of who makes it."""
LONG = 12
"""From how many words a message hardly ever leans on the one before."""
SCALE = 7.0
"""Largest log-odds counted: those of a probability of .999."""

TELLING = 4.0
"""Largest log-odds counted of what the wording says."""
FARTHEST = 30.0
"""Log-odds beyond which a share no longer moves."""
STEM, LEAST_WORD, MOST_SHARED = 5, 4, 2
"""Letters by which two words are the same, those of the shortest word counted, and most words counted as shared."""

_EMPTY = frozenset(read_words("mots_outils"))
_LINK = re.compile(
    r"^(et|mais|non|nan|pas|pour|en fait|plutot|c est|ce|le|la|les|l|un|une|du|de|des|d|a|au|aux|avec|sans|dans|sur|chez|oui|celui|celle"
    r"|parce|car)\b"
)
_REFUSAL = re.compile(r"^(non|nan|pas|c est pas|ce n est pas|rien a voir|je parl\w+ (pas|plutot))\b")
_REJECTED = re.compile(r"(?:^|[,;.!?]\s*|\s)(?:et\s+)?(?:non\s+pas|c['’ ]?est\s+pas|ce\s+n['’ ]?est\s+pas|pas)\s+[^,;.!?]*", re.IGNORECASE)


def doors_before(value: Any) -> tuple[tuple[str, str], ...]:
    """Return the pairs of door and request of a value that comes from outside; what makes no sense is left out."""
    rows = value if isinstance(value, (list, tuple)) else ()
    return tuple(
        (row[0], row[1]) for row in rows if isinstance(row, (list, tuple)) and len(row) == 2 and all(isinstance(t, str) for t in row)
    )


@dataclass(frozen=True)
class Before:
    """What a conversation already knows when a message comes.

    Args:
        request: the last request, personal data masked.
        destination: id of the last door given, "" when none was.
        choices: ids of the choices of the question just asked.
        rejected: ids of the doors said to be wrong.
        earlier: id of each door given before the last, and the request it was given for; the newest first.
    """

    request: str
    destination: str = ""
    choices: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    earlier: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, request: Any, destination: Any, choices: Any, pending: Any, rejected: Any, earlier: Any) -> Before | None:
        """Return what a conversation knows, from values that may be absent; ``None`` when nothing was asked yet.

        Choices beside a door ask nothing: they are those of a question when a message is ``pending``, or when no door was given.
        """
        if not isinstance(request, str) or not request:
            return None
        asked = tuple(map(str, choices or ())) if pending or not destination else ()
        return cls(request, str(destination or ""), asked, tuple(map(str, rejected or ())), doors_before(earlier))

    def joined(self, text: str) -> str:
        """Return the text of the last request and of this message, what this message rejects left out."""
        return f"{self.request}. {kept(text)}"


@dataclass(frozen=True)
class Way:
    """One way to take a message beside alone.

    Args:
        kind: :data:`JOINED`, :data:`KEPT` or :data:`BACK`.
        values: what its share is computed from, from :func:`way`.
        read: probability of each label when the message is taken so.
        request: the text that comes next is read with.
        door: id of the door it is of, "" when the message is joined.
    """

    kind: str
    values: tuple[float, ...]
    read: Mapping[str, float]
    request: str
    door: str = ""


def shares(weights: Weights, ways: Sequence[tuple[str, Sequence[float]]]) -> tuple[float, ...]:
    """Return the share of the message alone, then of each way to take it; they add up to 1.

    Args:
        weights: learnt.
        ways: kind and values of each.
    """
    odds = [1.0]
    for kind, values in ways:
        told = sum(w * v for w, v in zip(weights[kind], values, strict=True)) if kind in weights else -FARTHEST
        odds.append(math.exp(max(-FARTHEST, min(FARTHEST, told))))
    whole = sum(odds)
    return tuple(o / whole for o in odds)


def fits(weights: Weights) -> bool:
    """Whether the weights were learnt for these values: those of another version are not used."""
    return JOINED in weights and all(kind in OWN and len(row) == len(FEATURES) + len(OWN[kind]) for kind, row in weights.items())


def about(text: CleanText, alone: Reading, service: str, topic: str, request: str) -> dict[str, float]:
    """Return what a message says by itself of a door given before, each value in [-1, 1].

    Args:
        text: the message.
        alone: its reading.
        service: of the door.
        topic: of the door.
        request: the door was given for.
    """
    mine, theirs = (_stems(words) for words in (text.plain, clean(request).plain))
    return {
        "service_seul": _log_odds(alone.services.get(service, 0.0)),
        "sujet_seul": _log_odds(alone.topics.get(topic, 0.0)),
        "mots_communs": min(len(mine & theirs), MOST_SHARED) / MOST_SHARED,
    }


def _stems(words: str) -> set[str]:
    return {word[:STEM] for word in words.split() if len(word) >= LEAST_WORD and word not in _EMPTY}


def refuses(text: CleanText) -> bool:
    """Whether a message sets aside the door just given (« non, la médaille sportive, pas celle du travail »)."""
    return _REFUSAL.match(text.plain) is not None or kept(text.display) != text.display


def sets_aside(text: CleanText, name: str) -> bool:
    """Whether what a message rejects is the thing of this name (« pas le passeport »)."""
    return bool((_stems(text.plain) - _stems(clean(kept(text.display)).plain)) & _stems(clean(name).plain))


def kept(text: str) -> str:
    """Return a message without what it rejects; the whole of it when nothing else would be left."""
    left = re.sub(r"^(?:non|nan)\b[\s,;.!]*", "", _REJECTED.sub(" ", text), flags=re.IGNORECASE).strip(" ,;.!")
    return left if left else text


def wordings(text: CleanText) -> set[str]:
    """Return the words of a message, and its pairs of words."""
    words = text.plain.split()
    return {*words, *map(" ".join, pairwise(words))}


def opening(text: CleanText, weights: Mapping[str, float]) -> float:
    """Return how much a message is worded as another request, or as a return to one, in [-1, 1]; 0 when nothing was learnt.

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
    text: CleanText, alone: Reading, joined: Reading, offered: Collection[str], asked: bool, told: tuple[float, float], nothing: float
) -> tuple[float, ...]:
    """Return what the shares are computed from, in the order of :data:`FEATURES`; each value in [-1, 1].

    Args:
        text: the message.
        alone, joined: the message read alone, and with the last request.
        offered: services of the last door, or of the choices just asked.
        asked: whether a question was just asked.
        told: what :func:`opening` says of it as another request, and as a return to an earlier one.
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
        told[0],
        nothing,
        told[1],
        alone.non_request - nothing,
    )


def _log_odds(probability: float) -> float:
    inside = min(max(probability, 0.001), 0.999)
    return math.log(inside / (1 - inside)) / SCALE


def mixed(read: Sequence[tuple[float, Mapping[str, float]]], rejected: Sequence[str] = ()) -> dict[str, float]:
    """Return the probabilities of a turn: its readings weighed, without the doors said to be wrong.

    Args:
        read: share of each reading, and the probability of each label in it.
        rejected: labels that are out; their probability goes to the others.
    """
    found: dict[str, float] = {}
    for share, labels in read:
        for label, probability in labels.items():
            found[label] = found.get(label, 0.0) + share * probability
    out = sum(found.pop(label, 0.0) for label in rejected)
    return {label: probability / (1 - out) for label, probability in found.items()} if out < 1 else found


def _best(probabilities: Mapping[str, float]) -> str:
    return max(probabilities, key=probabilities.__getitem__) if probabilities else ""
