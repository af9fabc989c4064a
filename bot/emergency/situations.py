"""What an emergency is, and which numbers go with each situation (``urgences.yml``, the only file that holds them)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.base.errors import ReferentialError
from bot.base.yaml_lines import load_located


@dataclass(frozen=True)
class Emergency:
    """What was recognised in a message.

    Args:
        situation: identifier of the situation in ``urgences.yml``.
        numeros: numbers to show, the right one first.
        sure: whether nothing should distract from calling; else a question or a door may stay behind the numbers.
        language: BCP 47 tag of the language it is told in, "" for French.
    """

    situation: str
    numeros: tuple[str, ...]
    sure: bool = True
    language: str = ""


def load_situations(path: Path) -> dict[str, tuple[str, ...]]:
    """Read which numbers go with each situation.

    Args:
        path: ``urgences.yml``.

    Returns:
        Situation identifier → numbers, the right one first.

    Raises:
        ReferentialError: when the file is missing or has not the expected shape.
    """
    document = load_located(path)
    if isinstance(document, tuple):
        raise ReferentialError(list(document))
    try:
        return {row["id"]: tuple(str(n) for n in row["numeros"]) for row in document.data["situations"]}
    except (KeyError, TypeError) as error:
        raise ReferentialError([document.problem((), f"la liste « situations » est mal écrite ({error}).")]) from error
