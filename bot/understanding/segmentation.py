"""Cut a message where it may go from one request to another."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

MAX_JOINTS, MAX_PARTS = 4, 4
"""Of one message: the strongest joints are tried, alone and together."""
LONG, LONG_JOINTS = 600, 3
"""Characters from which fewer joints are tried: each adds as many parts to read, and they are long."""
MAX_CONTEXT_WORDS = 6
BARE_WORDS = 8
"""Up to how many words a message without any joint may still hold two requests (« permis perdu procuration »)."""
MIN_LETTERS = 3
"""Letters or digits of the shortest request (« rsa »)."""


class Joint(StrEnum):
    """What joins two parts of a message, the most telling of several requests first."""

    LISTED = "liste"
    NEXT = "suite"
    STOP = "arret"
    AND = "et"
    COMMA = "virgule"
    COLON = "deux_points"
    NOTHING = "rien"


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
_JOINTS: tuple[tuple[Joint, re.Pattern[str]], ...] = (
    (Joint.LISTED, re.compile(r"\s?\+\s?|\s[/&]\s|\s(?:[2-9]\s?[).°/]|[b-d]\s?\))\s", re.IGNORECASE)),
    (Joint.NEXT, re.compile(rf"[\s,;.!?]{{1,4}}(?:(?:et|mais)\s)?{_NEXT}(?=\S)", re.IGNORECASE)),
    (Joint.STOP, re.compile(r"(?:[.!?…]{1,6}(?=\s)|\s?;)\s?(?:(?:et|mais)\s)?", re.IGNORECASE)),
    (Joint.AND, re.compile(r",?\s(?:et|mais|ainsi\s+que)\s", re.IGNORECASE)),
    (Joint.COMMA, re.compile(r",\s?(?!\d)")),
    (Joint.COLON, re.compile(r"\s?:\s|\s[-–—]\s|\s?\(\s?")),
)
_ORDER = {joint: i for i, joint in enumerate(Joint)}
_CONTEXT = re.compile(r"[^.:!?;,]{2,60}[.:!]\s+")
_LETTERS = re.compile(rf"(?:\w\W*){{{MIN_LETTERS}}}")
_EDGE = " \t.,;:+-–—/&("


@dataclass(frozen=True)
class Segmentation:
    """One way to read a message as several requests.

    Args:
        parts: the words of each request, in order, without what joins them.
        context: the few words that open the message and hold for every part ("Maire :"), or nothing.
        joint: what joins the parts, at the least telling place.
        announced: whether the message says that it holds several requests.
    """

    parts: tuple[str, ...]
    context: str
    joint: Joint
    announced: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """The parts as they are to be understood: each with its context."""
        return (self.parts[0], *(f"{self.context} {part}".strip() for part in self.parts[1:]))


def segmentations(text: str, bare: bool = True, telling: Container[Joint] = tuple(Joint)) -> tuple[Segmentation, ...]:
    """Return the ways to read ``text`` as two requests or more; none when nothing joins two of them.

    Args:
        text: a cleaned message with its punctuation; its words are separated by one space.
        bare: whether a short message may be cut where nothing joins its words.
        telling: the joints where a message is cut that does not say that it holds several requests.
    """
    opening = _CONTEXT.match(text)
    context = opening.group().strip() if opening and len(opening.group().split()) <= MAX_CONTEXT_WORDS else ""
    announced = _SEVERAL.search(text) is not None
    joints = _joints(text)
    if not joints and bare and text.count(" ") < BARE_WORDS:
        joints, most = [(*match.span(), Joint.NOTHING) for match in re.finditer(" ", text)], 2
    else:
        most = MAX_PARTS
    if not announced:
        joints = [joint for joint in joints if joint[2] in telling]
    found = []
    for chosen in (some for cuts in range(1, most) for some in combinations(joints, cuts)):
        edges = [0, *(edge for start, end, _ in chosen for edge in (start, end)), len(text)]
        parts = tuple(text[a:b].strip(_EDGE) for a, b in zip(edges[::2], edges[1::2], strict=True))
        carried = context if chosen[0][0] > len(context) else ""
        if all(_LETTERS.search(own) for own in (parts[0][len(carried) :], *parts[1:])):
            found.append(Segmentation(parts, carried, max((joint for *_, joint in chosen), key=_ORDER.__getitem__), announced))
    return tuple(found)


def _joints(text: str) -> list[tuple[int, int, Joint]]:
    """Return where ``text`` may be cut, in order, from and to which character and why: the most telling when there are many."""
    found: list[tuple[int, int, Joint]] = []
    taken = bytearray(len(text))
    for joint, pattern in _JOINTS:
        for match in pattern.finditer(text):
            start, end = match.span()
            if start > 0 and end < len(text) and not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                found.append((start, end, joint))
    return sorted(sorted(found, key=lambda j: _ORDER[j[2]])[: MAX_JOINTS if len(text) < LONG else LONG_JOINTS])
