"""A message read with what was said before: the words that set a door aside, the two readings, the share that weighs them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.dialogue.dialogue import ConversationState, Dialogue
from bot.language.cleaning import clean
from bot.learning.judgements import fit_context
from bot.routing.context import (
    BACK,
    FEATURES,
    JOINED,
    KEPT,
    NEW,
    OWN,
    Before,
    Weights,
    about,
    features,
    fits,
    kept,
    mixed,
    opening,
    refuses,
    shares,
    wordings,
)
from bot.routing.decision import Decider, Reading, Thresholds
from bot.routing.router import Router


def always(way: str) -> Weights:
    """Return weights by which a message is always taken one way, "" for alone: only the constant counts."""
    return {kind: (20.0 if kind == way else -20.0, *[0.0] * (len(FEATURES) + len(OWN[kind]) - 1)) for kind in OWN}


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("non, la médaille sportive, pas celle du travail", "la médaille sportive"),
        ("l'agrandissement, pas l'odeur", "l'agrandissement"),
        ("le duplicata", "le duplicata"),
        ("pas celle-là", "pas celle-là"),
    ],
)
def test_what_a_message_sets_aside_is_not_read(said: str, left: str) -> None:
    assert kept(said) == left


def test_setting_a_door_aside_is_heard() -> None:
    assert refuses(clean("non, la médaille sportive, pas celle du travail")) and refuses(clean("pas ça"))
    assert not refuses(clean("et combien ça coûte"))


def test_two_readings_are_weighed_and_rejected_doors_are_out() -> None:
    both = mixed([(0.5, {"a": 0.8, "b": 0.2}), (0.5, {"b": 1.0})])
    assert both == {"a": pytest.approx(0.4), "b": pytest.approx(0.6)}
    assert mixed([(0.5, {"a": 0.8, "b": 0.2}), (0.5, {"b": 1.0})], ["b"]) == {"a": pytest.approx(1.0)}


def test_wordings_tell_another_request() -> None:
    weights = {"": -1.0, "au fait": 3.0, "fait": 1.0}
    assert wordings(clean("Au fait, et ma paie ?")) >= {"au fait", "ma paie", "paie"}
    assert opening(clean("au fait, ma paie"), weights) == pytest.approx(3 / 4)
    assert opening(clean("c'est long"), weights) == pytest.approx(-1 / 4)
    assert opening(clean("c'est long"), {}) == 0.0


def test_each_feature_has_its_name() -> None:
    reading = Reading({}, {"titres": 0.9}, {}, {}, 0.1)
    values = features(clean("et pour ma femme ?"), reading, reading, {"titres"}, asked=True, told=(-0.5, 0.3), nothing=0.2)
    named = dict(zip(FEATURES, values, strict=True))
    assert (
        named["tournure"] == -0.5
        and named["tournure_retour"] == 0.3
        and named["sans_demande_seul"] == 0.2
        and named["question"] == 1.0
        and named["meme_service"] == 1.0
        and named["liaison"] == 1.0
    )
    assert all(-1 <= value <= 1 for value in values)


def test_shares_add_up_and_a_way_without_weights_is_not_taken() -> None:
    weights = {JOINED: (1.0, 0.0), BACK: (3.0, 1.0)}
    alone, joined, kept_, back = shares(weights, [(JOINED, (0.0, 1.0)), (KEPT, (1.0, 1.0)), (BACK, (0.0, 0.0))])
    assert alone == pytest.approx(joined) == pytest.approx(back) == pytest.approx(1 / 3, abs=1e-6) and kept_ < 1e-9
    assert not fits(weights) and not fits({}) and fits(always(JOINED))


def test_words_shared_with_an_earlier_request_count() -> None:
    reading = Reading({"passeport": 0.6}, {"titres": 0.9}, {}, {}, 0.1)
    told = about(clean("bon, et la cantine du petit ?"), reading, "mairie", "ecole", "inscrire mon fils à la cantine")
    assert told["mots_communs"] > 0 and told["service_seul"] < 0
    assert about(clean("et le permis ?"), reading, "titres", "passeport", "la cantine")["mots_communs"] == 0


def with_ways(router: Router, weights: Weights) -> Router:
    model: Any = router.model
    return router.with_model(model, replace(router.decider.thresholds, contexte=weights))


def test_a_message_is_read_with_the_request_before_when_it_goes_on(make_router) -> None:  # type: ignore[no-untyped-def]
    joined = {"permis_inscription": 0.95}
    router = make_router({"permis. le duplicata": joined, "permis le duplicata": joined, "le duplicata": {"passeport": 0.95}})
    before = Before("permis")
    goes_on = with_ways(router, always(JOINED)).route("le duplicata", before=before)
    assert [d.sujet for d in goes_on.destinations][:1] == ["permis_inscription"] and "permis" in goes_on.read
    alone = with_ways(router, always("")).route("le duplicata", before=before)
    assert alone.read == "" and "permis_inscription" not in {d.sujet for d in alone.destinations[:1]}


def test_what_goes_on_is_no_chat(make_router) -> None:  # type: ignore[no-untyped-def]
    joined = {"permis_inscription": 0.95}
    router = make_router({"permis. il recommence": joined, "permis il recommence": joined, "il recommence": {"bavardage": 0.95}})
    before = Before("permis")
    assert with_ways(router, always(JOINED)).route("il recommence", before=before).destinations[0].sujet == "permis_inscription"
    assert with_ways(router, always("")).route("il recommence", before=before).acte == "bavardage"


def test_a_follow_up_without_a_door_answers_our_question(make_router) -> None:  # type: ignore[no-untyped-def]
    joined = {"permis_perdu_vole_abime": 0.95}
    router = make_router({"permis. on me l'a vole": joined, "permis on me l a vole": joined, "vole": {"demander_perte": 0.95}})
    router = with_ways(router, always(""))
    asked = Before("permis", choices=("permis_inscription", "permis_construire"))
    assert [d.sujet for d in router.route("on me l'a volé", before=asked).destinations] == ["permis_perdu_vole_abime"]
    proposed = replace(asked, choices=("permis_perdu_vole_abime", "permis_construire"))
    assert router.route("on me l'a volé", before=proposed).acte == "demander_perte"
    assert router.route("on me l'a volé", before=Before("permis", "permis_inscription")).acte == "demander_perte"


def test_the_door_given_stays_or_an_earlier_one_comes_back(make_router) -> None:  # type: ignore[no-untyped-def]
    router = make_router({"je suis étudiante": {"bourse_etudiante": 0.95}, "et pour le toit": {"permis_construire": 0.4}})
    before = Before("mon passeport", "passeport", earlier=(("permis_construire", "refaire mon toit"),))
    stays = with_ways(router, always(KEPT)).route("je suis étudiante", before=before)
    assert stays.destinations[0].sujet == "passeport" and stays.read == "mon passeport" and not stays.back
    returned = with_ways(router, always(BACK)).route("et pour le toit", before=before)
    assert returned.destinations[0].sujet == returned.back == "permis_construire" and returned.read == "refaire mon toit"
    asked = replace(before, choices=("passeport", "permis_inscription"))
    assert "passeport" not in {door.sujet for door in with_ways(router, always(KEPT)).route("je suis étudiante", before=asked).destinations}


@pytest.mark.parametrize("way", [JOINED, KEPT])
def test_what_is_set_aside_is_no_request_and_no_door(make_router, way: str) -> None:  # type: ignore[no-untyped-def]
    said = "non pas le passeport, la carte d'identité"
    router = with_ways(make_router({said: {"passeport": 0.6, "carte_identite": 0.3}}), always(way))
    (heard,) = router.understand([router.hear(said)])
    read = router.in_context(heard, Before("mon passeport", "passeport"))
    assert "passeport" not in read.text.plain
    assert read.understanding is not None and read.understanding.probabilities.get("passeport", 0.0) == 0.0


def test_a_question_is_answered_for_the_door_gone_back_to(make_router) -> None:  # type: ignore[no-untyped-def]
    router = make_router(
        {
            "refaire mon passeport": {"passeport": 0.99},
            "refaire mon toit": {"permis_construire": 0.99},
            "combien de temps pour ça": {"demander_delai": 0.95},
        }
    )
    talk = Dialogue(with_ways(router, always(BACK)))
    state = talk.reply("refaire mon toit", ConversationState()).state
    state = Dialogue(with_ways(router, always(""))).reply("refaire mon passeport", state).state
    assert state.destination == "passeport" and [door for door, _ in state.earlier] == ["permis_construire"]
    turn = talk.reply("combien de temps pour ça", state)
    assert turn.state.destination == "permis_construire" and [door for door, _ in turn.state.earlier] == ["passeport"]
    assert turn.reply.cards and turn.decision is not None and turn.decision.back == "permis_construire"


def test_a_door_said_to_be_wrong_is_not_gone_back_to(make_router) -> None:  # type: ignore[no-untyped-def]
    talk = Dialogue(make_router({"passeport": {"passeport": 0.99}}))
    state = talk.reply("passeport", ConversationState()).state
    assert talk.choose("autre_porte", state).state.earlier == ()


def test_the_ways_and_the_wordings_are_learnt(make_router) -> None:  # type: ignore[no-untyped-def]
    router = make_router({"passeport": {"passeport": 0.95}, "construire": {"permis_construire": 0.95}, "": {}})
    topics = router.referential.topics
    went_on = [
        {"avant": f"{n} mon passeport", "texte": f"c'est long le passeport {n}", "genre": "suite", "service": topics["passeport"].service}
        for n in "abcdefgh"
    ]
    works = topics["permis_construire"].service
    opened = [{"avant": f"{n} mon passeport", "texte": f"au fait construire {n}", "genre": "nouveau", "service": works} for n in "abcdefgh"]
    earlier = [{"demande": "construire", "service": works}]
    resumed = [
        {"avant": f"{n} mon passeport", "texte": f"revenons au toit {n}", "genre": "retour", "service": works, "fils": earlier}
        for n in "abcdefgh"
    ]
    decider = Decider(router.referential, Thresholds())
    weights, told = fit_context(router.model, decider, [*went_on, *opened, *resumed])
    assert fits(weights) and set(weights) == set(OWN)
    assert opening(clean("au fait, autre chose"), told[NEW]) > 0 > opening(clean("c'est long"), told[NEW])
    assert opening(clean("revenons au toit"), told[BACK]) > 0 > opening(clean("c'est long"), told[BACK])
    assert fit_context(router.model, decider, []) == ({}, {})
