"""Two people on one record: what each changed is kept; what both changed is shown, only that, in words."""

from __future__ import annotations

from datetime import date

import pytest

from bot.base.errors import EditConflict
from bot.staff.editing.conflicts import Difference, differences, merged, version_of

SAVED = {
    "id": "passeport",
    "libelle": "Refaire un passeport",
    "precisions": ["Une.", "Deux."],
    "lien": {"libelle": "La page", "url": "https://a.fr"},
    "verifie_le": date(2026, 11, 20),
}
NAMES = {"libelle": "Nom", "precisions": "Précisions", "lien.url": "Adresse du lien", "verifie_le": "Vérifié le", "a_valider": "À valider"}


def test_only_what_differs_is_shown_with_the_names_that_people_read() -> None:
    mine = {**SAVED, "libelle": "Mon passeport", "precisions": ["Une."], "a_valider": True, "verifie_le": date(2026, 12, 1)}
    del mine["lien"]
    assert differences(SAVED, mine, NAMES) == (
        Difference("libelle", "Nom", ("Refaire un passeport",), ("Mon passeport",)),
        Difference("precisions", "Précisions", ("Une.", "Deux."), ("Une.",)),
        Difference("lien.url", "Adresse du lien", ("https://a.fr",), ()),
        Difference("verifie_le", "Vérifié le", ("20/11/2026",), ("01/12/2026",)),
        Difference("a_valider", "À valider", (), ("oui",)),
    )
    assert differences(SAVED, SAVED, NAMES) == ()


def test_what_each_changed_is_kept_and_only_what_both_changed_is_asked() -> None:
    seen = version_of(SAVED, NAMES)
    now = {**SAVED, "libelle": "De Rémi", "precisions": ["De Rémi."], "lien": {"url": "https://remi.fr"}}
    typed = {"libelle": "Refaire un passeport", "precisions": ["D'Ada."], "lien.url": "https://remi.fr", "verifie_le": date(2026, 12, 1)}
    with pytest.raises(EditConflict) as raised:
        merged(seen, now, typed, NAMES)
    assert (raised.value.current, raised.value.proposed) == ({"precisions": ["De Rémi."]}, {"precisions": ["D'Ada."]})
    again = merged(raised.value.version, now, {**typed, "libelle": "De Rémi"}, NAMES)
    assert again["precisions"] == ["D'Ada."] and again["verifie_le"] == date(2026, 12, 1)
    del typed["precisions"]
    assert merged(seen, now, typed, NAMES) == {"verifie_le": date(2026, 12, 1)}  # Rémi's name and link stay


def test_an_empty_field_is_one_that_is_not_there_and_no_version_trusts_nothing() -> None:
    assert merged(version_of(SAVED, NAMES), SAVED, {"a_valider": False}, NAMES) == {"a_valider": False}
    assert version_of({**SAVED, "a_valider": False}, NAMES) == version_of(SAVED, NAMES)
    with pytest.raises(EditConflict):
        merged("", SAVED, {"libelle": "Autre"}, NAMES)
