"""The cries told to people: each line has its words and an example that it hears; a sentence says which line, and what stops it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.base.paths import ProjectPaths
from bot.emergency.rules import load_rules, sentences
from bot.emergency.situations import load_situations
from bot.staff.danger_words import Cries, Tried, announced
from bot.staff.editing.kinds import ABROAD, CRIES, NOTIONS, editor_of

ROOT = ProjectPaths(Path(__file__).resolve().parents[2])
RULES = """
mots: {proche: "mari fils"}
sauf: ["film|roman"]
regles:
- {situation: incendie, motifs: ["feu|flammes .. maison", "^ au feu $", "@proche brul* vif?"], sauf: ["cheminee"]}
"""


@pytest.fixture
def cries(tmp_path: Path) -> Cries:
    paths = ProjectPaths(tmp_path)
    for folder in (paths.referential, paths.dangers):
        folder.mkdir(parents=True)
    (paths.referential / "urgences_mots.yml").write_text(RULES, encoding="utf-8")
    rows = [
        {"texte": "il y a le feu dans toute la maison", "situation": "incendie"},
        {"texte": "le feu à la maison", "situation": "incendie"},
        {"texte": "feu maison (un film)", "situation": "incendie"},
        {"texte": "feu maison", "situation": "noyade"},
    ]
    (paths.dangers / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return Cries(paths)


def test_each_line_is_told_with_the_shortest_message_learnt_that_it_hears(cries: Cries) -> None:
    lines = ["feu|flammes .. maison", "^ au feu $", "@proche brul* vif?", "(feu", "@rien"]
    first, second, third, *unreadable = cries.told("incendie", lines, ["cheminee"])
    assert (first.words, first.example, first.learnt) == ("(feu ou flammes) … maison", "le feu à la maison", True)
    assert (second.words, second.example, second.learnt) == ("‹début de phrase› au feu ‹fin de phrase›", "au feu", False)
    assert (third.words, third.example) == ("(mari ou fils) brul… [vif]", "mari brul…")
    assert [(cry.words, cry.example) for cry in unreadable] == [("", ""), ("", "")]


def test_a_sentence_says_which_line_hears_it_and_what_stops_it(cries: Cries) -> None:
    lines, unless = ["feu .. maison", "au feu"], ["cheminee"]
    assert cries.tried(lines, unless, "Vite ! Le feu prend la maison") == Tried(["feu .. maison"], ())
    assert cries.tried(lines, unless, "le feu de cheminée de la maison") == Tried(["feu .. maison"], ["cheminee"])
    assert cries.tried(lines, unless, "un film : le feu de la maison").stopped == ["(film ou roman)"]
    assert cries.tried(lines, unless, "Un film, le feu à la maison. Au feu !") == Tried(["au feu"], ())
    assert cries.tried(lines, unless, "ma maison") == Tried((), ())


def test_every_line_of_the_house_can_be_read_and_its_example_is_heard() -> None:
    cries, rules = Cries(ROOT), load_rules(ROOT.referential / "urgences_mots.yml", load_situations(ROOT.referential / "urgences.yml"))
    for sheet in editor_of(ROOT, CRIES).all():
        assert not CRIES.check(sheet.values)
        for cry in cries.told(sheet.id, sheet.values["motifs"], sheet.values.get("sauf") or ()):
            assert cry.words and cry.example, cry
            if cry.learnt:
                assert rules.find(sentences(cry.example)), cry
    assert announced(ROOT, "incendie").learnt > 100


def test_the_words_of_every_language_are_read_and_written_back_as_they_were() -> None:
    for sheet in editor_of(ROOT, ABROAD).all():
        fields = {each.name: sheet.values["mots"].get(each.name.partition(".")[2]) for each in ABROAD.fields}
        assert set(sheet.values["mots"]) <= NOTIONS.keys() and not ABROAD.check(fields)
        written = ABROAD.finish(sheet.values, {name: words for name, words in fields.items() if words})
        again = ABROAD.read({"mots": {name.partition(".")[2]: words for name, words in written.items()}})
        assert again["mots"] == sheet.values["mots"]
    assert ABROAD.check({"mots.feu": ["fire, flame", "bu*rn", "***", "fire", "*brand*"]})[2:] == [
        "Le feu : « *** » ne peut pas se lire. Un mot par ligne ; une étoile se met au début ou à la fin."
    ]
