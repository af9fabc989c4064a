"""The directory is brought up to date from files in the DILA's and the ANCT's formats, written here."""

from __future__ import annotations

import bz2
import io
import json
import re
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from trees import make_tree

from bot.base.errors import BrokenFile, EditError
from bot.base.paths import ProjectPaths
from bot.cli.main import main
from bot.measure.checks import desk_problems
from bot.referential import load_referential
from bot.referential.communes import load_gazetteer
from bot.referential.directory import Directory, Place, as_csv, directory_problems
from bot.staff.editing.directory_import import DirectoryImport, plain_hours

NAME = "2026-11-30_003346-data.gouv_local.json"
DAYS = {"lun": "Lundi", "mar": "Mardi", "mer": "Mercredi", "jeu": "Jeudi", "ven": "Vendredi", "sam": "Samedi"}
SATURDAY = {"nom_jour_debut": "Samedi", "nom_jour_fin": "Samedi", "valeur_heure_debut_1": "09:00:00", "valeur_heure_fin_1": "12:00:00"}
PARIS = {"id": "p", "nom": "Mairie de Paris", "pivot": [{"type_service_local": "mairie", "code_insee_commune": ["75056"]}],
         "adresse": [{"type_adresse": "Adresse", "code_postal": "75004", "nom_commune": "Paris"}]}  # fmt: skip


def as_dila(place: Place, **changes: Any) -> dict[str, Any]:
    """Return a place as the DILA publishes it."""
    slots = []
    for part in filter(None, place.horaires.split(" ; ")):
        match = re.fullmatch(r"(\w{3})(?:-(\w{3}))? ([\d:]+)-([\d:]+)(?: / ([\d:]+)-([\d:]+))?", part)
        assert match
        first, last, *times = match.groups(default="")
        names = ("valeur_heure_debut_1", "valeur_heure_fin_1", "valeur_heure_debut_2", "valeur_heure_fin_2")
        hours = {name: f"{time}:00" if time else "" for name, time in zip(names, times, strict=True)}
        slots.append({"nom_jour_debut": DAYS[first], "nom_jour_fin": DAYS[last or first], **hours, "commentaire": ""})
    return {
        "id": f"uuid-{place.id}",
        "nom": place.nom,
        "pivot": [{"type_service_local": place.type, "code_insee_commune": [place.code_insee]}],
        "adresse": [
            {"type_adresse": "Adresse", "numero_voie": place.adresse, "code_postal": place.code_postal, "nom_commune": place.commune,
             "longitude": place.longitude, "latitude": place.latitude},
            {"type_adresse": "Adresse postale", "code_postal": "46999", "nom_commune": "Ailleurs"},
        ],
        "telephone": [{"valeur": place.telephone.replace(" ", ""), "description": ""}] if place.telephone else [],
        "adresse_courriel": [place.courriel] if place.courriel else [],
        "site_internet": [{"libelle": "", "valeur": place.site}] if place.site else [],
        "plage_ouverture": slots,
        **changes,
    }  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> ProjectPaths:
    return make_tree(tmp_path / "arbre", {})


@pytest.fixture
def importer(tree: ProjectPaths) -> Callable[[], DirectoryImport]:
    return lambda: DirectoryImport(tree, load_referential(tree.referential), load_gazetteer(tree.referential))


@pytest.fixture
def places(tree: ProjectPaths) -> dict[str, Place]:
    return dict(Directory(tree.referential / "annuaire").places)


def write(folder: Path, services: list[Any], name: str = NAME) -> Path:
    path = folder / name
    path.write_text(json.dumps({"service": services}, ensure_ascii=False), encoding="utf-8")
    return path


def archive(folder: Path, content: bytes, member: str = NAME, mode: str = "w:bz2", name: str = "all_latest.tar.bz2") -> Path:
    path = folder / name
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for inside, body in (("lisez-moi.txt", b"rien"), (member, content)):
            info = tarfile.TarInfo(inside)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return path


