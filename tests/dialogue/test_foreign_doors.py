"""The most asked doors in the person's own language: found by their words, told with the facts of the referential."""

from __future__ import annotations

import time

import pytest

from bot.dialogue.dialogue import ConversationState, Dialogue
from bot.dialogue.foreign_doors import door_told
from bot.language.foreign import Foreign, load_languages
from bot.measure.checks import foreign_problems
from bot.referential import Referential
from bot.routing.types import DecisionKind, RoutingDecision

LANGUAGES = ("en", "es", "pt", "ar", "uk", "de")


@pytest.mark.parametrize(
    ("language", "text", "topic"),
    [
        ("en", "I have a UK driving licence and I want to exchange it", "permis_etranger"),
        ("en", "my residence permit will expire next month", "titre_sejour_renouvellement"),
        ("en", "how do I get a residence permit", "titre_sejour_demande"),
        ("es", "necesito renovar mi pasaporte por favor", "passeport"),
        ("pt", "o meu patrão não me paga há dois meses", "salaire_impaye"),
        ("ar", "كيف أجدد بطاقة الإقامة", "titre_sejour_renouvellement"),
        ("uk", "хочу обміняти українські права на французькі", "permis_etranger"),
        ("de", "ich möchte mein Kind in der Schule anmelden", "inscription_scolaire"),
        ("en", "my son is bullied at school", None),
        ("es", "paro cardiaco", None),
        ("de", "ein Café eröffnen", None),
        ("en", "a birth certificate and social housing", None),
        ("it", "passaporto", None),
    ],
)
def test_words_name_one_door_or_none(referential: Referential, language: str, text: str, topic: str | None) -> None:
    assert door_told(referential, language, text) == topic


def test_a_thousand_small_words_cost_little(referential: Referential) -> None:
    text = " ".join(f"a{number}" for number in range(1_000))
    door_told(referential, "en", text)
    started = time.process_time()
    assert door_told(referential, "en", text) is None
    assert time.process_time() - started < 0.05


def test_every_door_is_complete_in_every_language(referential: Referential) -> None:
    assert foreign_problems(referential, LANGUAGES) == []
    assert any("uk" in p.message for p in foreign_problems(referential, LANGUAGES[:4]))
    assert set(referential.foreign_languages) == set(LANGUAGES)
    assert len(referential.foreign_doors) >= 30


def test_each_door_is_found_by_its_own_words(referential: Referential) -> None:
    for door in referential.foreign_doors.values():
        for language, said in door.words.items():
            for words in said.mots:
                typed = words.replace("*", "").replace("=", "")
                assert door_told(referential, language, typed) in {door.sujet, None}, (door.sujet, language, words)


@pytest.fixture(scope="module")
def dialogue(make_router, paths) -> Dialogue:  # type: ignore[no-untyped-def]
    router = make_router({"passport": {"passeport": 0.4}})
    router.languages = load_languages(paths.referential)
    return Dialogue(router)


def test_the_door_is_told_with_the_facts_of_the_referential(dialogue: Dialogue, referential: Referential) -> None:
    turn = dialogue.reply("كيف أجدد بطاقة الإقامة", ConversationState())
    assert turn.decision is not None and turn.decision.decision is DecisionKind.ORIENTER
    courtesy, (card,) = turn.reply.courtesy, turn.reply.cards
    assert courtesy is not None and courtesy.direction == "rtl"
    assert referential.foreign_doors[card.topic_id].ar.geste in courtesy.sentences[1]
    assert any(card.contact.phones[0] in sentence for sentence in courtesy.sentences)
    assert turn.state.destination == "titre_sejour_renouvellement"


def test_a_danger_comes_before_any_door(dialogue: Dialogue) -> None:
    danger = RoutingDecision(DecisionKind.URGENCE, urgence=("18",), foreign=Foreign("en"))
    turn = dialogue.answer(danger, "my house is on fire and my passport is inside", ConversationState())
    assert turn.reply.calls and not turn.reply.cards


def test_what_is_said_next_stays_in_the_language_and_about_the_door(dialogue: Dialogue) -> None:
    state = dialogue.reply("necesito renovar mi pasaporte", ConversationState()).state
    for text in ("¿cuánto cuesta?", "vivo en Figeac"):
        turn = dialogue.reply(text, state)
        state = turn.state
        assert turn.reply.courtesy is not None and turn.reply.courtesy.language == "es", text
        assert [card.topic_id for card in turn.reply.cards] == ["passeport"], text
    assert state.commune == "Figeac"
    turn = dialogue.reply("gracias", state)
    assert turn.reply.courtesy is not None and turn.reply.courtesy.sentences[0] == "De nada." and not turn.reply.cards
    assert dialogue.reply("merci", turn.state).reply.courtesy is None


def test_a_goodbye_in_a_french_conversation_stays_french(dialogue: Dialogue) -> None:
    decision = RoutingDecision(DecisionKind.CONVERSATION, acte="au_revoir", foreign=Foreign("it", "au_revoir"))
    assert dialogue.answer(decision, "ciao", ConversationState(destination="passeport")).reply.courtesy is None


def test_a_doubt_puts_the_number_first_in_small(dialogue: Dialogue) -> None:
    decision = RoutingDecision(DecisionKind.INCOMPRIS, foreign=Foreign("en", doubt=True))
    reply = dialogue.answer(decision, "where are the firemen", ConversationState()).reply
    assert reply.courtesy is not None and "112" in reply.courtesy.sentences[0] and not reply.calls
