"""Tell whether a message carries several requests, from what is understood of it and of its parts.

Each way to cut the message is described by a few numbers (how clear the parts are, what the reading of the whole keeps of them, how
they are joined, whether a part tells a story or asks), and a small network learnt on messages of one and of several requests
(``data/calage/plusieurs``) gives the probability that it is right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.base.once import once
from bot.language.words import read_words
from bot.routing.context import kept
from bot.routing.decision import Reading
from bot.routing.scorer import Scorer
from bot.understanding.segmentation import Joint, Segmentation, segmentations

LEAST_SHARE = 1e-6
"""Of the reading of the whole: what is less is nothing."""
SURE = 0.97
"""Probability of a service from which a message without any joint is not cut."""
TRACE = 1e-4
"""Share of a second service, in the reading of the whole, under which only a telling joint makes the parts worth reading: nine
messages of several requests in ten keep it, four of one request in ten."""
TELLING = frozenset({Joint.LISTED, Joint.NEXT})
WORTH = 0.05
"""Probability, by keywords alone, that a way to cut a message is likely once read whole, from which its parts are."""
SCALE = 9.2
"""Largest log-odds counted: those of a probability of .9999."""


def _any_of(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(sorted(words, key=len, reverse=True))})\b")


_TOLD, _ASKED = _any_of(read_words("recit")), _any_of(read_words("demande"))
_JOINTS = {joint: tuple(float(joint is other) for other in Joint) for joint in Joint}
_SELF = re.compile(r"^(?:je suis|nous sommes|ici|mairie|notaire|maire|agent|bonjour|bonsoir|merci|cordialement)\b")


def asks(plain: str) -> bool:
    """Whether words without accents ask for something."""
    return _ASKED.search(plain) is not None or "?" in plain


@dataclass(frozen=True)
class Part:
    """One part of a message, and the door it asks for.

    Args:
        words: of the part.
        plain: the same, cleaned.
        service: the likeliest.
        topic: the likeliest of this service.
        certainty: probability of the service.
        topic_certainty: probability of the topic.
        best: probability of the likeliest topic of all.
        asking: probability of all topics together.
        silent: probability that it is too vague, or asks for nothing.
    """

    words: str
    plain: str
    service: str
    topic: str
    certainty: float
    topic_certainty: float
    best: float
    asking: float
    silent: float


def smallest(segmentations: Sequence[Segmentation]) -> tuple[str, ...]:
    """Return the texts of the smallest parts of a message: those that hold no other."""
    texts = tuple(dict.fromkeys(text for segmentation in segmentations for text in segmentation.texts))
    return tuple(text for text in texts if not any(other != text and other in text for other in texts))


def worth_reading(text: str, whole: Reading) -> tuple[Segmentation, ...]:
    """Return the ways to cut a message whose parts are to be read: none when nothing speaks for a second request.

    Args:
        text: a cleaned message with its punctuation.
        whole: its reading.
    """
    shares = sorted(whole.services.values(), reverse=True)
    kept = shares[1] / sum(shares) if len(shares) > 1 else 0.0
    return segmentations(text, bool(shares) and shares[0] < SURE, frozenset(Joint) if kept >= TRACE else TELLING)


def promising(
    segmentations: Sequence[Segmentation], parts: Mapping[str, Part], whole: Reading, text: str, judgement: Scorer
) -> tuple[Segmentation, ...]:
    """Return the ways to cut a message that are likely enough for their parts to be read whole; all of them when nothing was learnt.

    Args:
        segmentations: of a message.
        parts: what keywords alone read in each text.
        whole: the reading of the whole message.
        text: the whole message, cleaned, with its punctuation.
        judgement: learnt.
    """
    glimpsed = [(cut, [parts[text] for text in cut.texts if text in parts]) for cut in segmentations]
    return tuple(
        cut
        for cut, read in glimpsed
        if not judgement.layers or (len(read) == len(cut.parts) and judgement.probability(features(cut, read, whole, text)) >= WORTH)
    )


def parts_of(segmentation: Segmentation, read: Mapping[str, Part]) -> tuple[Part, ...]:
    """Return the parts of one way to cut a message; none when two of them ask the same, or one nothing.

    Args:
        segmentation: where the message is cut.
        read: the door of each text, from :class:`~bot.routing.doors.Doors`.
    """
    found = [(words, read[text]) for words, text in zip(segmentation.parts, segmentation.texts, strict=True) if text in read]
    if len({part.topic for _, part in found}) < len(segmentation.parts):
        return ()
    return tuple(part if words == part.words else replace(part, words=words) for words, part in found)


def features(segmentation: Segmentation, parts: Sequence[Part], whole: Reading, text: str) -> tuple[float, ...]:
    """Return what the judgement is made from, each value near [-1, 1].

    Args:
        segmentation: where the message is cut.
        parts: what is read in each part, from :func:`parts_of`.
        whole: the reading of the whole message.
        text: the whole message, cleaned, with its punctuation.
    """
    total, top, service, rejects = _seen_whole(whole, text)
    services = [part.service for part in parts]
    several = len(set(services)) < len(services)
    shares = [
        (whole.topics.get(p.topic, 0.0) if several and services.count(p.service) > 1 else whole.services.get(p.service, 0.0)) / total
        for p in parts
    ]
    fewest = min(shares)
    least = shares.index(fewest)
    told, asked, counts = zip(*(_worded(part.plain) for part in parts), strict=True)
    words, shortest = sum(counts), min(counts)
    certainties = [part.certainty for part in parts]
    weakest = _log_odds(min(certainties))
    trace = math.log10(max(fewest, LEAST_SHARE)) / 6
    return (
        weakest,
        _log_odds(max(certainties)),
        trace,
        math.log10(max(*shares, LEAST_SHARE)) / 6,
        _log_odds(top),
        min(1.0, sum(shares)),
        weakest * trace,
        min([part.best for part in parts]),
        *_JOINTS[segmentation.joint],
        float(segmentation.announced),
        float(len(parts) - 2),
        shortest / 10,
        math.log(words) / 4,
        float(shortest == 1),
        counts[least] / words,
        float(least == 0),
        max([part.silent for part in parts]),
        whole.vague,
        told[least],
        max(told),
        asked[least],
        min(asked),
        float(_SELF.match(parts[0].plain) is not None),
        rejects,
        float(service in services),
        float(several),
    )


@once
def _seen_whole(whole: Reading, text: str) -> tuple[float, float, str, float]:
    """Return the probability of all topics, the share of the likeliest service, its name, whether the message rejects something."""
    total = sum(whole.topics.values()) or 1.0
    service = max(whole.services, key=whole.services.__getitem__, default="")
    return total, whole.services.get(service, 0.0) / total, service, float(kept(text) != text)


@once
def _worded(plain: str) -> tuple[float, float, int]:
    """Return whether a part tells a story, whether it asks, and its words, one at least."""
    return float(_TOLD.search(plain) is not None), float(asks(plain)), max(1, len(plain.split()))


def _log_odds(probability: float) -> float:
    inside = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(inside / (1 - inside)) / SCALE
