"""What announces each danger, told to people: the cries of the short list, the notions of the other languages, what was learnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from bot.base.paths import ProjectPaths
from bot.learning.corpus import read_jsonl

SHOWN = 4
"""Words of a list that are shown before « … »."""


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
        _learnt(paths.dangers)[situation],
    )


def in_words(pattern: str, lists: Mapping[str, Sequence[str]]) -> str:
    """Return a pattern of the short list as a person reads it: « je (vais ou veux) me (tuer ou pendre) »."""
    said = []
    for part in pattern.split():
        if part in ("^", "$"):
            continue
        words = [word for choice in part.rstrip("?").split("|") for word in _words_of(choice, lists)]
        shown = [word.replace("*", "…") for word in words]
        group = shown[0] if len(shown) == 1 else f"({' ou '.join(shown[:SHOWN])}{' ou …' if len(shown) > SHOWN else ''})"
        said.append("…" if part == ".." else f"[{group}]" if part.endswith("?") else group)
    return " ".join(said)


def _words_of(choice: str, lists: Mapping[str, Sequence[str]]) -> Sequence[str]:
    return lists[choice[1:]] if choice.startswith("@") else [choice]


def _read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # both are safe loaders


@lru_cache(maxsize=4)
def _counted(files: tuple[tuple[Path, int], ...]) -> Counter[str]:
    return Counter(str(row.get("situation") or "") for file, _ in files for row in read_jsonl(file))


def _learnt(folder: Path) -> Counter[str]:
    return _counted(tuple((file, file.stat().st_mtime_ns) for file in sorted(folder.glob("*.jsonl"))))
