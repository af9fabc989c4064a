"""What a person cannot do: noticed in their words, remembered, and no answer then says the contrary."""

from __future__ import annotations

import pytest

from bot.dialogue.dialogue import ConversationState, Dialogue
from bot.dialogue.needs import needs_told, tells_to_call, written_card
from bot.dialogue.wording import Writer, possible_destinations
from bot.referential import Referential
from bot.routing.types import DecisionKind

TABLE = {
    "passeport": {"passeport": 0.95},
    "suis sourd": {"demander_accessibilite": 0.95},
    "je dors dehors": {"hebergement_urgence": 0.95},
    "une personne": {"parler_humain": 0.95},
    "eau": {"eau_robinet": 0.95},
    "flou": {},
}


@pytest.fixture(scope="module")
def dialogue(make_router) -> Dialogue:  # type: ignore[no-untyped-def]
    return Dialogue(make_router(TABLE))


def talk(dialogue: Dialogue, *messages: str):  # type: ignore[no-untyped-def]
    state = ConversationState()
    for message in messages:
        turn = dialogue.reply(message, state)
        state = turn.state
    return turn


@pytest.mark.parametrize(
    ("text", "needs", "rest"),
    [
        ("Je suis sourde.", ("sans_telephone",), ""),
        ("je suis muet, comment faire ma carte grise ?", ("sans_telephone",), "comment faire ma carte grise"),
        ("j'ai pas internet et je sais pas lire", ("sans_internet", "lecture"), "j et je"),
        ("je suis en prison", ("prison",), ""),
        ("on m'a dit de venir ici", ("envoye",), "on"),
        ("ma mère est sourde", (), "ma mere est sourde"),
        ("une allocation pour mon fils en fauteuil", (), "une allocation pour mon fils en fauteuil"),
    ],
)
def test_needs_are_told_in_the_first_person(referential: Referential, text: str, needs: tuple[str, ...], rest: str) -> None:
    told = needs_told(referential.needs, text, None)
    assert told.needs == needs
    if "internet" not in text:
        assert told.rest == rest


def test_loose_words_count_in_a_question_of_access(referential: Referential) -> None:
    assert needs_told(referential.needs, "sourde, mail svp", "demander_accessibilite").needs == ("sans_telephone",)
    assert needs_told(referential.needs, "sourde, mail svp", None).needs == ()


def test_no_card_tells_to_call(referential: Referential) -> None:
    unspoken = referential.needs["sans_telephone"].sans_appel
    assert unspoken is not None
    writer = Writer(referential)
    for destination in possible_destinations(referential):
        card = written_card(writer.card(destination), unspoken)
        assert not tells_to_call(f"{card.step} {card.text}", unspoken), destination
        assert not card.contact.phones
        assert card.sentences[0].endswith(card.step[1:]), destination
        assert written_card(card, unspoken) == card


def test_the_need_is_remembered_and_the_door_too(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "je veux un passeport à Figeac", "je suis sourd")
    assert turn.state.needs == ("sans_telephone",)
    assert turn.state.destination == "passeport"
    assert turn.reply.cards and "téléphone " not in turn.reply.as_text()


def test_a_request_told_with_the_need_is_answered(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "je suis sourd passeport perdu")
    assert turn.state.destination == "passeport"
    assert turn.decision is not None and turn.decision.decision is DecisionKind.ORIENTER


def test_a_person_is_reached_in_writing(dialogue: Dialogue) -> None:
    text = talk(dialogue, "je suis sourd", "je veux voir une personne").reply.as_text()
    assert "05 65" not in text and "ppelez" not in text
    assert "Accueil de la préfecture" in text


def test_in_danger_the_sms_number_comes_first(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "je suis sourd", "il y a le feu chez moi")
    assert [(call.number, call.sms) for call in turn.reply.calls] == [("114", True)]
    assert "ppelez" not in turn.reply.instruction
    other = talk(dialogue, "je suis sourd", "je dors dehors ce soir")
    assert [call.number for call in other.reply.calls][:1] == ["114"]


def test_a_danger_told_with_the_need_is_not_set_aside(dialogue: Dialogue) -> None:
    turn = talk(dialogue, "je suis muette au secours")
    assert turn.decision is not None and turn.decision.decision is DecisionKind.URGENCE
    assert turn.reply.calls[0].number == "114"


def test_a_note_follows_each_door(dialogue: Dialogue, referential: Referential) -> None:
    turn = talk(dialogue, "j'ai pas internet", "je veux un passeport")
    assert turn.reply.text.count(referential.needs["sans_internet"].note) == 1
