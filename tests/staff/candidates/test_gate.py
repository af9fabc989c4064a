"""The gate, on a hand-made table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.staff.candidates.gate import Figures, Margins, judge

LIVE = Figures(
    emergencies=0.98,
    wrong_doors=0.02,
    out_of_scope=0.95,
    services={"titres": (0.9, 200), "moyen": (0.9, 40), "petit": (0.9, 4)},
    topics={"passeport": (4, 5)},
    false_alarms=3,
    missed=2,
)
MARGINS = Margins(wrong_doors=0.5, worst_service=3.0, out_of_scope=2.0, min_messages=10)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"emergencies": 0.99}, None),
        ({"emergencies": 0.9799}, "urgences"),
        ({"wrong_doors": 0.025}, None),
        ({"wrong_doors": 0.0251}, "mauvaises portes"),
        ({"wrong_doors": 0.0}, None),
        ({"services": {"titres": (0.87, 200), "petit": (0.9, 4)}}, None),
        ({"services": {"titres": (0.869, 200), "petit": (0.9, 4)}}, "Les titres"),
        ({"services": {"titres": (0.9, 200), "petit": (0.0, 4)}}, None),
        ({"services": {"titres": (0.9, 200), "moyen": (0.85, 40)}}, None),
        ({"services": {"titres": (0.9, 200), "moyen": (0.825, 40)}}, "moyen"),
        ({"services": {"titres": (0.9, 50), "nouveau": (0.0, 40)}}, None),
        ({"false_alarms": 4}, "fausses alertes"),
        ({"missed": 3}, "urgences manquées"),
        ({"false_alarms": 2, "missed": 1}, None),
        ({"topics": {"passeport": (2, 5)}}, "se perd"),
        ({"topics": {"passeport": (3, 5)}}, None),
        ({"out_of_scope": 0.93}, None),
        ({"out_of_scope": 0.929}, "sans demande"),
    ],
)
def test_each_rule_at_its_edge(change: dict[str, Any], said: str | None) -> None:
    verdict = judge(LIVE, replace(LIVE, **change), MARGINS, {"titres": "Les titres"})
    assert verdict.open is (said is None)
    assert [said in r for r in verdict.reasons] == ([True] if said else [])


def test_every_reason_is_given_with_both_figures() -> None:
    worse = Figures(emergencies=0.9, wrong_doors=0.1, out_of_scope=0.5, services={"titres": (0.1, 50)})
    verdict = judge(LIVE, worse, MARGINS)
    assert len(verdict.reasons) == 4
    assert "10,0 % au lieu de 2,0 %" in " ".join(verdict.reasons) and "0,5 point." in " ".join(verdict.reasons)


def test_margins_are_those_given() -> None:
    worse = replace(LIVE, wrong_doors=0.06)
    assert not judge(LIVE, worse, MARGINS).open
    assert judge(LIVE, worse, replace(MARGINS, wrong_doors=4.0)).open
