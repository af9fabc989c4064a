"""The 312 communes of the Lot are found, under old names too, and no everyday word is taken for one."""

from __future__ import annotations

import csv

import pytest

from bot.base.paths import ProjectPaths
from bot.referential.communes import Gazetteer, place_words


@pytest.fixture(scope="module")
def rows(paths: ProjectPaths) -> list[dict[str, str]]:
    with (paths.referential / "communes_lot.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def names(gazetteer: Gazetteer, text: str) -> list[str]:
    return [c.nom for c in gazetteer.find(text)]


@pytest.mark.parametrize("sentence", ["j'habite à {}", "la mairie de {} ne répond pas", "je suis de {}, que faire ?"])
def test_every_current_commune_is_found(gazetteer: Gazetteer, rows: list[dict[str, str]], sentence: str) -> None:
    current = [r for r in rows if r["type"] == "commune-actuelle"]
    assert len(current) == 312
    missed = [r["nom"] for r in current if [c.code_insee for c in gazetteer.find(sentence.format(r["nom"]))] != [r["code_insee"]]]
    assert missed == []


def test_every_current_commune_is_looked_up_however_it_is_written(gazetteer: Gazetteer, rows: list[dict[str, str]]) -> None:
    for row in rows:
        for written in (row["nom"], row["nom"].upper(), row["nom"].replace("-", " "), row["nom"].replace("Saint", "St")):
            commune = gazetteer.lookup(written)
            assert commune, written
            assert commune.in_lot


def test_every_former_name_leads_to_the_commune_of_today(gazetteer: Gazetteer, rows: list[dict[str, str]]) -> None:
    former = [r for r in rows if r["type"] != "commune-actuelle"]
    assert len(former) >= 36
    for row in former:
        (commune,) = gazetteer.find(f"j'habite à {row['nom']}")
        assert (commune.nom, commune.ancien_nom) == (row["commune_actuelle_nom"], row["nom"])


def test_every_commune_has_its_arrondissement(gazetteer: Gazetteer, rows: list[dict[str, str]]) -> None:
    for row in rows:
        commune = gazetteer.lookup(row["nom"])
        assert commune
        assert commune.arrondissement in {"Cahors", "Figeac", "Gourdon"}


def test_homonyms_are_told(gazetteer: Gazetteer, paths: ProjectPaths) -> None:
    with (paths.referential / "communes_homonymes.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            commune = gazetteer.lookup(row["nom"])
            assert commune, row["nom"]
            assert commune.departements_homonymes == tuple(row["departements_homonymes"].split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Figeac", ["Figeac"]),
        ("figeac", ["Figeac"]),
        ("a figeac", ["Figeac"]),
        ("à St-Céré et à Gramat", ["Saint-Céré", "Gramat"]),
        ("st cere", ["Saint-Céré"]),
        ("à Puy-l’Évêque", ["Puy-l'Évêque"]),
        ("puy l eveque", ["Puy-l'Évêque"]),
        ("à Cahors ou Cahors", ["Cahors"]),
        ("j'habite à Vers", ["Saint Géry-Vers"]),
        ("je suis de Bio", ["Bio"]),
        ("le maire de Cras", ["Cras"]),
        ("à Saint-Cirq-Lapopie", ["Saint-Cirq-Lapopie"]),
        ("à Montcuq", ["Montcuq-en-Quercy-Blanc"]),
    ],
)
def test_places(gazetteer: Gazetteer, text: str, expected: list[str]) -> None:
    assert names(gazetteer, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "je vais vers chez moi",
        "vers midi",
        "du bio à la cantine",
        "des cours de danse",
        "les tours de garde",
        "mon permis de construire",
        "",
        "?!",
        "🙂",
        "je gagne la vienne",
        "3 2 1",
    ],
)
def test_no_place(gazetteer: Gazetteer, text: str) -> None:
    assert names(gazetteer, text) == []


@pytest.mark.parametrize(
    ("text", "departement"),
    [("Villeneuve-sur-Lot", "47"), ("à villeneuve sur lot", "47"), ("à Toulouse", "31"), ("j'habite Brive-la-Gaillarde", "19")],
)
def test_places_out_of_the_lot(gazetteer: Gazetteer, text: str, departement: str) -> None:
    (commune,) = gazetteer.find(text)
    assert (commune.departement, commune.in_lot) == (departement, False)


@pytest.mark.parametrize(
    "text",
    ["j'habite au Vigan", "j'habite Le Vigan", "à Brive", "je suis à Bagnac", "limogne", "figeac centre", "gourdon 46", "vers biars"],
)
def test_usual_short_names(gazetteer: Gazetteer, text: str) -> None:
    assert gazetteer.find(text)


@pytest.mark.parametrize("text", ["à Labastide", "à Lacapelle", "j'ouvre la porte", "au cœur du village"])
def test_a_short_name_of_several_communes_or_of_a_thing_is_none(gazetteer: Gazetteer, text: str) -> None:
    assert gazetteer.find(text) == ()


def test_communes_that_begin_alike_are_told_apart(gazetteer: Gazetteer) -> None:
    assert {"Lacapelle-Marival", "Lacapelle-Cabanac"} <= {c.nom for c in gazetteer.beginning_with("je suis à lacapelle")}
    assert gazetteer.beginning_with("") == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [("St-Céré", ("saint", "cere")), ("Ste Alauzie", ("sainte", "alauzie")), ("", ()), ("🙂", ()), ("L'Hospitalet", ("l", "hospitalet"))],
)
def test_place_words(name: str, words: tuple[str, ...]) -> None:
    assert place_words(name) == words


def test_an_unknown_name(gazetteer: Gazetteer) -> None:
    assert gazetteer.lookup("Nullepart-sur-Rien") is None
    assert len(Gazetteer({})) == 0
    assert Gazetteer({}).find("à Cahors") == ()


def test_a_place_within_a_commune_is_not_another(gazetteer: Gazetteer) -> None:
    assert names(gazetteer, "Le bourg de Prayssac") == names(gazetteer, "au bourg de Prayssac") == ["Prayssac"]
    assert names(gazetteer, "j'habite Le Bourg") == ["Le Bourg"]
    assert names(gazetteer, "de Cahors à Figeac") == ["Cahors", "Figeac"]
    assert names(gazetteer, "je vis à Gourdon, de Figeac je ne sais rien") == ["Gourdon", "Figeac"]
