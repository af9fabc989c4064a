"""A door one can act on: exact links, somewhere to write, sheets that changed since."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from bot.base.errors import MissingSheets
from bot.measure.doors import as_text, changed_lines, due_lines, most_asked
from bot.referential import Referential, Sheet, Topic
from bot.referential.doors import door_problems, exact_link, is_exact
from bot.referential.models import Link
from bot.referential.sheets import read_sheet

NOWHERE = "visa_consulat"
"""A topic of another body, whose desk has no address."""


def changed(referential: Referential, topic: str, **values: object) -> tuple[Referential, Topic]:
    new = referential.topics[topic].copy(update={"lien": None, "fiche": None, "precisions": (), **values})
    new = new.copy(update={"faits": new.faits.copy(update={"formulaire": None})})
    return referential.copy(update={"topics": {**referential.topics, topic: new}}), new


def sheet_file(day: str, title: str = "Passeport") -> str:
    description = [
        {"name": "dc:title", "children": [{"type": "text", "text": title}]},
        {"name": "dc:date", "children": [{"type": "text", "text": f"modified {day}"}]},
    ]
    return json.dumps({"id": "F1", "children": [{"name": "Publication", "children": description}]})


@pytest.mark.parametrize(
    ("url", "exact"),
    [
        ("https://www.service-public.gouv.fr/particuliers/vosdroits/F1342", True),
        ("https://passeport.ants.gouv.fr", True),
        ("https://candidat.francetravail.fr/", True),
        ("https://www.service-public.gouv.fr", False),
        ("https://ants.gouv.fr", False),
        ("https://www.caf.fr/", False),
    ],
)
def test_a_home_page_is_no_exact_link(url: str, exact: bool) -> None:
    assert is_exact(url) is exact


def test_the_first_page_of_a_site_that_is_one_service_is_an_exact_link(referential: Referential) -> None:
    for url, exact in (("https://vigieau.gouv.fr", True), ("https://www.lot.gouv.fr", False)):
        _, topic = changed(referential, NOWHERE, lien=Link(libelle="Le site", url=url))
        assert bool(exact_link(topic)) is exact, url


def test_writing_needs_somewhere_to_write(referential: Referential) -> None:
    step = {"premier_geste": "écrivez au consulat."}
    assert any("où écrire" in p for p in door_problems(*changed(referential, NOWHERE, **step)))
    home = Link(libelle="Accueil", url="https://www.service-public.gouv.fr")
    assert door_problems(*changed(referential, NOWHERE, lien=home, **step))
    page = Link(libelle="La page", url="https://www.service-public.gouv.fr/particuliers/vosdroits/F1")
    assert not door_problems(*changed(referential, NOWHERE, lien=page, **step))
    assert not door_problems(*changed(referential, "passeport", **step)), "the single entry behind has an address"


def test_a_door_without_any_means_is_refused(referential: Referential) -> None:
    known, topic = changed(referential, NOWHERE, guichet="crous", premier_geste="allez-y.")
    bare = known.entry_points["crous"].copy(update={"telephone": (), "adresse": (), "site_internet": ()})
    known = known.copy(update={"entry_points": {**known.entry_points, "crous": bare}})
    assert any("aucun moyen" in p for p in door_problems(known, topic))


def test_every_door_of_the_project_can_be_acted_on(referential: Referential) -> None:
    assert [p for t in referential.topics.values() for p in door_problems(referential, t)] == []
    assert all(exact_link(t) for t in referential.topics.values() if t.fiche)


def test_changed_lost_and_broken_sheets_are_told(referential: Referential, tmp_path: Path) -> None:
    folder = tmp_path / "package" / "data" / "particuliers"
    folder.mkdir(parents=True)
    topics = {}
    for name, topic in zip(("F1", "F2", "F3", "F4"), list(referential.topics.values()), strict=False):
        sheet = Sheet(numero=name, titre="Passeport", date=date(2020, 7, 23))
        topics[topic.id] = topic.copy(update={"fiche": sheet})
    known = referential.copy(update={"topics": topics})
    (folder / "F1.json").write_text(sheet_file("2020-07-23"), encoding="utf-8")
    (folder / "F2.json").write_text(sheet_file("2026-01-01"), encoding="utf-8")
    (folder / "F3.json").write_text("{", encoding="utf-8")
    lines = changed_lines(known, tmp_path / "package")
    assert [line.split()[0] for line in lines] == ["F2", "F3", "F4", "3"]
    assert "changée le 1er janvier 2026, nous avons celle du 23 juillet 2020" in lines[0]
    assert "introuvable" in lines[1] and "introuvable" in lines[2]
    with pytest.raises(MissingSheets):
        changed_lines(known, tmp_path / "ailleurs")


@pytest.mark.parametrize(
    "content", ["", "[]", "null", '{"children": 3}', '{"children": [{"name": "dc:date", "children": [{"text": "hier"}]}]}']
)
def test_a_sheet_of_another_shape_has_no_day(tmp_path: Path, content: str) -> None:
    path = tmp_path / "F1.json"
    path.write_text(content, encoding="utf-8")
    assert read_sheet(path) == ("", None)


def test_the_most_asked_are_counted_by_the_messages_that_name_them(referential: Referential, tmp_path: Path) -> None:
    rows = [{"sujet": "rsa"}, {"sujet": "msa"}, {"sujets": ["rsa", "passeport"]}, {"service": "titres"}]
    lines = "\n".join(json.dumps({"id": str(i), "texte": f"message {i}", **row}) for i, row in enumerate(rows))
    (tmp_path / "demandes_1.jsonl").write_text(lines, encoding="utf-8")
    order = list(referential.topics)
    once = sorted(("msa", "passeport"), key=order.index)
    assert [topic.id for topic in most_asked(referential, tmp_path, 3)] == ["rsa", *once]


def test_the_page_and_the_list_say_what_is_known(referential: Referential) -> None:
    text = as_text(referential, list(referential.topics.values())[:3])
    assert "les 3 plus demandés" in text
    assert f"{len(referential.topics)} sujets" in text and "Porte complète" in text
    without = [t for t in referential.topics.values() if not exact_link(t)]
    assert without and all(t.sans_page for t in without), "what has no page says why"
    assert f"la carte le dit | {len(without)} " in text
    lines = due_lines(referential, date(2030, 1, 1))
    assert lines[-1] == f"{len(lines) - 1} faits à revérifier."
