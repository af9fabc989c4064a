"""Cut a message that carries two requests into the parts that each carry one."""

from __future__ import annotations

import re

_NUMBERED = re.compile(r"(?:^|\s)(?:\d\s?[).°/-]|[ab]\s?\)|premi[eè]rement|deuxi[eè]mement|d'abord|ensuite)\s", re.IGNORECASE)
_JOINTS = re.compile(
    r"(?:[.!?;…]+\s+|\s*[;:]\s+|,?\s+(?:et\s+aussi|et\s+sinon|et\s+puis|et\s+en\s+plus|en\s+plus|et\s+par\s+ailleurs|par\s+ailleurs|"
    r"d'autre\s+part|deuxi[eè]me\s+(?:chose|question)|autre\s+(?:chose|question|sujet)|sinon|au\s+passage|"
    r"et\s+(?:je|j'|on|il|elle|ma|mon|mes|le|la|les|l'|nous|notre|comment|qui|o[uù]|pour|est|plus|faut|quel|quelle)(?=[\s']))\s*)",
    re.IGNORECASE,
)
_TWO_REQUESTS = re.compile(
    r"\b(?:2|deux|plusieurs|trois|3)\s+(?:choses|questions|demandes|dossiers?|sujets|points|d[eé]marches)|"
    r"\baussi\b|\bpar ailleurs\b|\bd'autre part\b|\ben plus\b|\bautre (?:chose|question)\b|\bd'abord\b.*\bensuite\b|\bet puis\b|\bsinon\b|"
    r"(?:^|\s)1\s?[).°/-].*\s2\s?[).°/-]|\?.*\?|\bet\s+(?:qui|o[uù]|comment|quel)",
    re.IGNORECASE | re.DOTALL,
)
MIN_WORDS = 3


def suggests_two_requests(text: str) -> bool:
    """Whether the wording of ``text`` announces more than one request."""
    return bool(_TWO_REQUESTS.search(text))


def split_requests(text: str) -> tuple[str, ...]:
    """Return the clauses of ``text`` that could each be a request, in order.

    Short fragments are kept with their neighbour. One clause: the message is whole.

    Args:
        text: a cleaned message with its punctuation.
    """
    pieces: list[str] = []
    for numbered in _NUMBERED.split(text):
        pieces.extend(p for p in _split_keeping_words(numbered) if p.strip(" .,;:!?-"))
    merged: list[str] = []
    for piece in pieces:
        if merged and (len(piece.split()) < MIN_WORDS or len(merged[-1].split()) < MIN_WORDS):
            merged[-1] = f"{merged[-1]} {piece}"
        else:
            merged.append(piece)
    return tuple(m.strip(" .,;:") for m in merged) or (text,)


def _split_keeping_words(text: str) -> list[str]:
    pieces, start = [], 0
    for match in _JOINTS.finditer(text):
        joint = match.group()
        cut = match.end() if not re.match(r",?\s+et\s+\S", joint) or "aussi" in joint else match.start()
        pieces.append(text[start : match.start() if cut == match.end() else cut])
        start = cut
    pieces.append(text[start:])
    return pieces
