"""Lists of French words, read from ``data/langue``: they go with the code that reads them, and staff do not edit them."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "data" / "langue"


def read_words(name: str) -> tuple[str, ...]:
    """Return the entries of a list, in order: separated by commas or on lines of their own; ``#`` opens a comment.

    Args:
        name: of the file, without ``.txt``.
    """
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    entries = ",".join(line for line in lines if not line.startswith("#")).split(",")
    return tuple(entry for entry in map(str.strip, entries) if entry)


def read_pairs(name: str) -> dict[str, str]:
    """Return the entries ``a = b`` of a list, by ``a``."""
    return {left: right for left, _, right in (entry.partition(" = ") for entry in read_words(name))}
