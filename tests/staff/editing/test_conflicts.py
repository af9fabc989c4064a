"""Two sheets side by side: only the fields that differ, in words."""

from __future__ import annotations

from datetime import date

from bot.base.errors import EditConflict
from bot.staff.editing.conflicts import Difference, differences
from bot.staff.editing.yaml_records import record_text

SAVED = {
    "id": "passeport",
    "libelle": "Refaire un passeport",
    "precisions": ["Une.", "Deux."],
    "lien": {"libelle": "La page", "url": "https://a.fr"},
    "verifie_le": date(2026, 11, 20),
}


def test_only_what_differs_is_shown_with_the_names_that_people_read() -> None:
    mine = {**SAVED, "libelle": "Mon passeport", "precisions": ["Une."], "a_valider": True, "verifie_le": date(2026, 12, 1)}
    del mine["lien"]
    found = differences(EditConflict(record_text(SAVED), record_text(mine), "v"), {"libelle": "Nom du sujet", "lien": "Lien officiel"})
    assert found == (
        Difference("Nom du sujet", ("Refaire un passeport",), ("Mon passeport",)),
        Difference("precisions", ("Une.", "Deux."), ("Une.",)),
        Difference("Lien officiel", ("La page – https://a.fr",), ()),
        Difference("verifie le", ("20/11/2026",), ("01/12/2026",)),
        Difference("a valider", (), ("oui",)),
    )
    assert differences(EditConflict(record_text(SAVED), record_text(SAVED), "v"), {}) == ()
