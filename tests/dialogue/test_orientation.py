"""The public object of an orientation, without any server."""

from __future__ import annotations

import pytest

from bot.base.errors import BadMessage
from bot.dialogue.dialogue import Dialogue
from bot.dialogue.orientation import Orientation, Request, card_as_json, orient_many, resolve_commune
from bot.dialogue.wording import Writer, possible_destinations
from bot.referential import Referential
from bot.referential.communes import Gazetteer


@pytest.fixture(scope="module")
def dialogue(make_router) -> Dialogue:  # type: ignore[no-untyped-def]
    return Dialogue(make_router({"toit": {"travaux_abords_monument": 0.97}, "hello": {"charabia": 0.9}}))


def test_profiles_mixed_in_one_batch_keep_their_order_and_their_words(dialogue: Dialogue) -> None:
    profiles = [None, "partenaire", "citoyen", "partenaire", "agent"]
    answers = orient_many(dialogue, [Request("refaire le toit de la grange", profile, identifier=i) for i, profile in enumerate(profiles)])
    for index, (profile, answer) in enumerate(zip(profiles, answers, strict=True)):
        assert isinstance(answer, Orientation)
        assert answer.request.identifier == index
        assert ("chef de file" in answer.reply.as_text()) == (profile == "partenaire")


def test_a_batch_says_what_one_message_says(dialogue: Dialogue) -> None:
    texts = ["refaire le toit de la grange", "xyzzy", "", "hello, how are you", "مرحبا", "la maison brûle"]
    together = orient_many(dialogue, [Request(text) for text in texts])
    alone = [orient_many(dialogue, [Request(text)])[0] for text in texts]
    assert together == alone


def test_another_alphabet_gets_the_phone_of_the_front_desk(dialogue: Dialogue) -> None:
    (answer,) = orient_many(dialogue, [Request("مرحبا كيف الحال")])
    assert isinstance(answer, Orientation) and dialogue.writer.front_desk_phone in answer.reply.as_text()


@pytest.mark.parametrize(
    ("given", "code"), [("Figeac", "46102"), ("saint-cere", "46251"), ("SAINT CERE", "46251"), ("46042", "46042"), ("2a004", "2A004")]
)
def test_a_commune_is_resolved(gazetteer: Gazetteer, given: str, code: str) -> None:
    found = resolve_commune(gazetteer, given)
    assert found is not None and found.code_insee == code


def test_nothing_given_is_nothing(gazetteer: Gazetteer) -> None:
    assert resolve_commune(gazetteer, "") is None and resolve_commune(gazetteer, "  ") is None


@pytest.mark.parametrize("given", ["Nulle-Part", "00000", "4610", "Figeac Cahors", "x" * 500])
def test_an_unknown_commune_is_said_in_one_short_sentence(gazetteer: Gazetteer, given: str) -> None:
    with pytest.raises(BadMessage) as caught:
        resolve_commune(gazetteer, given)
    assert "Insee" in str(caught.value) and len(str(caught.value)) < 260


def test_one_unknown_commune_stops_nothing_else(dialogue: Dialogue) -> None:
    first, second = orient_many(
        dialogue, [Request("refaire le toit de la grange", commune="Nulle-Part"), Request("refaire le toit de la grange")]
    )
    assert isinstance(first, BadMessage) and isinstance(second, Orientation)


def test_every_card_is_whole(referential: Referential) -> None:
    writer = Writer(referential)
    for destination in possible_destinations(referential):
        for profile in ("citoyen", "partenaire"):
            row = card_as_json(writer.card(destination, profile), destination, referential)
            assert row["premier_geste"] and row["nom_service"] and row["contact"]["nom"]
            assert row["premier_geste"][0].isupper()
            assert (row["source"] is not None) == (destination.sujet is not None)


# A partner's words


def test_everything_shown_says_its_source_and_its_day(referential: Referential) -> None:
    writer = Writer(referential)
    undated = set()
    for destination in possible_destinations(referential):
        shown = card_as_json(writer.card(destination), destination, referential)
        origins = [
            *shown["faits"],
            *([shown["origine_lien"]] if shown["lien"] else []),
            *([shown["origine_pieces"]] if shown["a_apporter"] else []),
        ]
        assert all(origin["source"] and origin["date"] for origin in origins), destination.sujet
        desk = shown["contact"]
        if desk["telephones"] or desk["adresse"]:
            place = desk["lieu"] or {}
            assert desk["source"] or place["source"], desk["nom"]
            undated |= {desk["nom"]} if not (desk["date"] or place.get("date")) else set()
    assert undated <= {"Enedis, réseau électrique"}, "known from nobody's dated text"


def test_a_partner_reads_each_thing_once(referential: Referential) -> None:
    from bot.dialogue.wording import Reply

    writer = Writer(referential)
    for destination in possible_destinations(referential):
        card = writer.card(destination, "partenaire")
        text = Reply(card.text, (card,)).as_text()
        lead = "Organisme compétent : " if card.outside else "Service chef de file : "
        assert text.count(lead) == 1
        assert "À apporter" not in text and text.count("Services associés : ") == bool(card.associated)
        assert text.count("Pièces du dossier :") == bool(card.bring)
        assert ("Nom actuel du service : " in text) == bool(card.today)
        for line in card.associated:
            assert text.count(line) == 1


def test_a_partner_reaches_the_service_itself_and_a_citizen_the_single_door(referential: Referential) -> None:
    writer = Writer(referential)
    for service in referential.services.values():
        topics = referential.topics_of(service.id)
        destination = next(d for d in possible_destinations(referential) if topics and d.sujet == topics[0].id)
        assert writer.card(destination).partner_contact is None
        partner = writer.card(destination, "partenaire").partner_contact
        elsewhere = topics[0].nom_actuel or topics[0].guichet == service.contact_partenaire
        expected = "" if elsewhere else service.contact_partenaire
        assert (partner.name if partner else "") == (referential.entry_points[expected].nom if expected else "")


def test_the_desk_of_a_service_is_one_of_the_same_delegation_or_of_its_own(referential: Referential) -> None:
    for service in referential.services.values():
        if service.contact_partenaire:
            desk = referential.entry_points[service.contact_partenaire]
            assert not desk.x_ose.guichet_unique and service.delegation != "hors_perimetre"
