"""A small learnt judgement gives a probability, and travels through JSON."""

from __future__ import annotations

import json

import pytest

from bot.routing.scorer import Scorer

ONE = Scorer(((((2.0, -1.0),), (0.5,)),))
TWO = Scorer(((((1.0, 0.0), (-1.0, 0.0)), (0.0, 0.0)), (((3.0, 1.0),), (-1.0,))))


def test_one_layer_is_a_logistic_regression() -> None:
    assert ONE.probability((0.25, 1.0)) == pytest.approx(0.5)
    assert ONE.probability((10.0, 0.0)) > 0.99


def test_units_under_nothing_count_for_nothing() -> None:
    assert TWO.probability((1.0, 9.0)) == pytest.approx(1 / (1 + 2.718281828**-2))
    assert TWO.probability((-1.0, 9.0)) == pytest.approx(0.5)


@pytest.mark.parametrize("scorer", [ONE, TWO, Scorer()])
def test_it_travels(scorer: Scorer) -> None:
    assert Scorer.from_lists(json.loads(json.dumps(scorer.as_lists()))) == scorer


def test_it_takes_what_it_was_learnt_for() -> None:
    assert ONE.takes(2) and not ONE.takes(3) and not Scorer().takes(0)


@pytest.mark.parametrize("broken", [3, [1.0, 2.0], [[["a"]]]])
def test_what_is_no_judgement_is_refused(broken: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        Scorer.from_lists(broken)
