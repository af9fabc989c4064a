"""A message read with what was said before: the words that set a door aside, the two readings, the share that weighs them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.language.cleaning import clean
from bot.learning.judgements import fit_context
from bot.routing.context import FEATURES, Before, features, kept, mixed, opening, refuses, wordings
from bot.routing.decision import Decider, Reading, Thresholds
from bot.routing.router import Router
from bot.routing.scorer import Scorer

JOINED, ALONE = Scorer(((((20.0, *[0.0] * (len(FEATURES) - 1)),), (0.0,)),)), Scorer(((((-20.0, *[0.0] * (len(FEATURES) - 1)),), (0.0,)),))
"""Shares that always, and never, read a message with the one before: only the constant counts."""


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
    both = mixed({"a": 0.8, "b": 0.2}, {"b": 1.0}, 0.5)
    assert both == {"a": pytest.approx(0.4), "b": pytest.approx(0.6)}
    assert mixed({"a": 0.8, "b": 0.2}, {"b": 1.0}, 0.5, ["b"]) == {"a": pytest.approx(1.0)}


def test_wordings_tell_another_request() -> None:
    weights = {"": -1.0, "au fait": 3.0, "fait": 1.0}
    assert wordings(clean("Au fait, et ma paie ?")) >= {"au fait", "ma paie", "paie"}
    assert opening(clean("au fait, ma paie"), weights) == pytest.approx(3 / 4)
    assert opening(clean("c'est long"), weights) == pytest.approx(-1 / 4)
    assert opening(clean("c'est long"), {}) == 0.0


def test_each_feature_has_its_name() -> None:
    reading = Reading({}, {"titres": 0.9}, {}, {}, 0.1)
    values = features(clean("et pour ma femme ?"), reading, reading, {"titres"}, asked=True, told=-0.5, nothing=0.2)
    named = dict(zip(FEATURES, values, strict=True))
    assert (
        named["tournure"] == -0.5
        and named["sans_demande_seul"] == 0.2
        and named["question"] == 1.0
        and named["meme_service"] == 1.0
        and named["liaison"] == 1.0
    )
    assert all(-1 <= value <= 1 for value in values)


def with_share(router: Router, share: Scorer) -> Router:
    model: Any = router.model
    return router.with_model(model, replace(router.decider.thresholds, contexte=share))


def test_a_message_is_read_with_the_request_before_when_it_goes_on(make_router) -> None:  # type: ignore[no-untyped-def]
    joined = {"permis_inscription": 0.95}
    router = make_router({"permis. le duplicata": joined, "permis le duplicata": joined, "le duplicata": {"passeport": 0.95}})
    before = Before("permis")
    goes_on = with_share(router, JOINED).route("le duplicata", before=before)
    assert [d.sujet for d in goes_on.destinations][:1] == ["permis_inscription"] and "permis" in goes_on.read
    alone = with_share(router, ALONE).route("le duplicata", before=before)
    assert alone.read == "" and "permis_inscription" not in {d.sujet for d in alone.destinations[:1]}


def test_what_goes_on_is_no_chat(make_router) -> None:  # type: ignore[no-untyped-def]
    joined = {"permis_inscription": 0.95}
    router = make_router({"permis. il recommence": joined, "permis il recommence": joined, "il recommence": {"bavardage": 0.95}})
    before = Before("permis")
    assert with_share(router, JOINED).route("il recommence", before=before).destinations[0].sujet == "permis_inscription"
    assert with_share(router, ALONE).route("il recommence", before=before).acte == "bavardage"


def test_the_share_and_the_wordings_are_learnt(make_router) -> None:  # type: ignore[no-untyped-def]
    router = make_router({"passeport": {"passeport": 0.95}, "construire": {"permis_construire": 0.95}, "": {}})
    topics = router.referential.topics
    went_on = [
        {"avant": f"{n} mon passeport", "texte": f"c'est long le passeport {n}", "genre": "suite", "service": topics["passeport"].service}
        for n in "abcdefgh"
    ]
    works = topics["permis_construire"].service
    opened = [{"avant": f"{n} mon passeport", "texte": f"au fait construire {n}", "genre": "nouveau", "service": works} for n in "abcdefgh"]
    share, weights = fit_context(router.model, Decider(router.referential, Thresholds()), [*went_on, *opened])
    assert share.takes(len(FEATURES))
    assert opening(clean("au fait, autre chose"), weights) > 0 > opening(clean("c'est long"), weights)
    assert fit_context(router.model, Decider(router.referential, Thresholds()), []) == (Scorer(), {})
