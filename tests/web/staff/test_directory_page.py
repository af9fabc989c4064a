"""The directory's import as a page: the differences are read before anything is written."""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.referential.directory import Directory, Place, as_csv
from bot.staff.accounts import audit
from bot.staff.editing import directory_comparison
from bot.web.staff.framework import Workshop

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "staff"))
from trees import make_tree

PATH = "/atelier/annuaire"
NAME = "2026-11-30_003346-data.gouv_local.json"
FIGEAC, CAHORS = "mairie-46102-01", "mairie-46042-01"


@pytest.fixture
def workshop(workshop: Workshop, tmp_path: Path) -> Workshop:
    """On a tree that may be written to, where a file waits: the two town halls have another phone; one was corrected by hand."""
    found = replace(workshop, paths=make_tree(tmp_path / "arbre", {}))
    places = places_of(found)
    mine = replace(places[CAHORS], telephone="05 65 00 00 09", verifie_par="appel à la mairie")
    file = found.paths.referential / "annuaire" / "mairies.csv"
    file.write_text(as_csv(mine if p.id == CAHORS else p for p in places.values() if p.type.startswith("mairie")), encoding="utf-8")
    put(found, NAME, json.dumps({"service": [dila(places[FIGEAC]), dila(places[CAHORS])]}))
    return found


def places_of(workshop: Workshop) -> dict[str, Place]:
    return dict(Directory(workshop.paths.referential / "annuaire").places)


def put(workshop: Workshop, name: str, content: str) -> None:
    folder = workshop.comparisons.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content, encoding="utf-8")


def dila(place: Place) -> dict[str, Any]:
    return {
        "nom": place.nom,
        "pivot": [{"type_service_local": place.type, "code_insee_commune": [place.code_insee]}],
        "adresse": [{"numero_voie": place.adresse, "code_postal": place.code_postal, "nom_commune": place.commune}],
        "telephone": [{"valeur": "0565000001"}],
    }


def ended() -> None:
    for work in threading.enumerate():
        if work.name == "annuaire":
            work.join(30)


async def test_the_differences_are_shown_then_written_and_what_was_corrected_is_kept(enter: Any, workshop: Workshop) -> None:
    before = places_of(workshop)
    remi = await enter("remi")
    assert NAME in await remi.get(PATH)
    await remi.post(PATH, fichier=NAME, sorte="dila")
    ended()
    shown = await remi.get(PATH)
    assert f"telephone : {before[FIGEAC].telephone} → 05 65 00 00 01" in shown and "gardé, corrigé par « appel à la mairie »" in shown
    assert "fichier du 2026-11-30" in shown and places_of(workshop) == before, "nothing is written yet"
    assert "L'annuaire est à jour dans le brouillon" in await remi.post(f"{PATH}/ecriture")
    assert places_of(workshop) == before, "nothing is public yet"
    await remi.get("/atelier/brouillon")
    assert "Le brouillon est publié" in await remi.post("/atelier/brouillon", geste="publier")
    after = places_of(workshop)
    assert after[FIGEAC].telephone == "05 65 00 00 01" and after[CAHORS] == before[CAHORS]
    (noted,), _ = audit.entries(workshop.storage, action="lot_publie")
    assert noted.actor == "remi" and noted.details["gestes"] == [["annuaire_importe", "2026-11-30", "remi"]]
    assert "Cette comparaison n'est plus là" in await remi.post(f"{PATH}/ecriture", 409), "a second press writes nothing"


async def test_a_change_made_meanwhile_is_not_lost(enter: Any, workshop: Workshop) -> None:
    remi = await enter("remi")
    await remi.get(PATH)
    await remi.post(PATH, fichier=NAME)
    ended()
    file = workshop.paths.referential / "annuaire" / "mairies.csv"
    mine = replace(places_of(workshop)[FIGEAC], courriel="mairie@exemple.fr")
    file.write_text(
        as_csv(mine if p.id == FIGEAC else p for p in places_of(workshop).values() if p.type.startswith("mairie")), encoding="utf-8"
    )
    assert "Une autre personne a changé l'annuaire" in await remi.post(f"{PATH}/ecriture", 409)
    assert places_of(workshop)[FIGEAC] == mine


async def test_a_broken_file_is_said_and_writes_nothing(enter: Any, workshop: Workshop) -> None:
    before = places_of(workshop)
    put(workshop, "2026-11-30-coupe.json", '{"service": [{"nom": ')
    remi = await enter("remi")
    await remi.get(PATH)
    await remi.post(PATH, fichier="2026-11-30-coupe.json")
    ended()
    assert "Le fichier est coupé avant la fin" in await remi.get(PATH)
    await remi.post(f"{PATH}/ecriture", 409)
    assert places_of(workshop) == before


async def test_the_list_of_france_services_is_compared_too(enter: Any, workshop: Workshop) -> None:
    place = next(p for p in places_of(workshop).values() if p.type == "france_services")
    put(workshop, "liste-fs-20261101.csv", f"lib_fs;insee_com;telephone\n{place.nom};{place.code_insee};05 65 00 00 02\n")
    remi = await enter("remi")
    await remi.get(PATH)
    await remi.post(PATH, fichier="liste-fs-20261101.csv", sorte="france_services")
    ended()
    shown = await remi.get(PATH)
    assert "fichier du 2026-11-01" in shown and "→ 05 65 00 00 02" in shown


async def test_no_other_file_of_the_machine_is_read(
    enter: Any, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret.json").write_text("{}")
    os.symlink(tmp_path / "secret.json", workshop.comparisons.folder / "lien.json")
    remi = await enter("remi")
    assert "lien.json" not in await remi.get(PATH)
    for name in ("../secret.json", "/etc/passwd", "lien.json", "", "absent.json"):
        assert "Choisissez un fichier de la liste." in await remi.post(PATH, 422, fichier=name), name
    assert "Choisissez une date." in await remi.post(PATH, 422, fichier=NAME, date="hier")
    monkeypatch.setattr(directory_comparison, "LARGEST", 10)
    assert "trop gros" in await remi.post(PATH, 422, fichier=NAME)
    assert workshop.comparisons.latest is None


async def test_readers_read_and_one_comparison_runs_at_a_time(enter: Any, workshop: Workshop) -> None:
    lea = await enter("lea")
    assert "Comparer" not in await lea.get(PATH)
    await lea.post(PATH, 403, fichier=NAME)
    await lea.post(f"{PATH}/ecriture", 403)
    workshop.comparisons.latest = directory_comparison.Comparison("autre.json", "ada")
    remi = await enter("remi")
    assert "La comparaison est en cours" in await remi.get(PATH)
    assert "Une comparaison est déjà en cours" in await remi.post(PATH, 422, fichier=NAME)
    assert 'data-ouvert="oui"' in await remi.get(f"{PATH}/suivi")
