"""What announces each danger, told to people: the cries of the short list, the notions of the other languages, what was learnt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from bot.base.paths import ProjectPaths
from bot.emergency.rules import compiled, sentences
from bot.learning.corpus import read_jsonl

SHOWN = 4
"""Words of a list that are shown before « … »."""
START, END = "‹début de phrase›", "‹fin de phrase›"


@dataclass(frozen=True)
class Announced:
    """What announces one danger.

    Args:
        cries: of the short list, in words.
        unless: what makes them no cry.
        notions: of the other languages, each set enough by itself.
        learnt: how many messages the detector learnt it from.
    """

    cries: Sequence[str]
    unless: Sequence[str]
    notions: Sequence[str]
    learnt: int


@dataclass(frozen=True)
class Cry:
    """One line of the short list, told.

    Args:
        line: as it is written.
        words: what it means, "" when it cannot be read.
        example: a sentence that it hears.
        learnt: whether the example is a message that the detector learnt, and not made of the line itself.
    """

    line: str
    words: str
    example: str
    learnt: bool


@dataclass(frozen=True)
class Tried:
    """What the lines of one danger make of a sentence.

    Args:
        heard: lines that hear it, as they are written.
        stopped: what stops them, in words.
    """

    heard: Sequence[str]
    stopped: Sequence[str]


class Cries:
    """The short list of a tree, read line by line.

    Args:
        paths: the tree.
    """

    def __init__(self, paths: ProjectPaths) -> None:
        rules = _read(paths.referential / "urgences_mots.yml")
        self.lists: Mapping[str, Sequence[str]] = {name: text.split() for name, text in rules["mots"].items()}
        self.unless: Sequence[str] = rules["sauf"]
        self._words = {name: "|".join(words) for name, words in self.lists.items()}
        self._dangers = paths.dangers

    def told(self, situation: str, lines: Iterable[str], unless: Iterable[str]) -> Sequence[Cry]:
        """Return what each line means, with a sentence that it hears.

        Args:
            situation: id of the danger.
            lines, unless: what is enough, and what stops it.
        """
        known = [(text, told) for text in _learnt(self._dangers).get(situation, ()) if not self._stop(told := _padded(text), unless)]
        return [self._told(line, known) for line in lines]

    def tried(self, lines: Iterable[str], unless: Iterable[str], text: str) -> Tried:
        """Return which lines hear a text, and what stops them: of its sentences, the first that is a cry, or else the first heard."""
        found = Tried((), ())
        for sentence in _padded(text):
            heard = [line for line in lines if (one := self._compiled(line)) and one.search(sentence)]
            stopped = [in_words(line, self.lists) for line in self._stop([sentence], unless)] if heard else []
            if heard and not stopped:
                return Tried(heard, ())
            found = Tried(heard, stopped) if heard and not found.heard else found
        return found

    def _told(self, line: str, known: Sequence[tuple[str, Sequence[str]]]) -> Cry:
        one = self._compiled(line)
        if one is None:
            return Cry(line, "", "", False)
        heard = [text for text, told in known if any(map(one.search, told))]
        return Cry(line, in_words(line, self.lists), min(heard, key=len) if heard else self._made_of(line), bool(heard))

    def _made_of(self, line: str) -> str:
        parts = [part.split("|")[0] for part in line.split() if part not in ("^", "$") and not part.endswith("?")]
        return " ".join("…" if part == ".." else in_words(part, self.lists, first=True) for part in parts)

    def _stop(self, told: Sequence[str], unless: Iterable[str]) -> list[str]:
        return [line for line in (*self.unless, *unless) if (one := self._compiled(line)) and any(map(one.search, told))]

    def _compiled(self, line: str) -> re.Pattern[str] | None:
        return _expression(line, tuple(self._words.items()))


def announced(paths: ProjectPaths, situation: str) -> Announced:
    """Return what announces a danger.

    Args:
        paths: the tree.
        situation: its id.
    """
    rules, abroad = (_read(paths.referential / name) for name in ("urgences_mots.yml", "urgences_langues.yml"))
    lists = {name: text.split() for name, text in rules["mots"].items()}
    rows = [row for row in rules["regles"] if row["situation"] == situation]
    notions = [" et ".join(n.split()) for row in abroad["situations"] if row["situation"] == situation for n in row["notions"]]
    return Announced(
        [in_words(pattern, lists) for row in rows for pattern in row["motifs"]],
        [in_words(pattern, lists) for row in rows for pattern in row.get("sauf", [])],
        list(dict.fromkeys(notions)),
        len(_learnt(paths.dangers).get(situation, ())),
    )


def in_words(pattern: str, lists: Mapping[str, Sequence[str]], first: bool = False) -> str:
    """Return a pattern of the short list as a person reads it: « je (vais ou veux) me (tuer ou pendre) ».

    Args:
        pattern: as it is written.
        lists: name of a list → its words.
        first: only the first word of each choice.
    """
    said = []
    for part in pattern.split():
        if part in ("^", "$"):
            said.append(START if part == "^" else END)
            continue
        words = [word for choice in part.rstrip("?").split("|") for word in _words_of(choice, lists)]
        shown = [word.replace("*", "…") for word in words[: 1 if first else None]]
        group = shown[0] if len(shown) == 1 else f"({' ou '.join(shown[:SHOWN])}{' ou …' if len(shown) > SHOWN else ''})"
        said.append("…" if part == ".." else f"[{group}]" if part.endswith("?") else group)
    return " ".join(said)


def _words_of(choice: str, lists: Mapping[str, Sequence[str]]) -> Sequence[str]:
    return lists[choice[1:]] if choice.startswith("@") else [choice]


def _read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # both are safe loaders


def _padded(text: str) -> list[str]:
    return [f" {words} " for words in sentences(text)]


@lru_cache(maxsize=1024)
def _expression(line: str, words: tuple[tuple[str, str], ...]) -> re.Pattern[str] | None:
    try:
        return re.compile(compiled(line, dict(words)))
    except (KeyError, ValueError):
        return None


@lru_cache(maxsize=4)
def _told(files: tuple[tuple[Path, int], ...]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for row in (row for file, _ in files for row in read_jsonl(file)):
        found.setdefault(str(row.get("situation") or ""), []).append(str(row["texte"]))
    return found


def _learnt(folder: Path) -> Mapping[str, Sequence[str]]:
    """Return the messages that the detector learnt, by situation; those that measure are not read here."""
    return _told(tuple((file, file.stat().st_mtime_ns) for file in sorted(folder.glob("*.jsonl"))))
