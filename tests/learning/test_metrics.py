"""Intervals, calibration and risk, worked out by hand."""

from __future__ import annotations

import pytest

from bot.learning.metrics import by_destination, paired_drop, proportion, reliability, risk_curve


def test_nothing_measured_has_no_value() -> None:
    assert proportion([]) == {"valeur": None, "bas": None, "haut": None, "nombre": 0, "messages": 0}
    assert paired_drop([], []) == {"valeur": None, "bas": None, "haut": None}


@pytest.mark.parametrize(
    ("true", "total", "low", "high"),
    # Worked values of the Wilson score interval (Newcombe 1998, method 3; 81 of 263 is his first example).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson(true: int, total: int, low: float, high: float) -> None:
    figure = proportion([True] * true + [False] * (total - true))
    assert (figure["bas"], figure["haut"]) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    assert figure["valeur"] == round(true / total, 4)
    assert (figure["nombre"], figure["messages"]) == (true, total)


@pytest.mark.parametrize("values", [[True], [False], [True, False], [True] * 50, [False] * 50, [True] * 49 + [False]])
def test_intervals_hold_the_share(values: list[bool]) -> None:
    figure = proportion(values)
    assert 0 <= figure["bas"] <= figure["valeur"] <= figure["haut"] <= 1


def test_a_drop_pairs_the_messages() -> None:
    before = [True] * 80 + [False] * 20
    assert paired_drop(before, before) == {"valeur": 0.0, "bas": 0.0, "haut": 0.0}
    drop = paired_drop(before, [True] * 70 + [False] * 30)
    assert drop["valeur"] == 0.1
    assert 0.03 < drop["bas"] < 0.1 < drop["haut"] < 0.17
    assert paired_drop([False] * 4, [True] * 4)["valeur"] == -1.0


def test_reliability_by_hand() -> None:
    report = reliability([0.95, 0.91, 0.15, 1.0], [True, False, False, True])
    assert [(p["bas"], p["messages"]) for p in report["classes"]] == [(0.1, 1), (0.9, 3)]
    assert report["classes"][1]["confiance"] == 0.9533
    assert report["classes"][1]["justesse"]["valeur"] == 0.6667
    assert report["ece"] == round(0.25 * 0.15 + 0.75 * (0.9533333 - 0.6666667), 4)


def test_risk_by_hand() -> None:
    curve = risk_curve([0.5, 0.9, 0.8, 0.7], [False, True, False, True])
    assert [(p["seuil"], p["couverture"], p["risque"]) for p in curve["points"]] == [
        (0.9, 0.25, 0.0),
        (0.8, 0.5, 0.5),
        (0.7, 0.75, 0.3333),
        (0.5, 1.0, 0.5),
    ]
    assert curve["aire"] == round((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4, 4)


def test_ties_are_answered_together() -> None:
    curve = risk_curve([0.9, 0.9, 0.5], [True, False, True])
    assert [(p["couverture"], p["risque"]) for p in curve["points"]] == [(0.6667, 0.5), (1.0, 0.3333)]
    assert risk_curve([], []) == {"aire": None, "points": []}
    assert len(risk_curve([i / 1000 for i in range(1000)], [True] * 1000, size=50)["points"]) == 50


def test_each_destination_has_its_own_threshold() -> None:
    names = ["a"] * 4 + ["b"] * 2
    table = by_destination(names, [0.9, 0.8, 0.7, 0.6, 0.9, 0.5], [True, True, False, True, False, True], 0.1)
    assert table["a"]["messages"] == 4
    assert table["a"]["confiance"] == 0.75
    assert table["a"]["justesse"]["valeur"] == 0.75
    assert table["a"]["seuil"] == 0.8
    assert table["b"]["seuil"] is None