def test_the_same_facts_only_take_a_new_date(importer: Any, places: dict[str, Place], tree: ProjectPaths, tmp_path: Path) -> None:
    halls = [place for place in places.values() if place.type == "mairie"]
    found = importer()
    reading = found.read_dila(write(tmp_path, [PARIS, *(as_dila(place) for place in halls)]))
    plan = found.plan(reading)
    assert (reading.read, len(reading.places), len(plan.confirmed)) == (313, 312, 312)
    assert not (plan.added or plan.changed or plan.absent or plan.lines())
    change = found.write(plan, reading, "Zoé")
    assert change is not None and change.files == ("data/referentiel/annuaire/mairies.csv",) and change.commit
    after = Directory(tree.referential / "annuaire").places
    assert {place.date for place in after.values() if place.type == "mairie"} == {"2026-11-30"}
    assert importer().write(importer().plan(reading), reading, "Zoé") is None, "twice changes nothing more"


def test_the_archive_is_read_as_it_is_published(importer: Any, places: dict[str, Place], tmp_path: Path) -> None:
    content = json.dumps({"service": [as_dila(places["mairie-46102-01"], telephone=[{"valeur": "05 65 00 00 01"}])]}).encode()
    (tmp_path / "seul.json.bz2").write_bytes(bz2.compress(content))
    for path, day in (
        (archive(tmp_path, content), ""),
        (archive(tmp_path, content, mode="w:gz", name="autre.tar.gz"), ""),
        (archive(tmp_path, content, "dossier/data.gouv_local.json", name="sans_date.tar.bz2"), "2026-11-30"),
        (tmp_path / "seul.json.bz2", "2026-11-30"),
    ):
        reading = importer().read_dila(path, day)
        assert reading.day == "2026-11-30" and [p.telephone for p in reading.places] == ["05 65 00 00 01"]


def test_differences_are_shown_then_written(importer: Any, places: dict[str, Place], tree: ProjectPaths, tmp_path: Path) -> None:
    figeac = as_dila(places["mairie-46102-01"], telephone=[{"valeur": "0565000001"}], plage_ouverture=[])
    new = as_dila(replace(places["sous_pref-46102-01"], type="ars_antenne", nom="ARS - Figeac"))
    found = importer()
    reading = found.read_dila(write(tmp_path, [figeac, new]))
    plan = found.plan(reading)
    lines = "\n".join(plan.lines())
    assert f"telephone : {places['mairie-46102-01'].telephone} → 05 65 00 00 01" in lines and "→ (vide)" in lines
    assert "+ ARS - Figeac" in lines and [p.id for p in plan.added] == ["ars_antenne-46102-01"]
    assert len(plan.absent) == 311, "a file without the other town halls takes none away"
    found.write(plan, reading, "Zoé")
    after = Directory(tree.referential / "annuaire")
    assert after.places["mairie-46102-01"].telephone == "05 65 00 00 01" and after.places["mairie-46102-01"].horaires == ""
    assert after.places["ars_antenne-46102-01"].source.startswith("DILA") and len(after.places) == len(places) + 1
    assert directory_problems(after, load_gazetteer(tree.referential)) == []
    assert desk_problems(load_referential(tree.referential)) == []


def test_what_staff_corrected_is_kept(importer: Any, places: dict[str, Place], tree: ProjectPaths, tmp_path: Path) -> None:
    mine = replace(places["mairie-46102-01"], telephone="05 65 00 00 09", verifie_par="appel à la mairie")
    file = tree.referential / "annuaire" / "mairies.csv"
    file.write_text(as_csv(mine if p.id == mine.id else p for p in places.values() if p.type.startswith("mairie")), encoding="utf-8")
    found = importer()
    reading = found.read_dila(write(tmp_path, [as_dila(places[mine.id]), as_dila(places["mairie-46042-01"], telephone=[])]))
    plan = found.plan(reading)
    assert [old.id for old, _ in plan.kept] == [mine.id] and "gardé, corrigé par « appel à la mairie »" in "\n".join(plan.lines())
    found.write(plan, reading, "Zoé")
    assert Directory(tree.referential / "annuaire").places[mine.id] == mine


