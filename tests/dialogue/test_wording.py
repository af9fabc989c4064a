"""Answers: the service and the first step in the first sentence, numbers only from the desks, emergencies first."""

from __future__ import annotations

import json
import re

import pytest

from bot.dialogue.wording import (
    IF_NO_DANGER,
    NONE_OF_THESE,
    PROGRAM_NOTICE,
    TO_CONFIRM,
    Contact,
    Writer,
    contact_line,
    opening_hours,
    possible_destinations,
)
from bot.referential import Referential
from bot.referential.communes import Gazetteer
from bot.routing.decision import QUESTION
from bot.routing.types import DecisionKind, Destination, RoutingDecision

PHONE = re.compile(r"(?<!\d)0[1-9](?:[ .-]?\d{2}){4}(?!\d)")
CITY_HALL_TOPIC = "ecole_creche_cantine"
PASSPORT = Destination("population", "titres", "passeport", 0.9)
RESTAURANT = Destination("territoire", "veterinaire", "hygiene_restaurant_signalement", 0.8)


@pytest.fixture(scope="module")
def writer(referential: Referential) -> Writer:
    return Writer(referential)


def orient(*doors: Destination, commune: dict[str, str] | None = None) -> RoutingDecision:
    return RoutingDecision(DecisionKind.ORIENTER, doors, niveau=doors[0].level, commune=commune)


def test_the_first_sentence_names_the_service_and_the_first_step(writer: Writer, referential: Referential) -> None:
    for topic in referential.topics.values():
        service = referential.services[topic.service]
        card = writer.card(Destination(service.delegation, service.id, topic.id, 1.0))
        who = topic.organisme if service.delegation == "hors_perimetre" else service.nom_clair
        assert card.sentences[0].lower() == f"{who} : {topic.premier_geste}".lower()
        assert writer.reply(orient(Destination(service.delegation, service.id, topic.id, 1.0))).text.startswith(card.sentences[0])


def test_a_service_and_a_delegation_are_named_first(writer: Writer, referential: Referential) -> None:
    for destination in possible_destinations(referential):
        if destination.sujet:
            continue
        card = writer.card(destination)
        name = (
            referential.services[destination.service].nom_clair
            if destination.service
            else referential.delegations[destination.dis].nom_clair
        )
        assert card.sentences[0].lower().startswith(name.lower())
        assert card.contact.name


def test_no_phone_number_outside_the_desks(writer: Writer, referential: Referential) -> None:
    for destination in possible_destinations(referential):
        for profile in (None, "partenaire"):
            card = writer.card(destination, profile)
            words = " ".join((*card.sentences, *card.associated, *card.bring, card.topic, card.service, card.delegation, card.today))
            assert not PHONE.search(words), words


def test_no_phone_number_in_the_sentences_of_the_referential(referential: Referential) -> None:
    tables = (referential.topics, referential.services, referential.delegations, referential.acts, referential.emergency_situations)
    for record in (r for table in tables for r in table.values()):  # type: ignore[attr-defined]
        assert not PHONE.search(record.json()), record.id


def test_every_number_shown_comes_from_a_desk(writer: Writer, referential: Referential) -> None:
    known = {p.valeur for e in referential.entry_points.values() for p in e.telephone}
    known |= {place.telephone for place in referential.directory.places.values()}
    for destination in possible_destinations(referential):
        text = writer.reply(orient(destination)).as_text()
        assert set(PHONE.findall(text)) <= known


def test_nothing_is_left_to_fill(writer: Writer, referential: Referential) -> None:
    for act in referential.acts:
        assert not re.search(r"[{}]", writer.act_text(act))
    assert writer.front_desk_phone in writer.act_text("parler_humain")
    assert PHONE.fullmatch(writer.front_desk_phone)


def test_one_door(writer: Writer) -> None:
    reply = writer.reply(orient(PASSPORT))
    assert len(reply.cards) == 1
    assert reply.choices == reply.calls == ()
    text = reply.as_text()
    assert text.count(reply.cards[0].sentences[0]) == 1
    assert text.endswith(PROGRAM_NOTICE)


