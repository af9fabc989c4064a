"""Write what was measured between two markers of a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def write_between(page: Path, start: str, end: str, lines: Sequence[str]) -> None:
    """Replace what stands between the markers ``start`` and ``end`` of a page; both must be there."""
    text = page.read_text(encoding="utf-8")
    before, after = text.split(start)[0], text.split(end)[1]
    page.write_text("\n".join((before + start, *lines, end + after)), encoding="utf-8")
