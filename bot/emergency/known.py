"""Whole messages that staff wrote down as a danger, or as no danger: known word for word, without any model."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from bot.base.errors import ReferentialError
from bot.base.yaml_lines import load_located
from bot.emergency.rules import sentences

FILE = "urgences_phrases.yml"
"""In the folder of the referential."""
CALM = ""
"""Situation of a message that is no danger."""

Known = Mapping[str, str]
"""Words of a message → its situation."""


def words_of(text: str) -> str:
    """Return what two messages that say the same word for word have alike."""
    return " . ".join(sentences(text))


def load_known(folder: Path, situations: Collection[str]) -> Known:
    """Read the messages; none without the file.

    Args:
        folder: of the referential.
        situations: those that have numbers.

    Raises:
        ReferentialError: the file is badly written, or names an unknown situation.
    """
    if not (folder / FILE).exists():
        return {}
    document = load_located(folder / FILE, f"data/referentiel/{FILE}")
    if isinstance(document, tuple):
        raise ReferentialError(list(document))
    try:
        rows = [(str(row["texte"]), str(row.get("situation") or CALM)) for row in document.data["phrases"]]
    except (AttributeError, KeyError, TypeError) as error:
        raise ReferentialError([document.problem((), f"la liste « phrases » est mal écrite ({error}).")]) from error
    unknown = [situation for _, situation in rows if situation != CALM and situation not in situations]
    if unknown:
        raise ReferentialError([document.problem((), f"la situation « {name} » n'est pas dans urgences.yml.") for name in unknown])
    return {words_of(text): situation for text, situation in rows}
