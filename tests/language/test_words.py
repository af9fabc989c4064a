"""The lists of French words: read as they are written, each by something, none twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.language import words
from bot.language.cleaning import strip_accents
from bot.language.words import FOLDER, read_pairs, read_words

LISTS = sorted(path.stem for path in FOLDER.glob("*.txt"))
COMPARED_WITHOUT_ACCENTS = (
    "abreviations",
    "avant_un_lieu",
    "communes_mots_courants",
    "formules_finales",
    "mots_outils",
    "noms",
    "noms_et_mots",
    "prenoms",
    "salutations",
)


def test_a_list_is_read_in_order_without_its_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "essai.txt").write_text("# un mot, deux mots\nbonjour, à tous,\n\nmerci\nc = c est\n", encoding="utf-8")
    monkeypatch.setattr(words, "FOLDER", tmp_path)
    assert read_words("essai") == ("bonjour", "à tous", "merci", "c = c est")
    assert read_pairs("essai")["c"] == "c est"


@pytest.mark.parametrize("name", LISTS)
def test_a_list_says_what_it_is_for_and_repeats_nothing(name: str) -> None:
    assert (FOLDER / f"{name}.txt").read_text(encoding="utf-8").startswith("# ")
    entries = read_words(name)
    assert entries
    assert len(set(entries)) == len(entries)


@pytest.mark.parametrize("name", COMPARED_WITHOUT_ACCENTS)
def test_what_is_compared_without_accents_is_written_without(name: str) -> None:
    assert [e for e in read_words(name) if e != strip_accents(e.lower())] == []


def test_every_list_is_read_by_the_code() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for room in ("bot", "scripts") for path in (FOLDER.parents[1] / room).rglob("*.py"))
    assert set(re.findall(r'read_(?:words|pairs)\("(\w+)"\)', code)) == set(LISTS)