def test_two_doors_two_cards_in_order_with_their_words(writer: Writer) -> None:
    doors = (
        Destination("population", "titres", "passeport", 0.9, "mon passeport"),
        Destination("territoire", "veterinaire", "hygiene_restaurant_signalement", 0.8, "le restaurant"),
    )
    reply = writer.reply(orient(*doors))
    assert [c.because for c in reply.cards] == ["mon passeport", "le restaurant"]
    text = reply.as_text()
    assert -1 < text.find(reply.cards[0].sentences[0]) < text.find(reply.cards[1].sentences[0])
    assert text.count(PROGRAM_NOTICE) == 1


def test_a_question_lists_its_choices_and_none_of_these(writer: Writer, referential: Referential) -> None:
    reply = writer.reply(RoutingDecision(DecisionKind.CLARIFIER, (PASSPORT, RESTAURANT), question=QUESTION))
    assert reply.text == QUESTION
    assert [c.label for c in reply.choices] == [
        referential.topics["passeport"].libelle,
        referential.topics["hygiene_restaurant_signalement"].libelle,
        NONE_OF_THESE,
    ]
    assert not reply.cards
    assert f"- {NONE_OF_THESE}" in reply.as_text()


def test_labels_of_choices_are_all_different(referential: Referential) -> None:
    labels = [t.libelle for t in referential.topics.values()]
    assert sorted(x for x in set(labels) if labels.count(x) > 1) == []


@pytest.mark.parametrize("kind", [DecisionKind.INCOMPRIS, DecisionKind.CONVERSATION, DecisionKind.HORS_SUJET])
def test_not_understood(writer: Writer, kind: DecisionKind) -> None:
    assert writer.reply(RoutingDecision(kind)).text == writer.not_understood


def test_a_place_out_of_the_lot_is_said(writer: Writer) -> None:
    reply = writer.reply(orient(PASSPORT, commune={"nom": "Toulouse", "departement": "31"}))
    assert "Toulouse n'est pas dans le Lot" in reply.text
    assert "Attention" not in writer.reply(orient(PASSPORT, commune={"nom": "Figeac", "departement": "46"})).text


def test_a_homonym_is_said(writer: Writer) -> None:
    commune = {"nom": "Cras", "departement": "46", "homonymes": ["38"]}
    assert "Plusieurs communes s'appellent Cras" in writer.reply(orient(PASSPORT, commune=commune)).text  # type: ignore[arg-type]


# Emergencies


def test_every_emergency_puts_numbers_first_in_three_lines(writer: Writer, referential: Referential) -> None:
    for situation in referential.emergency_situations.values():
        reply = writer.reply(RoutingDecision(DecisionKind.URGENCE, urgence=situation.numeros, situation=situation.id))
        lines = reply.as_text().split("\n")
        assert len(lines) <= 3
        assert lines[0].startswith(situation.numeros[0])
        assert [c.number for c in reply.calls] == list(situation.numeros)
        assert all(c.name for c in reply.calls)
        assert reply.instruction


def test_the_door_comes_after_the_numbers(writer: Writer) -> None:
    reply = writer.reply(RoutingDecision(DecisionKind.URGENCE, (PASSPORT,), urgence=("18", "112"), situation="incendie"))
    text = reply.as_text()
    assert text.startswith("18 (Pompiers) ou 112")
    assert 0 < text.find("Après l'appel") < text.find(reply.cards[0].contact.name)


def test_a_question_behind_the_numbers_begins_with_no_danger(writer: Writer) -> None:
    decision = RoutingDecision(DecisionKind.URGENCE, (PASSPORT, RESTAURANT), urgence=("18",), situation="incendie", question=QUESTION)
    reply = writer.reply(decision)
    assert [c.number for c in reply.calls] == ["18"] and reply.instruction and not reply.cards
    assert reply.text == IF_NO_DANGER and [c.label for c in reply.choices][-1] == NONE_OF_THESE
    assert reply.as_text().index("18") < reply.as_text().index(IF_NO_DANGER)


def test_an_unknown_number_or_situation_is_left_out(writer: Writer) -> None:
    reply = writer.reply(RoutingDecision(DecisionKind.URGENCE, urgence=("18", "999"), situation="nexiste_pas"))
    assert [c.number for c in reply.calls] == ["18"]
    assert reply.instruction == ""


# Desks