def test_a_change_made_meanwhile_is_not_lost(importer: Any, places: dict[str, Place], tree: ProjectPaths, tmp_path: Path) -> None:
    found = importer()
    reading = found.read_dila(write(tmp_path, [as_dila(places["mairie-46102-01"], telephone=[])]))
    plan = found.plan(reading)
    file = tree.referential / "annuaire" / "autres.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("05 65 34 04 15", "05 65 34 04 16"), encoding="utf-8")
    with pytest.raises(EditError, match="Une autre personne"):
        found.write(plan, reading, "Zoé")


def test_facts_that_may_not_be_shown_are_left_out(importer: Any, places: dict[str, Place], tmp_path: Path) -> None:
    record = as_dila(
        places["mairie-46102-01"],
        telephone=[{"valeur": "06 12 34 56 78"}, {"valeur": "n'importe quoi"}, {"valeur": "05.65.00.00.02"}],
        adresse_courriel=["pas un courriel"],
        site_internet=[{"valeur": "javascript:alert(1)"}],
        plage_ouverture=[
            {"nom_jour_debut": "Lundi", "nom_jour_fin": "Lundi", "valeur_heure_debut_1": "14:00:00", "valeur_heure_fin_1": "12:00:00"}
        ],
    )
    record["adresse"][0].update(latitude="48.85", longitude="2.35")
    (place,) = importer().read_dila(write(tmp_path, [record])).places
    assert (place.telephone, place.courriel, place.site, place.horaires, place.latitude) == ("05 65 00 00 02", "", "", "", "")


def test_records_that_make_no_sense_stop_nothing(importer: Any, places: dict[str, Place], tmp_path: Path) -> None:
    lot = [{"code_insee_commune": "46102"}]
    nonsense = [None, 1, "x", [], {}, {"pivot": 3}, {"pivot": [None]}, {"pivot": lot, "adresse": "x"},
                {"pivot": [{"type_service_local": ["mairie"]}]},
                {"pivot": [{"type_service_local": "mairie", "code_insee_commune": "46102"}], "telephone": [4]}]  # fmt: skip
    reading = importer().read_dila(write(tmp_path, [*nonsense, as_dila(places["mairie-46102-01"])]))
    assert reading.read == len(nonsense) + 1 and len(reading.places) == 1 and reading.notes["fiche illisible"] >= 5


def test_delegated_and_annex_town_halls(importer: Any, places: dict[str, Place], tmp_path: Path) -> None:
    main_hall = places["mairie-46268-01"]
    annex = as_dila(replace(main_hall, nom="Mairie - annexe", courriel="", site="", horaires=""))
    vers = as_dila(places["mairie_deleguee-46268-01"])
    vers["pivot"][0].update(type_service_local="mairie", code_insee_commune=["46331"])
    reading = importer().read_dila(write(tmp_path, [annex, as_dila(main_hall), vers]))
    assert sorted((p.type, p.code_insee, p.courriel) for p in reading.places) == [
        ("mairie", "46268", main_hall.courriel), ("mairie_deleguee", "46268", places["mairie_deleguee-46268-01"].courriel)
    ]  # fmt: skip
    assert not importer().plan(reading).changed


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "ne se lit pas"),
        (b'{"service": [{"pivot": ', "coup"),
        (b'{"service": []}', "aucun lieu du Lot"),
        (b'{"services": []}', "attendu"),
        (b'{"service": [' + json.dumps(PARIS).encode() + b"]}", "aucun lieu du Lot"),
        (b'{"service": ["\xff"]}', "ne se lit pas"),
        (b"BZh9" + b"x" * 100, "ne se lit pas"),
        (b"\x1f\x8b" + b"x" * 100, "ne se lit pas"),
        (b"PK\x03\x04zip", "ne se lit pas"),
    ],
)
def test_a_broken_file_is_said(importer: Any, tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / NAME
    path.write_bytes(content)
    with pytest.raises(BrokenFile, match=said):
        importer().read_dila(path)


def test_an_archive_cut_short_or_empty_is_said(importer: Any, places: dict[str, Place], tmp_path: Path) -> None:
    content = json.dumps({"service": [as_dila(place) for place in places.values()]}).encode()
    whole = archive(tmp_path, content).read_bytes()
    (tmp_path / "coupe.tar.bz2").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BrokenFile):
        importer().read_dila(tmp_path / "coupe.tar.bz2")
    with pytest.raises(BrokenFile, match="ne contient pas"):
        importer().read_dila(archive(tmp_path, content, "autre.json", name="vide.tar.bz2"))
    with pytest.raises(BrokenFile):
        importer().read_dila(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("name", "day", "said"), [("a.json", "", "--date"), ("a.json", "hier", "pas une date"), ("a.json", "2999-01-01", "futur")]
)
def test_nobody_guesses_the_date(importer: Any, places: dict[str, Place], tmp_path: Path, name: str, day: str, said: str) -> None:
    with pytest.raises(BrokenFile, match=said):
        importer().read_dila(write(tmp_path, [as_dila(places["mairie-46102-01"])], name), day)


