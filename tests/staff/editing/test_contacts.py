"""Contacts change with the date they were checked; what nobody checked for long is known."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from trees import make_tree

from bot.base.errors import EditConflict, EditError
from bot.base.paths import ProjectPaths
from bot.referential import load_referential
from bot.referential.ages import due_facts
from bot.staff.editing.contacts import contact_mistakes
from bot.staff.editing.kinds import DESKS
from bot.staff.editing.record_editor import RecordEditor

DAY = date(2026, 11, 25)
CHECKED = {"x_ose.verifie_le": DAY, "x_ose.verifie_par": "appel au standard"}
HOURS = [{"nom_jour_debut": "Lundi", "nom_jour_fin": "Vendredi", "valeur_heure_debut_1": "09:00", "valeur_heure_fin_1": "12:00"}]


@pytest.fixture
def tree(tmp_path: Path) -> ProjectPaths:
    return make_tree(tmp_path)


def test_hours_are_written_with_their_date_and_the_other_desks_keep_theirs(tree: ProjectPaths) -> None:
    """The first desk holds the YAML anchor that the dates of others refer to."""
    editor = RecordEditor(tree, DESKS)
    before = load_referential(tree.referential).entry_points
    change = editor.edit("prefecture_accueil", {"plage_ouverture": HOURS, **CHECKED}, editor.read("prefecture_accueil").version, "Zoé")
    after = load_referential(tree.referential).entry_points
    assert change is not None and change.commit
    desk = after["prefecture_accueil"]
    assert (desk.x_ose.verifie_le, desk.x_ose.verifie_par, desk.x_ose.a_verifier) == (DAY, "appel au standard", False)
    assert desk.plage_ouverture[0].valeur_heure_debut_1 == "09:00"
    assert {k: v for k, v in after.items() if k != "prefecture_accueil"} == {k: v for k, v in before.items() if k != "prefecture_accueil"}


def test_two_people_on_one_desk_and_dates_that_make_no_sense(tree: ProjectPaths) -> None:
    editor = RecordEditor(tree, DESKS)
    seen = editor.read("prefecture_accueil").version
    editor.edit("prefecture_accueil", {"information_complementaire": "De Zoé.", **CHECKED}, seen, "Zoé")
    with pytest.raises(EditConflict):
        editor.edit("prefecture_accueil", {"information_complementaire": "De Luc.", **CHECKED}, seen, "Luc")
    seen = editor.read("prefecture_accueil").version
    for wrong, said in (
        ({"x_ose.verifie_le": date.today() + timedelta(days=1)}, "futur"),
        ({"x_ose.verifie_le": DAY - timedelta(days=9)}, "plus tard"),
        ({"x_ose.verifie_par": ""}, "comment » manque"),
    ):
        with pytest.raises(EditError, match=said):
            editor.edit("prefecture_accueil", wrong, seen, "Luc")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"telephone": [{"valeur": "05 65"}]}, "téléphone"),
        ({"telephone": [{"valeur": "12 34 56 78 90 12"}]}, "téléphone"),
        ({"adresse_courriel": ["pas une adresse"]}, "courriel"),
        ({"site_internet": [{"valeur": "ftp://x"}]}, "https"),
        ({"plage_ouverture": [{**HOURS[0], "nom_jour_debut": "Lundredi"}]}, "jour"),
        ({"plage_ouverture": [{**HOURS[0], "valeur_heure_fin_1": ""}]}, "manque"),
        ({"plage_ouverture": [{**HOURS[0], "valeur_heure_fin_1": "9h"}]}, "09:00"),
        ({"plage_ouverture": [{**HOURS[0], "valeur_heure_fin_1": "08:00"}]}, "suivent"),
        ({"plage_ouverture": [{**HOURS[0], "nom_jour_debut": "Vendredi", "nom_jour_fin": "Lundi"}]}, "premier"),
    ],
)
def test_wrong_contacts_are_said(fields: dict[str, Any], said: str) -> None:
    assert any(said in m for m in contact_mistakes(fields))


def test_the_contacts_of_the_project_are_all_accepted(tree: ProjectPaths) -> None:
    for desk in load_referential(tree.referential).entry_points.values():
        values = desk.dict()
        assert contact_mistakes(values) == [], desk.id


def test_old_and_never_checked_desks_are_flagged() -> None:
    referential = load_referential(Path(__file__).resolve().parents[3] / "data" / "referentiel")
    flagged = [f for f in due_facts(referential, date(2026, 11, 26)) if f.kind == "guichet"]
    assert {f.owner for f in flagged} == {d.id for d in referential.entry_points.values() if d.x_ose.verifie_le is None}
    later = [f for f in due_facts(referential, date(2028, 1, 1)) if f.kind == "guichet"]
    assert len(later) == len(referential.entry_points)