def test_contact_lines() -> None:
    full = Contact("Mairie", ("1 place", "46000 Cahors"), ("05 00 00 00 00", "05 00 00 00 01"), ("a@exemple.fr",), to_confirm=True)
    assert contact_line(full) == f"Mairie – téléphone 05 00 00 00 00 ou 05 00 00 00 01 – 1 place, 46000 Cahors – a@exemple.fr. {TO_CONFIRM}"
    assert contact_line(Contact("Mairie")) == "Mairie."


def test_unconfirmed_desks_say_so(writer: Writer, referential: Referential) -> None:
    for desk in referential.entry_points.values():
        contact = writer.contact(desk)
        place = contact.nearby.place if contact.nearby else None
        unsure = place.to_confirm if place and not desk.x_ose.verifie_par else desk.x_ose.a_verifier and not desk.depends_on_commune
        since = place.checked if place else "" if desk.x_ose.guichet_unique else (desk.x_ose.date_source or "")[:4]
        said = f"Vérifié en {since}, à confirmer." if since else TO_CONFIRM
        assert (said in contact_line(contact)) == unsure


def test_what_staff_checked_wins_over_the_directory(writer: Writer, referential: Referential) -> None:
    desk = referential.entry_points["ddt"]
    phone = desk.telephone[0].copy(update={"valeur": "05 65 00 00 00"})
    block = desk.x_ose.copy(update={"verifie_par": "appel au guichet", "a_verifier": False})
    contact = writer.contact(desk.copy(update={"telephone": (phone,), "adresse_courriel": (), "x_ose": block}))
    assert contact.phones == ("05 65 00 00 00",) and not contact.to_confirm and not contact.source
    assert contact.emails == ("ddt@lot.gouv.fr",), "the directory fills what is empty"
    untouched = writer.contact(desk.copy(update={"telephone": (phone,)}))
    assert untouched.phones == ("05 65 23 60 60",) and untouched.dated == "Vérifié en 2019, à confirmer."


def test_a_sort_of_place_that_staff_checked_still_names_the_place(writer: Writer, referential: Referential, gazetteer: Gazetteer) -> None:
    desk = referential.entry_points["mairie"]
    checked = desk.copy(update={"x_ose": desk.x_ose.copy(update={"verifie_par": "accueil"})})
    assert writer.contact(checked, gazetteer.lookup("Figeac")).name == "Mairie de Figeac"


def test_every_commune_has_its_town_hall_on_the_card(writer: Writer, gazetteer: Gazetteer) -> None:
    halls = {}
    for commune in gazetteer.in_lot():
        contact = writer.card(Destination("hors_perimetre", "mairie", CITY_HALL_TOPIC, 1.0), None, commune).contact
        assert contact.nearby and contact.nearby.place.code_insee == commune.code_insee
        assert contact.phones and contact.address and not contact.distance
        halls[commune.code_insee] = contact.name
    assert len(set(halls.values())) == len(halls) == 312


def test_delegated_town_halls_are_told_too(writer: Writer, gazetteer: Gazetteer) -> None:
    vers = gazetteer.lookup("Vers")
    contact = writer.card(Destination("hors_perimetre", "mairie", CITY_HALL_TOPIC, 1.0), None, vers).contact
    assert contact.name == "Mairie de Saint Géry-Vers" and contact.also[0].startswith("Mairie déléguée - Vers – téléphone 05 65 31 42 59")


def test_opening_hours_are_read_by_a_third_party(referential: Referential) -> None:
    from opening_hours import OpeningHours

    desk = next(iter(referential.entry_points.values()))
    slots = [
        {
            "nom_jour_debut": "Lundi",
            "nom_jour_fin": "Jeudi",
            "valeur_heure_debut_1": "09:00:00",
            "valeur_heure_fin_1": "12:00:00",
            "valeur_heure_debut_2": "13:30:00",
            "valeur_heure_fin_2": "16:30:00",
        },
        {"nom_jour_debut": "Vendredi", "nom_jour_fin": "Vendredi", "valeur_heure_debut_1": "09:00", "valeur_heure_fin_1": "12:00"},
    ]
    open_desk = type(desk)(**{**json.loads(desk.json()), "plage_ouverture": slots})
    hours = opening_hours(open_desk)
    assert hours == "Mo-Th 09:00-12:00,13:30-16:30, Fr 09:00-12:00; PH off"
    assert OpeningHours(hours)
    assert opening_hours(desk) == ""
