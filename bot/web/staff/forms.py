"""Read the fields of long forms, and show records whose fields may be missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any


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
