"""Read the fields of long forms, and show records whose fields may be missing."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from bot.staff.editing.conflicts import field_of
from bot.staff.editing.record_editor import Field, Shape

OTHER = "autre"
"""What a form sends for a field that two people changed, to keep what the other wrote."""
Choices = Mapping[str, Mapping[str, str]]
"""What a field may choose among: name of the list → id → what people read."""


def line(form: Mapping[str, str], name: str) -> str:
    """Return a field on one line, without spare spaces."""
    return " ".join(form.get(name, "").split())


def lines(form: Mapping[str, str], name: str) -> list[str]:
    """Return the lines of a field that are not empty."""
    return [" ".join(row.split()) for row in form.get(name, "").splitlines() if row.strip()]


def loose(value: Any) -> Any:
    """Return plain values whose missing fields read as "": templates refuse unknown names otherwise."""
    if isinstance(value, Mapping):
        return defaultdict(str, {k: loose(v) for k, v in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [loose(v) for v in value]
    return value


def read_fields(form: Mapping[str, str], fields: Sequence[Field], choices: Choices, saved: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a form sends; those that it does not show are left out.

    Args:
        form: as sent.
        fields: of the kind of record.
        choices: see :data:`Choices`.
        saved: the record as it is now: what the other person wrote is taken from it where the form says so.
    """
    found = {}
    for each in fields:
        if each.name in form or any(name.startswith(f"{each.name}_") for name in form):
            found[each.name] = _read(form, each, each.name, choices, field_of(saved, each.name))
    return {**found, **others_words(form, found, saved)}


def rearranged(form: Mapping[str, str], fields: Sequence[Field], choices: Choices) -> dict[str, Any] | None:
    """Return the list that a button of the form changes, under the name of its field; ``None`` when no such button was pressed.

    A list grows by an empty row, loses one, or has one go before the one above it; nothing is saved.

    Args:
        form: as sent; its ``geste`` is « ajouter:portes », « retirer:portes:2 » or « monter:portes:2 ».
        fields: of the kind of record.
        choices: see :data:`Choices`.
    """
    verb, _, rest = form.get("geste", "").partition(":")
    name, _, number = rest.partition(":")
    field = next((f for f in fields if f.name == name and f.shape in {Shape.ROWS, Shape.SOME} and not f.keeps), None)
    if field is None:
        return None
    rows = _read(form, field, name, choices, None)
    if verb == "ajouter":
        return {name: [*rows, {} if field.shape is Shape.ROWS else ""]}
    index = min(int(number), field.most) if number.isdecimal() and len(number) < 4 else field.most
    place = len(_read(form, replace(field, most=index), name, choices, None))  # rows left empty above do not count
    if len(_read(form, replace(field, most=index + 1), name, choices, None)) > place:
        row = rows.pop(place)
        if verb == "monter":
            rows.insert(max(0, place - 1), row)
    return {name: rows}


def others_words(form: Mapping[str, str], names: Iterable[str], saved: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields where a person chose to keep what the other one wrote."""
    return {name: field_of(saved, name) for name in names if form.get(f"garder_{name}") == OTHER}


def _read(form: Mapping[str, str], field: Field, name: str, choices: Choices, saved: Any) -> Any:
    if field.shape is Shape.LINES:
        return lines(form, name)
    if field.shape is Shape.SOME:
        picked = [_picked(line(form, f"{name}_{i}"), choices[field.among]) for i in range(field.most)]
        return [each for each in picked if each]
    if field.shape is Shape.ROWS:
        return _rows(form, field, name, choices, saved or [])
    typed = line(form, name)
    if field.shape is Shape.ONE:
        return _picked(typed, choices[field.among])
    if field.shape in {Shape.DATE, Shape.NUMBER}:
        with contextlib.suppress(ValueError):
            return date.fromisoformat(typed) if field.shape is Shape.DATE else int(typed)
        return None
    return typed


def _rows(form: Mapping[str, str], field: Field, name: str, choices: Choices, saved: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for i in range(field.most):
        row = {column.name: _read(form, column, f"{name}_{i}_{column.name}", choices, None) for column in field.columns}
        if any(row.values()):
            kept = saved[i] if field.keeps and i < len(saved) else {}
            rows.append({**kept, **{column: value for column, value in row.items() if value or column in kept}})
    return [*rows, *(dict(row) for row in (saved[max(len(rows), 1) :] if field.keeps else ()))]


def _picked(typed: str, choices: Mapping[str, str]) -> str:
    """Return the id of what was picked by its name; what is none of the choices is left as it was typed."""
    if typed in choices:
        return typed
    return next((key for key, name in choices.items() if name == typed), typed)
