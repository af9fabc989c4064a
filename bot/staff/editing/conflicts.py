"""Two people on one record: what each changed is kept, and what both changed is shown field by field, to choose."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from bot.base.errors import EditConflict


@dataclass(frozen=True)
class Difference:
    """One field that differs.

    Args:
        field: its name in the record.
        name: as a person reads it.
        saved: lines of what is saved now.
        mine: lines of what the person typed.
    """

    field: str
    name: str
    saved: tuple[str, ...]
    mine: tuple[str, ...]


def field_of(values: Mapping[str, Any], name: str) -> Any:
    """Return a field of a record, ``None`` when it is not there; « a.b » is the field « b » of the record « a »."""
    found: Any = values
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record from its fields by name: the reverse of :func:`field_of`."""
    record: dict[str, Any] = {}
    for name, value in values.items():
        *parents, last = name.split(".")
        place = record
        for part in parents:
            place = place.setdefault(part, {})
        place[last] = value
    return record


def version_of(values: Mapping[str, Any], names: Iterable[str]) -> str:
    """Return what a page carries so that a later change by someone else is noticed, field by field."""
    return " ".join(f"{name}={mark}" for name in names if (mark := _mark(field_of(values, name))))


def merged(read: str, current: Mapping[str, Any], mine: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the fields to write: those that the person changed, and nobody else did.

    Args:
        read: version of what the person had before their eyes.
        current: the record as it is now.
        mine: field → what the person typed.
        names: fields of the version.

    Raises:
        EditConflict: both changed a field, each in their own way.
    """
    before = dict(part.rpartition("=")[::2] for part in read.split())
    wanted: dict[str, Any] = {}
    clash: list[str] = []
    for name, value in mine.items():
        seen, now, typed = before.get(name, ""), _mark(field_of(current, name)), _mark(value)
        if now == seen:
            wanted[name] = value
        elif typed not in (now, seen):
            clash.append(name)
    if clash:
        raise EditConflict({n: field_of(current, n) for n in clash}, {n: mine[n] for n in clash}, version_of(current, names))
    return wanted


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], names: Mapping[str, str], words: Mapping[str, str] = MappingProxyType({})
) -> tuple[Difference, ...]:
    """Return the fields that differ.

    Args:
        before: record, as it is saved or as it was.
        after: record, as a person wants it or as it will be.
        names: field → name a person reads, in the order to show them.
        words: id → name a person reads, for the values that are ids.
    """
    found = ((name, tuple(_lines(field_of(before, name), words)), tuple(_lines(field_of(after, name), words))) for name in names)
    return tuple(Difference(name, names[name], old, new) for name, old, new in found if old != new)


def _mark(value: Any) -> str:
    kept = _full(value)
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()[:10] if kept else ""


def _full(value: Any) -> Any:
    """Return a value without what says nothing: an empty field is one that is not there."""
    if isinstance(value, Mapping):
        return {name: kept for name, each in value.items() if (kept := _full(each))}
    if isinstance(value, list | tuple):
        return [kept for each in value if (kept := _full(each))]
    return value


def _lines(value: Any, words: Mapping[str, str]) -> Iterator[str]:
    if isinstance(value, Mapping):
        inside = " – ".join(line for each in value.values() for line in _lines(each, words))
        yield from filter(None, [inside])
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _lines(each, words)
    elif isinstance(value, bool):
        yield "oui" if value else "non"
    elif isinstance(value, date):
        yield f"{value:%d/%m/%Y}"
    elif value not in (None, ""):
        yield words.get(str(value), str(value))