def test_hours_with_a_comment_are_not_every_week_s() -> None:
    assert plain_hours([SATURDAY]) == "sam 09:00-12:00"
    assert plain_hours([{**SATURDAY, "commentaire": "1er samedi du mois"}]) == ""


@pytest.mark.parametrize("separator", [",", ";"])
def test_the_list_of_france_services(importer: Any, places: dict[str, Place], tree: ProjectPaths, tmp_path: Path, separator: str) -> None:
    rows = [
        ["lib_fs", "adresse", "code_postal", "lib_com", "insee_com", "telephone", "mail", "latitude", "longitude", "h_lundi"],
        ["France services Catus", "Place de la Halle", "46150", "Catus", "46064", "0565000003", "fs@lot.fr", "44.5563", "1.3363", "9h"],
        ["France services Gramat", "Rue Neuve", "46500", "Gramat", "46128", "06 49 22 13 17", "", "", "", "9h"],
        ["Bus France services", "Rue Wilson", "46000", "Cahors", "46042", "", "", "", "", ""],
        ["France services Paris", "Rue de Rivoli", "75004", "Paris", "75056", "", "", "", "", ""],
        ["court"],
    ]  # fmt: skip
    path = tmp_path / "liste-fs-20261101.csv"
    path.write_text("\ufeff" + "\n".join(separator.join(row) for row in rows), encoding="utf-8")
    found = importer()
    reading = found.read_france_services(path)
    assert (reading.day, reading.read, len(reading.places), reading.notes["itinérant"]) == ("2026-11-01", 5, 2, 1)
    plan = found.plan(reading)
    assert [p.id for p in plan.added] == ["france_services-46128-01"] and plan.added[0].telephone == ""
    assert [(old.id, new.telephone, new.horaires) for old, new in plan.changed] == [("france_services-46064-01", "05 65 00 00 03", "")]
    found.write(plan, reading, "Zoé")
    after = Directory(tree.referential / "annuaire").places["france_services-46064-01"]
    assert after.nom == places[after.id].nom and not after.to_confirm


def test_a_list_without_its_columns_is_said(importer: Any, tmp_path: Path) -> None:
    path = tmp_path / "liste-20261101.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(BrokenFile, match="ni le nom ni la commune"):
        importer().read_france_services(path)


def test_the_command_shows_then_writes_and_notes_it(
    places: dict[str, Place], tree: ProjectPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOT_RACINE", str(tree.root))
    monkeypatch.setenv("BOT_BASE", f"sqlite:///{tmp_path}/atelier.db")
    file = str(write(tmp_path, [as_dila(places["mairie-46102-01"], telephone=[{"valeur": "05 65 00 00 01"}])]))
    before = (tree.referential / "annuaire" / "mairies.csv").read_text(encoding="utf-8")
    assert main(["annuaire", "importer", file]) == 0
    said = capsys.readouterr().out
    assert "05 65 00 00 01" in said and "1 à changer" in said and "Rien n'est écrit" in said
    assert (tree.referential / "annuaire" / "mairies.csv").read_text(encoding="utf-8") == before
    assert main(["annuaire", "importer", file, "--ecrire"]) == 0 and main(["journal", "verifier"]) == 0
    said = capsys.readouterr().out
    assert "L'annuaire est à jour." in said and "1 ligne(s)" in said
    assert main(["annuaire", "importer", str(tmp_path / "absent.json")]) == 2
