"""Find where a message may go from one request to another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

MAX_CUTS = 2
MIN_WORDS = 2
MAX_CONTEXT_WORDS = 6
BREAK, LINK, ANNOUNCED = 0.8, 1.2, 0.7
"""What each clue in favour of two requests adds to their score, where a comma adds nothing (see :mod:`bot.routing.several`)."""

_SEVERAL = re.compile(
    r"\b(?:2|deux|plusieurs|trois|3)\s+(?:\w+\s+)?(?:choses|questions|demandes|dossiers|sujets|points|d[eé]marches)\b|"
    r"\bdouble\s+(?:demande|question|probl[eè]me|souci)\b|\bles\s+(?:deux|trois)\s*(?:[.?!]|$)|"
    r"(?:^|\s)1\s?[).°/-].*\s2\s?[).°/-]|\bd'une\s+part\b.*\bd'autre\s+part\b|\bd'abord\b.*\bensuite\b|\bd'un\s+c[oô]t[eé]\b.*\bde\s+l'autre\b|"
    r"\bpour\s+l'une?\s+et\s+(?:pour\s+)?l'autre\b|\bchaque\s+(?:chose|demande|dossier)\b",
    re.IGNORECASE,
)
_NEXT = (
    r"(?:aussi|sinon|puis|ensuite|enfin|en\s+plus|de\s+plus|en\s+outre|par\s+ailleurs|d'autre\s+part|d'un\s+autre\s+c[oô]t[eé]|"
    r"[eé]galement|au\s+passage|en\s+m[eê]me\s+temps|(?:tant|pendant)\s+que\s+j'y\s+suis|deuxi[eè]mement|"
    r"(?:l'|une\s+|un\s+|mon\s+|ma\s+|la\s+|le\s+)?(?:autre|deuxi[eè]me|seconde?|2e|2[eè]me)\s+"
    r"(?:chose|question|sujet|point|demande|souci|probl[eè]me)(?:\s+c'est(?:\s+que)?)?)\b[\s,:]{0,3}"
)
_BREAK = re.compile(
    rf"(?:[.!?…]{{1,6}}(?=\s)|;)\s?(?:(?:et|mais)\s)?(?:{_NEXT})?|[\s,]{{1,3}}(?:(?:et|mais)\s)?{_NEXT}(?=\S)|"
    r"\s(?:[2-9]\s?[).°/]|[b-d]\s?\))\s|\s\+\s",
    re.IGNORECASE,
)
_PAUSE = re.compile(r",\s(?:(?:et|mais)\s)?|\s?:\s|\s(?:et|mais|ainsi\s+que)\s|\s[-–—]\s", re.IGNORECASE)
_LINKING = re.compile(rf"\b(?:et|ainsi)\b|{_NEXT}", re.IGNORECASE)
_CONTEXT = re.compile(r"[^.:!?;,]{2,60}[.:!]\s+")
_WORD = re.compile(r"[^\s.,;:!?+]+")
_EDGE = " \t.,;:+-–—"


@dataclass(frozen=True)
class Segmentation:
    """One way to read a message as several requests.

    Args:
        parts: the words of each request, in order, without what joins them.
        context: the few words that open the message and hold for every part ("Maire :"), or nothing.
        clues: how much the punctuation and the wording at the weakest joint speak for several requests.
    """

    parts: tuple[str, ...]
    context: str
    clues: float

    @property
    def texts(self) -> tuple[str, ...]:
        """The parts as they are to be understood: each with its context."""
        return (self.parts[0], *(f"{self.context} {part}".strip() for part in self.parts[1:]))


@dataclass(frozen=True)
class _Joint:
    start: int
    end: int
    clues: float


def segmentations(text: str) -> tuple[Segmentation, ...]:
    """Return the ways to read ``text`` as two requests, or three; none when nothing joins two of them.

    Args:
        text: a cleaned message with its punctuation; its words are separated by one space.
    """
    opening = _CONTEXT.match(text)
    context = opening.group().strip() if opening and len(opening.group().split()) <= MAX_CONTEXT_WORDS else ""
    announced = ANNOUNCED if _SEVERAL.search(text) else 0.0
    joints = _joints(text)
    found = []
    for chosen in [*((j,) for j in joints), *pairwise(j for j in joints if j.clues)]:
        edges = [0, *(edge for joint in chosen for edge in (joint.start, joint.end)), len(text)]
        parts = tuple(text[a:b].strip(_EDGE) for a, b in zip(edges[::2], edges[1::2], strict=True))
        carried = context if chosen[0].start > len(context) else ""
        own = [len(parts[0].split()) - len(carried.split()), *(len(p.split()) for p in parts[1:])]
        if min(own) >= MIN_WORDS:
            found.append(Segmentation(parts, carried, min(j.clues for j in chosen) + announced))
    return tuple(found)


def _joints(text: str) -> list[_Joint]:
    """Return the joints of ``text``, in order: those that speak most for several requests when there are many."""
    found = [_Joint(*m.span(), BREAK + (LINK if _LINKING.search(m.group()) else 0.0)) for m in _BREAK.finditer(text)]
    taken = [False] * len(text)
    for joint in found:
        taken[joint.start : joint.end] = [True] * (joint.end - joint.start)
    for match in _PAUSE.finditer(text):
        if not any(taken[match.start() : match.end()]):
            found.append(_Joint(*match.span(), LINK if _LINKING.search(match.group()) else 0.0))
    words = [m.span() for m in _WORD.finditer(text)]
    if len(words) < 2 * MIN_WORDS:
        return []
    first, last = words[MIN_WORDS - 1][1], words[-MIN_WORDS][0]
    edges = [j for j in found if j.start >= first and j.end <= last]
    return sorted(sorted(edges, key=lambda j: -j.clues)[:MAX_CUTS], key=lambda j: j.start)
