"""What two people wrote in the same sheet, field by field: only what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from bot.base.errors import EditConflict


@dataclass(frozen=True)
class Difference:
    """One field that differs.

    Args:
        field: its name as a person reads it.
        saved: lines of what is saved now.
        mine: lines of what the person typed.
    """

    field: str
    saved: tuple[str, ...]
    mine: tuple[str, ...]


def differences(conflict: EditConflict, names: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return the fields that differ, in the order of the sheet.

    Args:
        conflict: both sheets.
        names: field → name a person reads.
    """
    saved, mine = ({} if text is None else yaml.safe_load(text) or {} for text in (conflict.current, conflict.proposed))
    found = ((name, tuple(_lines(saved.get(name))), tuple(_lines(mine.get(name)))) for name in {**saved, **mine})
    return tuple(Difference(names.get(name, name.replace("_", " ")), old, new) for name, old, new in found if old != new)


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        inside = " – ".join(line for each in value.values() for line in _lines(each))
        yield from filter(None, [inside])
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _lines(each)
    elif isinstance(value, bool):
        yield "oui" if value else "non"
    elif isinstance(value, date):
        yield f"{value:%d/%m/%Y}"
    elif value not in (None, ""):
        yield str(value)
