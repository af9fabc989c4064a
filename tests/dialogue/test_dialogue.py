"""Whole conversations, on the real referential, with a model that answers from a table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.dialogue.dialogue import (
    ASK_COMMUNE,
    ASK_THERE,
    CHOOSE_FIRST,
    HUMAN_CHOICE,
    NEXT_REQUEST,
    NONE_CHOICE,
    SAME_DOOR,
    TELL_MORE,
    WRONG_DOOR,
    YES_WITHOUT_QUESTION,
    ConversationState,
    Dialogue,
    Turn,
)
from bot.dialogue.wording import EMPTY, NONE_OF_THESE, OTHER_LANGUAGE
from bot.emergency.situations import Emergency
from bot.referential import Referential
from bot.routing.decision import AGENT_QUESTION
from bot.routing.types import DecisionKind, RoutingDecision

TABLE = {
    "aide etat": {"garde_enfants_agent": 0.5, "ecole_creche_cantine": 0.5},
    "passeport": {"passeport": 0.95},
    "creer une association": {"association_creation": 0.95},
    "expulsion": {"prevention_expulsion": 0.95},
    "certificat": {"certificat_urbanisme": 0.95},
    "permis": {"permis_construire": 0.4, "permis_inscription": 0.35, "chasse_reglementation": 0.2},
    "numero": {"demander_contact": 0.95},
    "horaires": {"demander_horaires": 0.95},
    "papiers": {"demander_pieces": 0.95},
    "lien": {"demander_lien": 0.95},
    "une personne": {"parler_humain": 0.95},
    "autre question": {"autre_question": 0.95},
    "oui": {"affirmer": 0.95},
    "non": {"nier": 0.95},
    "je suis": {"dire_profil": 0.95},
    "inscrire a l ecole": {"ecole_creche_cantine": 0.95},
    "j habite": {"dire_commune": 0.95},
    "comprends pas": {"pas_compris": 0.95},
    "veut dire": {"question_organisation": 0.95},
    "bonjour": {"saluer": 0.95},
    "flou": {},
    "tout gris": {"passeport": 0.5, "permis_construire": 0.5},
}
START = ConversationState()


@pytest.fixture(scope="module")
def dialogue(make_router) -> Dialogue:  # type: ignore[no-untyped-def]
    return Dialogue(make_router(TABLE))


def talk(dialogue: Dialogue, *messages: str, state: ConversationState = START) -> Turn:
    """Say several messages one after the other; return the last turn."""
    turn = Turn(dialogue.writer.reply(dialogue.router.route("")), state)
    for message in messages:
        turn = dialogue.reply(message, turn.state)
    return turn


# A door, then follow-ups


def test_a_door_is_remembered(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "je veux un passeport")
    assert turn.state == ConversationState(destination="passeport", commune="", request="je veux un passeport")
    assert len(turn.reply.cards) == 1


def test_contact_of_the_last_door(dialogue: Dialogue, referential: Referential) -> None:
    turn = talk(dialogue, "je veux un passeport", "quel numéro ?")
    assert referential.entry_point_of("passeport").nom in turn.reply.text
    assert turn.state.destination == "passeport"


def test_papers_of_the_last_door(dialogue: Dialogue, referential: Referential) -> None:
    known = talk(dialogue, "je risque l'expulsion", "quels papiers ?").reply.text
    assert known.startswith("À apporter : ")
    assert referential.topics["prevention_expulsion"].a_apporter[0] in known


def test_link_of_the_last_door(dialogue: Dialogue, referential: Referential) -> None:
    link = referential.topics["passeport"].lien
    assert link and link.url in talk(dialogue, "je veux un passeport", "le lien ?").reply.text
    without = next(t for t in referential.topics.values() if t.lien is None)
    said = talk(dialogue, "le lien ?", state=ConversationState(destination=without.id)).reply.text
    assert referential.acts["demander_lien"].avec_porte in said and "http" not in said


def test_hours_are_never_invented(dialogue: Dialogue, referential: Referential) -> None:
    said = talk(dialogue, "je veux un passeport", "les horaires ?").reply.text
    assert said.startswith(referential.acts["demander_horaires"].avec_porte)


@pytest.mark.parametrize("message", ["quel numéro ?", "les horaires ?"])
def test_hours_and_numbers_without_a_door_are_those_of_the_front_desk(dialogue: Dialogue, message: str) -> None:
    turn = talk(dialogue, message)
    assert turn.reply.cards[0].topic_id == turn.state.destination == "accueil_horaires"
    assert turn.decision is not None and turn.decision.decision is DecisionKind.ORIENTER
    assert talk(dialogue, "je veux un passeport", message).state.destination == "passeport", "then they are those of the door"


@pytest.mark.parametrize("message", ["quels papiers ?", "le lien ?"])
def test_a_follow_up_without_a_door_asks_which_one(dialogue: Dialogue, message: str) -> None:
    turn = talk(dialogue, message)
    assert turn.decision and turn.reply.text == dialogue.writer.act_text(turn.decision.acte or "")


def test_a_follow_up_before_the_choice_asks_the_choice_again(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "une histoire de permis", "quels papiers ?")
    assert turn.reply.text == CHOOSE_FIRST and [c.id for c in turn.reply.choices] == list(turn.state.choices)


def test_a_correction_gives_the_next_doors_then_a_person(make_router) -> None:  # type: ignore[no-untyped-def]
    table = {"passeport": {"passeport": 0.9, "carte_identite": 0.07}, "c est pas ca": {"corriger": 0.95}}
    dialogue = Dialogue(make_router(table))
    first = talk(dialogue, "je veux refaire mon passeport", "c'est pas ça")
    assert [c.id for c in first.reply.choices] == ["carte_identite", HUMAN_CHOICE]
    assert first.state.destination is None and "passeport" in first.state.rejected
    second = talk(dialogue, "c'est pas ça", state=first.state)
    third = talk(dialogue, "c'est pas ça", state=second.state)
    assert dialogue.writer.front_desk_phone in third.reply.text
    assert dialogue.choose(HUMAN_CHOICE, first.state).reply.text == dialogue.writer.act_text("parler_humain")


def test_a_life_event_gives_its_doors_in_order(make_router, referential: Referential) -> None:  # type: ignore[no-untyped-def]
    turn = talk(Dialogue(make_router({"morte": {"evenement_deces": 0.9}})), "ma mère est morte hier")
    event = referential.acts["evenement_deces"]
    assert turn.reply.text == event.reponse
    assert [c.topic_id for c in turn.reply.cards] == [d.sujet for d in event.portes]
    assert turn.reply.cards[0].step.lower() == event.portes[0].geste.lower()
    assert turn.reply.event == event.libelle and not turn.reply.cards[0].bring, "papers are those of the topic's own step"
    lines = turn.reply.as_text().splitlines()
    assert [line[:2] for line in lines[1 : 1 + len(event.portes)]] == [f"{rank}." for rank in range(1, 1 + len(event.portes))]


def test_words_that_cannot_be_read_lead_to_a_person(make_router) -> None:  # type: ignore[no-untyped-def]
    dialogue = Dialogue(make_router({"zzz": {"charabia": 0.95}}))
    assert dialogue.writer.front_desk_phone in talk(dialogue, "zzz", "zzz").reply.text


@pytest.mark.parametrize("destination", ["passeport", "titres", "territoire"])
@pytest.mark.parametrize("message", ["quel numéro ?", "les horaires ?", "quels papiers ?", "le lien ?", "je comprends pas"])
def test_follow_ups_work_at_every_level(dialogue: Dialogue, destination: str, message: str) -> None:
    turn = talk(dialogue, message, state=ConversationState(destination=destination))
    assert turn.reply.text
    assert turn.state.destination == destination


def test_not_understood_answers_are_said_again(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "je veux un passeport", "je comprends pas")
    assert len(turn.reply.cards) == 1
    assert turn.state.destination == "passeport"


# Choices


def test_a_question_offers_choices_and_none_of_these(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "une histoire de permis")
    assert turn.decision and turn.decision.decision is DecisionKind.CLARIFIER
    assert turn.state.choices == ("permis_construire", "permis_inscription", NONE_CHOICE)
    assert [c.id for c in turn.reply.choices] == list(turn.state.choices)
    assert turn.reply.choices[-1].label == NONE_OF_THESE
    assert turn.state.pending == "une histoire de permis"


def test_a_doubt_after_a_door_offers_that_door_first(dialogue: Dialogue) -> None:
    """Most often the person is still speaking of it; not when they said it was the wrong one."""
    alone = [c.id for c in talk(dialogue, "une histoire de permis").reply.choices]
    after = [c.id for c in talk(dialogue, "refaire mon passeport", "une histoire de permis").reply.choices]
    assert "passeport" not in alone and after == ["passeport", *alone]
    rejected = replace(START, destination="passeport", rejected=("passeport",))
    assert [c.id for c in talk(dialogue, "une histoire de permis", state=rejected).reply.choices] == alone


def test_an_offered_choice_gives_its_door(dialogue: Dialogue) -> None:
    asked = talk(dialogue, "une histoire de permis").state
    turn = dialogue.choose("permis_inscription", asked)
    assert turn.decision and turn.decision.decision is DecisionKind.ORIENTER
    assert turn.state.destination == "permis_inscription" and not turn.state.choices


@pytest.mark.parametrize("choice", ["nexiste_pas", "", "../..", "<script>", "saluer", "None", "AUCUN", "passeport ", "'; --"])
def test_an_unknown_choice_is_not_understood(dialogue: Dialogue, choice: str) -> None:
    asked = talk(dialogue, "une histoire de permis").state
    turn = dialogue.choose(choice, asked)
    assert turn.reply.text == dialogue.writer.not_understood
    assert turn.state.failures == 1


def test_a_button_of_an_earlier_question_still_works(dialogue: Dialogue) -> None:
    chosen = dialogue.choose("permis_construire", talk(dialogue, "une histoire de permis").state)
    assert dialogue.choose("permis_inscription", chosen.state).state.destination == "permis_inscription"


def test_none_of_these_when_nothing_was_offered(dialogue: Dialogue) -> None:
    assert dialogue.choose(NONE_CHOICE, START).reply.text == TELL_MORE


def test_none_of_these_asks_for_more_then_points_to_a_human(dialogue: Dialogue) -> None:
    first = dialogue.choose(NONE_CHOICE, talk(dialogue, "une histoire de permis").state)
    assert first.reply.text == TELL_MORE
    assert (first.state.choices, first.state.pending, first.state.failures) == ((), None, 1)
    second = dialogue.choose(NONE_CHOICE, replace(first.state, choices=("passeport", NONE_CHOICE)))
    assert second.reply.text == dialogue.writer.act_text("parler_humain")


def test_a_choice_outside(dialogue: Dialogue) -> None:
    turn = dialogue.choose("ecole_creche_cantine", ConversationState(choices=("ecole_creche_cantine", NONE_CHOICE)))
    assert turn.decision and turn.decision.decision is DecisionKind.HORS_PERIMETRE


@pytest.mark.parametrize("identifier", ["titres", "territoire"])
def test_a_service_or_a_delegation_can_be_chosen(dialogue: Dialogue, identifier: str) -> None:
    turn = dialogue.choose(identifier, ConversationState(choices=(identifier, NONE_CHOICE)))
    assert turn.state.destination == identifier


# Yes, no, another question


def test_yes_and_no_without_a_question(dialogue: Dialogue) -> None:
    assert talk(dialogue, "oui").reply.text == YES_WITHOUT_QUESTION
    assert talk(dialogue, "non").reply.text == TELL_MORE


def test_yes_to_a_question_asks_which(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "une histoire de permis", "oui")
    assert [c.id for c in turn.reply.choices] == ["permis_construire", "permis_inscription", NONE_CHOICE]
    assert turn.state.choices


def test_no_to_a_question_is_none_of_these(dialogue: Dialogue) -> None:
    assert talk(dialogue, "une histoire de permis", "non").reply.text == TELL_MORE


def test_another_question_forgets_the_door_but_not_the_person(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "autre question", state=ConversationState("passeport", ("a",), "b", "agent", "Figeac", 1))
    assert turn.reply.text == NEXT_REQUEST
    assert turn.state == ConversationState(profile="agent", commune="Figeac")


def test_a_typed_answer_to_a_question_is_read_as_a_message(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "une histoire de permis", "plutôt un passeport en fait")
    assert turn.state.destination == "passeport"


# Failures


def test_two_failures_in_a_row_point_to_a_human(dialogue: Dialogue) -> None:
    first = talk(dialogue, "🙂")
    assert (first.reply.text, first.state.failures) == (dialogue.writer.not_understood, 1)
    second = talk(dialogue, "🎉", state=first.state)
    assert second.reply.text == dialogue.writer.act_text("parler_humain")
    assert dialogue.writer.front_desk_phone in second.reply.text
    assert second.state.failures == 0


def test_what_is_understood_resets_the_failures(dialogue: Dialogue) -> None:
    assert talk(dialogue, "🙂", "je veux un passeport", "🙂").reply.text == dialogue.writer.not_understood


def test_a_greeting_resets_the_failures(dialogue: Dialogue) -> None:
    assert talk(dialogue, "🙂", "bonjour", "🙂").state.failures == 1


def test_asking_for_a_person(dialogue: Dialogue) -> None:
    assert dialogue.writer.front_desk_phone in talk(dialogue, "je veux parler à une personne").reply.text


@pytest.mark.parametrize("text", ["", "   ", "\n", "\x00", "<b></b>", "/"])
def test_an_empty_message_changes_nothing(dialogue: Dialogue, text: str) -> None:
    state = ConversationState(destination="passeport", failures=1)
    turn = dialogue.reply(text, state)
    assert (turn.reply.text, turn.state) == (EMPTY, state)


@pytest.mark.parametrize("text", ["Привет, мне нужен паспорт", "مرحبا، أحتاج إلى جواز سفر"])
def test_another_alphabet(dialogue: Dialogue, text: str) -> None:
    turn = dialogue.reply(text, START)
    assert OTHER_LANGUAGE in turn.reply.text
    assert dialogue.writer.front_desk_phone in turn.reply.text
    assert turn.state == START


# Emergencies


def test_an_emergency_keeps_the_last_door(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "je veux un passeport", "il y a le feu chez le voisin")
    assert turn.reply.calls[0].number == "18"
    assert turn.state.destination == "passeport"


def test_the_numbers_of_a_danger_stay_for_one_more_message(dialogue: Dialogue) -> None:
    told = talk(dialogue, "il y a le feu dans ma maison")
    numbers = {c.number for c in told.reply.calls}
    after = talk(dialogue, "flou", state=told.state)
    assert numbers and numbers <= {c.number for c in after.reply.calls} and told.state.request == "il y a le feu dans ma maison"
    assert not talk(dialogue, "flou", state=after.state).reply.calls


def test_an_emergency_in_the_middle_of_a_question(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "une histoire de permis", "au secours il y a le feu chez le voisin")
    assert turn.reply.calls
    assert turn.state.choices == ()


def test_a_door_already_on_the_screen_is_not_drawn_again(dialogue: Dialogue) -> None:
    given = talk(dialogue, "passeport").state
    door = dialogue.destination("passeport")
    goes_on = RoutingDecision(DecisionKind.ORIENTER, (door,), read="passeport. on part bientôt")
    again = dialogue.answer(goes_on, "on part bientôt", given)
    assert not again.reply.cards and again.reply.text.startswith(SAME_DOOR) and again.state.destination == "passeport"
    asked = dialogue.answer(goes_on, "et si on part bientôt ?", given)
    assert not asked.reply.cards and asked.reply.text.startswith(ASK_THERE)
    assert dialogue.answer(replace(goes_on, read=""), "mon passeport", given).reply.cards
    elsewhere = replace(goes_on, commune={"nom": "Souillac", "code_insee": "46309", "departement": "46"})
    assert dialogue.answer(elsewhere, "à Souillac", given).reply.cards


# Profile and commune


def test_the_agent_question(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "une aide etat")
    assert turn.reply.text == AGENT_QUESTION


@pytest.mark.parametrize(
    ("said", "profile", "topic"),
    [
        ("oui je suis agent", "agent", "garde_enfants_agent"),
        ("je suis un particulier", "citoyen", "ecole_creche_cantine"),
        ("je suis pas agent", "citoyen", "ecole_creche_cantine"),
    ],
)
def test_the_profile_answers_the_agent_question(make_router, said: str, profile: str, topic: str) -> None:  # type: ignore[no-untyped-def]
    table = {"je suis": {"dire_profil": 0.95}, **TABLE}
    turn = talk(Dialogue(make_router(table)), "une aide etat", said)
    assert turn.state.profile == profile
    assert turn.state.destination == topic
    assert turn.state.pending is None


@pytest.mark.parametrize(
    "said",
    ["je suis le maire", "je suis notaire", "je suis chef d'entreprise", "je suis présidente d'une association", "je suis élue municipale"],
)
def test_a_partner_is_not_an_agent(dialogue: Dialogue, said: str) -> None:
    assert talk(dialogue, said).state.profile == "partenaire"


@pytest.mark.parametrize("said", ["je suis un simple citoyen", "je suis étudiant", "je suis juste habitant", "je suis touriste"])
def test_an_inhabitant_is_not_an_agent(dialogue: Dialogue, said: str) -> None:
    assert talk(dialogue, said).state.profile == "citoyen"


def test_a_profile_without_a_question_is_noted(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "je suis agent")
    assert turn.state.profile == "agent"
    assert turn.reply.text


def test_partners_get_their_own_words(dialogue: Dialogue, referential: Referential) -> None:
    advice = referential.topics["certificat_urbanisme"].partenaire
    assert advice
    assert advice.premier_geste in talk(dialogue, "le certificat du terrain", state=ConversationState(profile="partenaire")).reply.text


def test_the_commune_is_remembered(dialogue: Dialogue) -> None:
    assert talk(dialogue, "j'habite à Figeac").state.commune == "Figeac"
    assert talk(dialogue, "un passeport à Gramat").state.commune == "Gramat"
    assert talk(dialogue, "un passeport à Gramat", "bonjour").state.commune == "Gramat"


def test_a_commune_that_is_not_recognised_is_asked(dialogue: Dialogue) -> None:
    assert talk(dialogue, "j'habite là bas").reply.text == ASK_COMMUNE


def test_a_commune_out_of_the_lot_is_said(dialogue: Dialogue) -> None:
    assert "n'est pas dans le Lot" in talk(dialogue, "j'habite à Villeneuve-sur-Lot").reply.text


# What a name means


@pytest.mark.parametrize(
    ("question", "piece"),
    [("ça veut dire quoi AAH", "handicap"), ("que veut dire DDASS", "action sociale"), ("que veut dire DDTEFP", "emploi")],
)
def test_acronyms_and_old_names_are_explained(dialogue: Dialogue, question: str, piece: str) -> None:
    assert piece in talk(dialogue, question).reply.text


def test_every_delegation_is_explained(dialogue: Dialogue, referential: Referential) -> None:
    for delegation in referential.delegations.values():
        assert delegation.mission in (dialogue.explain(f"c'est quoi {delegation.nom}") or "")


def test_every_acronym_of_a_service_is_explained(dialogue: Dialogue, referential: Referential) -> None:
    assert [s.id for s in referential.services.values() if s.sigle and not dialogue.explain(f"c'est quoi {s.sigle}")] == []


def test_every_word_of_the_glossary_is_explained(dialogue: Dialogue, referential: Referential) -> None:
    assert [e.terme for e in referential.glossary if not dialogue.explain(f"c'est quoi {e.terme} ?")] == []


@pytest.mark.parametrize("text", ["", "le chat dort", "🙂", "?"])
def test_nothing_to_explain(dialogue: Dialogue, text: str) -> None:
    assert dialogue.explain(text) is None


# The state


def test_the_state_survives_a_round_trip() -> None:
    state = ConversationState("passeport", ("a", "b"), "texte", "agent", "Figeac", 1)
    assert ConversationState.from_mapping(state.as_mapping()) == state
    assert ConversationState.from_mapping({}) == ConversationState.from_mapping({"inconnu": 1, "profile": None}) == START


def test_the_state_remembers_nothing_else_than_what_is_documented() -> None:
    assert set(START.as_mapping()) == {
        "destination",
        "choices",
        "pending",
        "profile",
        "commune",
        "failures",
        "request",
        "others",
        "rejected",
        "needs",
        "danger",
        "language",
        "earlier",
    }


def test_the_feedback_opens_the_choice_again(dialogue: Dialogue) -> None:
    state = ConversationState("passeport", request="passeport", others=("carte_identite", "permis_construire"))
    turn = dialogue.choose(WRONG_DOOR, state)
    assert [c.id for c in turn.reply.choices] == ["carte_identite", "permis_construire", HUMAN_CHOICE]
    assert turn.state.rejected == ("passeport",) and turn.state.destination is None
    sure = dialogue.choose(WRONG_DOOR, ConversationState("passeport"))
    assert len(sure.reply.choices) > 2 and "passeport" not in {c.id for c in sure.reply.choices}, "a menu holds what is asked beside it"
    last = dialogue.choose(WRONG_DOOR, ConversationState())
    assert [c.id for c in last.reply.choices] == [HUMAN_CHOICE]


def test_every_act_is_answered_in_every_state(make_router, referential: Referential) -> None:  # type: ignore[no-untyped-def]
    states = (
        START,
        ConversationState("passeport"),
        ConversationState(choices=("passeport", NONE_CHOICE), pending="un passeport"),
        ConversationState(failures=1),
    )
    for act in referential.acts:
        if act == "trop_vague":
            continue
        dialogue = Dialogue(make_router({"mot": {act: 0.98}}))
        for state in states:
            turn = dialogue.reply("mot", state)
            assert turn.reply.text or turn.reply.cards, (act, state)


def test_two_requests_remember_the_first(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "je veux un passeport. Et sinon je risque l'expulsion, que faire ?")
    assert len(turn.reply.cards) == 2
    assert turn.state.destination == "passeport"


# The commune, asked only where it changes the desk


def test_the_commune_moves_every_door_given_for_the_same_message(dialogue: Dialogue) -> None:
    two = RoutingDecision(
        DecisionKind.ORIENTER,
        (dialogue.destination("ecole_creche_cantine"), dialogue.destination("certificat_urbanisme"), dialogue.destination("passeport")),
    )
    first = dialogue.answer(two, "l'ecole, le certificat et le passeport", START)
    moved = dialogue.reply("j habite Gourdon", first.state)
    depends = [c.topic_id for c in first.reply.cards if dialogue.writer.depends_on_commune(dialogue.destination(c.topic_id))]
    assert len(depends) > 1 and [card.topic_id for card in moved.reply.cards] == depends


@pytest.mark.parametrize("message", ["créer une association", "refaire mon passeport", "inscrire à l'école"])
def test_the_commune_is_asked_only_where_it_changes_the_desk(dialogue: Dialogue, message: str) -> None:
    assert talk(dialogue, message).reply.invitation == ASK_COMMUNE
    assert talk(dialogue, message).reply.as_text().splitlines()[-2] == ASK_COMMUNE, "after the card"
    assert not talk(dialogue, "je risque l'expulsion").reply.invitation


def test_the_commune_is_asked_once(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "refaire mon passeport", "créer une association")
    assert turn.reply.cards and not turn.reply.invitation
    assert talk(dialogue, "les horaires ?", state=turn.state).reply.invitation == ASK_COMMUNE, "they depend on it: it is asked again"


@pytest.mark.parametrize(
    ("place", "desk"), [("Figeac", "Figeac"), ("Souillac", "Gourdon"), ("Prayssac", "Cahors"), ("Bagnac-sur-Célé", "Figeac")]
)
def test_the_commune_of_the_message_gives_the_desk(dialogue: Dialogue, place: str, desk: str) -> None:
    reply = talk(dialogue, f"créer une association à {place}").reply
    assert not reply.invitation
    assert reply.cards[0].contact.name == f"Bureau des associations de {desk}"


def test_the_commune_told_afterwards_gives_the_desk(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "créer une association", "j'habite Figeac")
    assert turn.reply.cards[0].contact.name == "Bureau des associations de Figeac"
    assert "Bureau des associations de Figeac" in talk(dialogue, "le numéro ?", state=turn.state).reply.text


def test_the_commune_told_before_gives_the_desk(dialogue: Dialogue) -> None:
    reply = talk(dialogue, "j'habite Gourdon", "créer une association").reply
    assert reply.cards[0].contact.name == "Bureau des associations de Gourdon" and not reply.invitation


def test_the_commune_completes_the_card_and_what_follows(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "j'habite à Figeac", state=ConversationState(destination="ecole_creche_cantine"))
    contact = turn.reply.cards[0].contact
    assert contact.name == "Mairie de Figeac" and contact.phones and contact.hours and not contact.to_confirm
    assert contact.phones[0] in talk(dialogue, "le numéro ?", state=turn.state).reply.text
    assert "Mairie de Figeac : " in talk(dialogue, "les horaires ?", state=turn.state).reply.text


@pytest.mark.parametrize(("told", "hall"), [("Vers", "Mairie de Saint Géry-Vers"), ("Montcuq", "Mairie de Montcuq-en-Quercy-Blanc")])
def test_a_former_commune_gives_the_town_hall_of_today(dialogue: Dialogue, told: str, hall: str) -> None:
    known = ConversationState(destination="ecole_creche_cantine")
    assert talk(dialogue, f"j'habite à {told}", state=known).reply.cards[0].contact.name == hall


def test_an_equipped_town_hall_is_the_nearest_one(dialogue: Dialogue) -> None:
    contact = talk(dialogue, "refaire mon passeport", "j'habite à Martel").reply.cards[0].contact
    assert contact.name == "Mairie de Souillac" and contact.to_confirm
    assert contact.distance == "À environ 12 km de Martel, à vol d'oiseau"


def test_a_commune_elsewhere_gives_no_local_desk(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "créer une association", "j'habite Toulouse")
    assert "Toulouse" in turn.reply.text and not turn.reply.cards
    reply = talk(dialogue, "inscrire à l'école", state=turn.state).reply
    assert reply.cards[0].contact.name == "La mairie de votre commune" and not reply.invitation


def test_a_choice_behind_the_numbers_of_an_emergency_can_be_pressed(make_router, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    dialogue = Dialogue(make_router(TABLE))
    emergency = Emergency("detresse_vitale", ("15", "112", "18"), sure=False)
    monkeypatch.setattr(dialogue.router.detector, "detect", lambda _text: emergency)
    turn = talk(dialogue, "il est tout gris")
    assert turn.reply.calls and set(turn.state.choices) == {"passeport", "permis_construire", NONE_CHOICE}
    assert dialogue.choose("passeport", turn.state).reply.cards[0].topic_id == "passeport"


def test_a_person_is_found_at_the_nearest_france_services(dialogue: Dialogue) -> None:
    assert "France services Catus" in dialogue.human(ConversationState(commune="Catus")).reply.text
    assert dialogue.human(START).reply.text == dialogue.writer.act_text("parler_humain")
