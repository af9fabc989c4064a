"""Read YAML fast (libyaml) while remembering on which line each value stands."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from bot.base.errors import Problem

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # libyaml missing: same result, slower
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

KeyPath = tuple[Any, ...]
_DATE = re.compile(r"\b\d{4}-\d{1,2}-\d{1,2}\b")


class LocatedYaml:
    """A YAML document with the line of each of its values.

    Args:
        data: the document as plain Python values.
        lines: 1-based line for each path of keys and indexes, e.g. ``("sujets", 3, "id")``.
        fichier: name to show in error messages.
    """

    def __init__(self, data: Any, lines: dict[KeyPath, int], fichier: str) -> None:
        self.data = data
        self.lines = lines
        self.fichier = fichier

    def line(self, path: KeyPath) -> int:
        """Return the line of ``path``, or of its closest known ancestor (0 when unknown)."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 0

    def problem(self, path: KeyPath, message: str) -> Problem:
        """Return a :class:`Problem` located at ``path``."""
        return Problem(self.fichier, self.line(path), message)


def load_located(path: Path, shown_as: str | None = None) -> LocatedYaml | tuple[Problem, ...]:
    """Load one YAML file.

    Args:
        path: the file.
        shown_as: name for error messages (default: the path).

    Returns:
        The document, or every :class:`Problem` that prevents reading it.
    """
    name = shown_as or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return (Problem(name, 0, "le fichier manque. Remettez-le depuis une sauvegarde ou git."),)
    except UnicodeDecodeError as error:
        return (Problem(name, 0, f"le fichier n'est pas en UTF-8 ({error.reason})."),)
    lines: dict[KeyPath, int] = {}
    duplicates: list[Problem] = []
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            data = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or "écriture YAML incorrecte"
        return (Problem(name, mark.line + 1 if mark else 0, f"YAML illisible : {reason}."),)
    except ValueError:
        return (Problem(name, _impossible_date(text), "cette date n'existe pas. Écrivez-la comme 2026-01-31."),)
    if node is not None:
        _walk(node, (), lines, duplicates, name)
    if duplicates:
        return tuple(duplicates)
    return LocatedYaml(data, lines, name)


def _impossible_date(text: str) -> int:
    """Return the line of the first date of a text that no calendar holds, 0 when there is none."""
    for number, line in enumerate(text.splitlines(), start=1):
        for written in _DATE.findall(line):
            try:
                date(*map(int, written.split("-")))
            except ValueError:
                return number
    return 0


def _walk(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], duplicates: list[Problem], name: str) -> None:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                duplicates.append(Problem(name, key.start_mark.line + 1, f"la clé « {key.value} » est écrite deux fois. Gardez-en une."))
            seen.add(key.value)
            _walk(value, (*path, key.value), lines, duplicates, name)
            lines[(*path, key.value)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*path, index), lines, duplicates, name)
