"""The directory: every commune has its own town hall, the nearest place is the nearest, wrong lines are told and left out."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bot.base.paths import project_paths
from bot.measure.checks import desk_problems
from bot.referential import Referential
from bot.referential.communes import Gazetteer, load_gazetteer, of_place
from bot.referential.directory import (
    DELEGATED,
    FRANCE_SERVICES,
    TOWN_HALL,
    Directory,
    Place,
    as_csv,
    contact_mistakes,
    directory_problems,
    kilometres,
    place_mistakes,
)
from bot.referential.models import Closure

FOLDER = project_paths().referential
FIGEAC, SOUILLAC, CAJARC = "46102", "46309", "46045"


@pytest.fixture(scope="module")
def directory() -> Directory:
    return Directory(FOLDER / "annuaire")


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return load_gazetteer(FOLDER)


def test_each_commune_of_the_lot_has_its_own_town_hall(directory: Directory) -> None:
    with (FOLDER / "communes_lot.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["type"] == "commune-actuelle"]
    assert len(rows) == 312
    for row in rows:
        found = directory.find(TOWN_HALL, row["code_insee"])
        assert found is not None and found.km is None
        assert found.place.code_insee == row["code_insee"]
        assert found.place.nom == f"Mairie {of_place(row['nom'])}"
        assert found.place.telephone and found.place.position
        postcodes = row["codes_postaux"].split()
        assert found.place.code_postal[:2] == "46" and (found.place.code_postal in postcodes or found.place.code_postal.endswith("00"))


def test_a_town_hall_is_not_shown_without_a_commune(directory: Directory) -> None:
    assert directory.find(TOWN_HALL) is directory.find(FRANCE_SERVICES) is directory.find(TOWN_HALL, "75056") is None


def test_the_nearest_place_is_the_nearest(directory: Directory) -> None:
    places = directory.of_type(FRANCE_SERVICES)
    for hall in directory.of_type(TOWN_HALL):
        found = directory.find(FRANCE_SERVICES, hall.code_insee)
        assert found is not None and found.place.position and hall.position
        distance = kilometres(hall.position, found.place.position)
        assert all(distance <= kilometres(hall.position, p.position) for p in places if p.position)
        assert (found.km is None) == (found.place.code_insee == hall.code_insee)


def test_the_nearest_among_some_communes(directory: Directory) -> None:
    found = directory.find(TOWN_HALL, CAJARC, (FIGEAC, SOUILLAC))
    assert found is not None and found.place.code_insee == FIGEAC
    assert found.km == pytest.approx(22, abs=3)


def test_one_place_is_found_without_a_commune(directory: Directory) -> None:
    found = directory.find("sous_pref-46102-01")
    assert found is not None and found.place.telephone == "05 65 34 04 15" and found.km is found.home is None


def test_merged_communes_keep_their_delegated_town_halls(directory: Directory, gazetteer: Gazetteer) -> None:
    vers = gazetteer.lookup("Vers")
    assert vers is not None
    assert [place.nom for place in directory.delegated_of(vers.code_insee)] == ["Mairie déléguée - Vers"]
    assert all(gazetteer.by_code(place.code_insee) for place in directory.of_type(DELEGATED))


def test_what_is_doubtful_is_not_shown(directory: Directory) -> None:
    for place in directory.of_type(FRANCE_SERVICES):
        assert not place.horaires, "the hours of 2024 belong to other places"
        assert place.to_confirm
    assert "Gramat" not in {place.commune for place in directory.of_type(FRANCE_SERVICES)}, "its number was that of another place"
    assert not any("Bessières" in place.adresse for place in directory.places.values() if "pref" in place.type)


def test_every_fact_has_its_source_and_date(directory: Directory, gazetteer: Gazetteer) -> None:
    assert all(place.source and place.date for place in directory.places.values())
    assert directory_problems(directory, gazetteer) == []


def test_the_files_are_read_when_a_place_is_asked_for(tmp_path: Path) -> None:
    later = Directory(tmp_path / "annuaire")
    shutil.copytree(FOLDER / "annuaire", tmp_path / "annuaire")
    assert later.places
    assert Directory(tmp_path / "absent").find(TOWN_HALL, FIGEAC) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"telephone": "05 65 23"}, "n'est pas un numéro"),
        ({"telephone": "06 12 34 56 78"}, "téléphone portable"),
        ({"courriel": "mairie chez figeac"}, "n'est pas une adresse de courriel"),
        ({"site": "figeac.fr"}, "doit commencer par https://"),
        ({"horaires": "lundi matin"}, "ne se lisent pas"),
        ({"horaires": "lun 14:00-12:00"}, "ne se lisent pas"),
        ({"horaires": "lun 09:75-12:00"}, "ne se lisent pas"),
        ({"latitude": "48.85"}, "n'est pas dans le Lot"),
        ({"longitude": "est"}, "n'est pas une position"),
        ({"confiance": "faible"}, "moins sûre"),
        ({"date": "hier"}, "n'est pas une date"),
        ({"source": ""}, "« source » est vide"),
    ],
)
def test_a_wrong_line_is_told(directory: Directory, change: dict[str, str], said: str) -> None:
    wrong = replace(directory.of_type(TOWN_HALL)[0], **change)
    mistakes = [*place_mistakes(wrong), *contact_mistakes(wrong)]
    assert len(mistakes) == 1 and said in mistakes[0]


def test_wrong_lines_are_left_out_and_told_with_their_number(directory: Directory, gazetteer: Gazetteer, tmp_path: Path) -> None:
    first, second, *others = directory.of_type(TOWN_HALL)
    wrong: list[Place] = [replace(first, horaires="le matin"), replace(second, code_insee="46999"), *others, others[-1]]
    (tmp_path / "mairies.csv").write_text(as_csv(wrong) + "trop,court\n", encoding="utf-8")
    broken = Directory(tmp_path)
    assert first.id not in broken.places and others[0].id in broken.places
    said = [str(problem) for problem in directory_problems(broken, gazetteer)]
    assert any("mairies.csv:2 : les horaires" in line for line in said)
    assert any("mairies.csv:3 : le code Insee « 46999 »" in line for line in said)
    assert any("existe déjà" in line for line in said) and any("les colonnes" in line for line in said)
    missing = next(line for line in said if "une mairie et une seule" in line)
    assert first.code_insee in missing and second.code_insee in missing and others[-1].code_insee in missing


def test_a_desk_or_a_closure_without_its_place_is_told(referential: Referential) -> None:
    desk = referential.entry_points["ddt"]
    lost = desk.copy(update={"x_ose": desk.x_ose.copy(update={"annuaire": "ddt-46042-09", "parmi": ("46999",)})})
    closure = Closure(id="noel", lieu="mairie-46999-01", du=date(2026, 12, 24), au=date(2026, 12, 31), source="appel")
    found = desk_problems(referential.copy(update={"entry_points": {"ddt": lost}, "closures": (closure,)}))
    assert [problem.fichier.rsplit("/", 1)[1] for problem in found] == ["guichets.yml", "guichets.yml", "fermetures.yml"]
    assert desk_problems(referential) == []
