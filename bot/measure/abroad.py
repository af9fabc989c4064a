"""What is seen of dangers told in other languages, on messages nobody learnt from; ``scripts.mesures langues`` writes the table."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bot.emergency.detector import EmergencyDetector
from bot.learning.corpus import read_jsonl

BLIND = "etrangers_aveugles_4.jsonl"
"""In ``tests/data``: ``texte``, ``langue``, ``situation`` (empty: no danger) and ``genre``."""

Row = dict[str, Any]
Counts = tuple[int, int, int, int]
"""Dangers seen, dangers, alarms raised for nothing, messages without danger."""


def read_rows(path: Path) -> list[Row]:
    """Return the messages of a file.

    Raises:
        CorpusError: a line cannot be read.
    """
    return list(read_jsonl(path))


def measure(detector: EmergencyDetector, rows: Iterable[Row]) -> dict[str, Counts]:
    """Return what is counted in each language, in the order of the messages."""
    found: dict[str, list[int]] = {}
    for row in rows:
        counts = found.setdefault(row["langue"], [0, 0, 0, 0])
        at = 0 if row["situation"] else 2
        counts[at] += detector.detect(row["texte"]) is not None
        counts[at + 1] += 1
    return {language: (a, b, c, d) for language, (a, b, c, d) in found.items()}


def right_numbers(detector: EmergencyDetector, rows: Iterable[Row], numbers: dict[str, tuple[str, ...]]) -> tuple[int, int]:
    """Return how many dangers seen show the first number of their situation, and how many are seen."""
    seen = [(row, found) for row in rows if row["situation"] and (found := detector.detect(row["texte"])) is not None]
    return sum(numbers[row["situation"]][0] in found.numeros for row, found in seen), len(seen)
