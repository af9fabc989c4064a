"""What files say to developers, said to staff."""

from __future__ import annotations

import pytest

from bot.referential import Referential
from bot.web.staff.plain_words import in_plain_words, names_of


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (
            "Elle est dans le sujet « passeport » : déplacez-la.",
            "Elle est dans le sujet « Passeport » : déplacez-la.",
        ),
        ("- data/referentiel/sujets/mairie.yml:474 : le guichet manque.", "- le guichet manque."),
        ("le nom « inconnu_ici » a servi", "le nom « inconnu_ici » a servi"),
        ("« Passeport » reste « comme avant »", "« Passeport » reste « comme avant »"),
        ("écrivez à guichets.yml", "écrivez à"),
        ("envoyez la fiche à https://www.lot.gouv.fr/a.html", "envoyez la fiche à https://www.lot.gouv.fr/a.html"),
        ("Aucun modèle « 0123456789abcdef » dans le registre. Voyez « bot modele lister ».", "Aucun modèle dans le registre."),
        ("Le modèle est abîmé (empreinte différente du manifeste). Relancez « bot train ».", "Le modèle est abîmé."),
        ("Le modèle 0123456789abcdef est refusé.", "Le modèle est refusé."),
        ("« le siret 12345678901234 » existe déjà", "« le siret 12345678901234 » existe déjà"),
    ],
)
def test_names_replace_ids_and_places_go(said: str, read: str) -> None:
    assert in_plain_words(said, {"passeport": "Passeport"}) == read


def test_every_topic_service_and_desk_has_a_name(referential: Referential) -> None:
    names = names_of(referential)
    assert {*referential.topics, *referential.services, *referential.entry_points, *referential.acts} <= names.keys()
