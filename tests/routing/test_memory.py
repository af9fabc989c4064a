"""What was taught word for word is answered so, before the model reads anything."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bot.base.paths import project_paths
from bot.emergency.detector import EmergencyDetector
from bot.language.cleaning import clean
from bot.learning.loading import Lessons, bare_router
from bot.routing.context import FEATURES, JOINED, Before
from bot.routing.decision import Thresholds
from bot.routing.memory import Memory, wordings_of
from bot.routing.router import Router
from bot.routing.types import DecisionKind
from bot.understanding.outcome import Understanding

ROWS = (
    ("passeport", "mon passeport a pris un coup de soleil"),
    ("carte_identite", "la marmotte a mangé mes papiers"),
    ("hygiene_restaurant_signalement", "mon fils ne respire plus"),
    ("sujet_disparu", "un sujet que personne ne connaît plus"),
    ("handicap_ecole", "l'école nous demande de garder Gabin l'après-midi"),
    ("hebergement_urgence", "115"),
    ("meteo_sport_actualite", "quel temps fera-t-il au marché de Lalbenque"),
)


@pytest.fixture(scope="module")
def bare() -> Router:
    return bare_router(project_paths())


@pytest.fixture
def router(bare: Router) -> Router:
    memory = Memory()
    memory.teach("essai", wordings_of(ROWS))
    memory.settle()
    return Router(bare.referential, bare.gazetteer, bare.detector, memory=memory)


@pytest.mark.parametrize(
    "message",
    [
        "mon passeport a pris un coup de soleil",
        "Bonjour, mon PASSEPORT a pris un coup de soleil !! Merci",
        "passeport a pris coup de soleil",
        "mes passeports a pris un coup de soleil",
    ],
)
def test_the_same_words_or_nearly_are_answered_with_their_topic(router: Router, message: str) -> None:
    decision = router.route(message)
    assert decision.decision is DecisionKind.ORIENTER and decision.destinations[0].sujet == "passeport"


@pytest.mark.parametrize(
    "message", ["mon passeport n'a pas pris un coup de soleil", "le four a fondu", "un sujet que personne ne connaît plus", "", "🙂"]
)
def test_other_words_are_left_to_the_model(router: Router, message: str) -> None:
    assert router.route(message).decision is DecisionKind.INCOMPRIS


@pytest.mark.parametrize(("label", "phrase"), ROWS[4:6])
def test_what_the_mask_hides_or_what_has_no_word_is_known_too(router: Router, label: str, phrase: str) -> None:
    assert router.route(phrase).destinations[0].sujet == label
    assert "Gabin" not in router.hear(phrase).text.display


def test_a_taught_message_is_not_read_with_the_last_request(router: Router) -> None:
    goes_on = {JOINED: (9.0, *[0.0] * (len(FEATURES) - 1))}
    router = Router(router.referential, router.gazetteer, router.detector, thresholds=Thresholds(contexte=goes_on), memory=router.memory)
    before = Before("je construis une maison", "permis_construire")
    unsure = Understanding({"passeport": 0.6, "permis_construire": 0.4})
    heard = replace(router.hear("la marmotte a mangé mes papiers"), understanding=unsure)
    assert router.in_context(heard, before) is heard
    with pytest.raises(ValueError, match="unpack"):  # any other is read again with the request before it: no model here does
        router.in_context(replace(router.hear("la marmotte a bu mes encriers"), understanding=unsure), before)


def test_an_emergency_comes_first_whatever_was_taught(router: Router) -> None:
    assert router.route("mon fils ne respire plus").decision is DecisionKind.URGENCE


def test_a_message_taught_as_no_request_is_one(router: Router) -> None:
    assert router.route("quel temps fera-t-il au marché de Lalbenque ?").decision is DecisionKind.HORS_SUJET


def test_the_memory_wins_over_the_model(router: Router) -> None:
    heard = router.hear("la marmotte a mangé mes papiers")
    sure = replace(heard, understanding=Understanding({"passeport": 0.96, "carte_identite": 0.04}))
    assert router.decide(sure).destinations[0].sujet == "carte_identite"


def test_a_phrase_of_two_topics_is_left_to_the_model() -> None:
    memory = Memory()
    memory.teach("un", wordings_of([("passeport", "la marmotte a mangé mes papiers")]))
    memory.teach("deux", wordings_of([("carte_identite", "la marmotte a mangé mes papiers")]))
    memory.settle()
    assert memory.find(clean("la marmotte a mangé mes papiers")) is None
    memory.teach("deux", None)
    memory.settle()
    assert memory.find(clean("la marmotte a mangé mes papiers")) == "passeport"


def test_lessons_follow_the_files(tmp_path: Path) -> None:
    path = tmp_path / "titres.yml"
    path.write_text('version: "3.1"\nnlu:\n- intent: passeport\n  examples: |\n    - ma première phrase\n', encoding="utf-8")
    lessons = Lessons(tmp_path)
    assert lessons.memory.find(clean("ma première phrase")) == "passeport"
    path.write_text(path.read_text(encoding="utf-8") + "    - et une autre encore\n", encoding="utf-8")
    lessons.follow()
    assert lessons.memory.find(clean("et une autre encore")) == "passeport"
    os.unlink(path)
    lessons.follow()
    assert lessons.memory.find(clean("ma première phrase")) is None


def test_every_phrase_of_the_corpus_is_answered_with_its_topic(bare: Router) -> None:
    """As cleaned by the router, mask included: the fast cleaning of the memory may not differ."""
    from bot.learning.corpus import read_corpus

    examples = [e for e in read_corpus(project_paths().corpus) if e.label in bare.referential.topics][::100]
    router = Router(bare.referential, bare.gazetteer, EmergencyDetector(*_no_danger()), memory=bare.memory)
    missed = [e for e in examples if [d.sujet for d in router.route(e.text).destinations] != [e.label]]
    assert len(missed) <= 0.001 * len(examples), missed[:5]  # some tell a danger that no detector may keep silent


def _no_danger():  # type: ignore[no-untyped-def]
    from bot.emergency.rules import load_rules
    from bot.emergency.situations import load_situations

    situations = load_situations(project_paths().referential / "urgences.yml")
    rules = load_rules(project_paths().referential / "urgences_mots.yml", situations)
    return situations, rules
