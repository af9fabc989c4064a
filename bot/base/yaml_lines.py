"""Read YAML fast (libyaml) while remembering on which line each value stands."""

from __future__ import annotations

import re
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from bot.base.errors import Problem
from bot.base.readings import kept_reading

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
        text: what was written.
        fichier: name to show in error messages.
    """

    def __init__(self, data: Any, text: str, fichier: str) -> None:
        self.data = data
        self.fichier = fichier
        self._text = text

    @cached_property
    def lines(self) -> dict[KeyPath, int]:
        """1-based line for each path of keys and indexes, e.g. ``("sujets", 3, "id")``: looked for when there is a problem to tell."""
        return _walked(_composed(self._text)[0], self.fichier)[0]

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
        content = path.read_bytes()
        text = content.decode("utf-8")
    except FileNotFoundError:
        return (Problem(name, 0, "le fichier manque. Remettez-le depuis une sauvegarde ou git."),)
    except UnicodeDecodeError as error:
        return (Problem(name, 0, f"le fichier n'est pas en UTF-8 ({error.reason})."),)
    try:
        return LocatedYaml(kept_reading(path, content, lambda: _read(text, name)), text, name)
    except _Unreadable as error:
        return error.problems


class _Unreadable(Exception):
    def __init__(self, *problems: Problem) -> None:
        self.problems = problems


def _read(text: str, name: str) -> Any:
    try:
        node, data = _composed(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or "écriture YAML incorrecte"
        raise _Unreadable(Problem(name, mark.line + 1 if mark else 0, f"YAML illisible : {reason}.")) from error
    except ValueError as error:
        said = "cette date n'existe pas. Écrivez-la comme 2026-01-31."
        raise _Unreadable(Problem(name, _impossible_date(text), said)) from error
    if duplicates := _walked(node, name)[1]:
        raise _Unreadable(*duplicates)
    return data


def _composed(text: str) -> tuple[yaml.Node | None, Any]:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        return node, loader.construct_document(node) if node is not None else None
    finally:
        loader.dispose()


def _walked(node: yaml.Node | None, name: str) -> tuple[dict[KeyPath, int], list[Problem]]:
    """Return the line of each value, and the keys written twice."""
    lines: dict[KeyPath, int] = {}
    duplicates: list[Problem] = []
    if node is not None:
        _walk(node, (), lines, duplicates, name)
    return lines, duplicates


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
