"""The traps and the partners' requests of the brief: every emergency caught, nearly every door found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.emergency.detector import EmergencyDetector
from bot.learning.corpus import read_jsonl
from bot.routing.router import Router
from bot.routing.types import DecisionKind, RoutingDecision

DATA = Path(__file__).parent / "data"
FILES = ("pieges", "partenaires")
ROWS: dict[str, list[dict[str, Any]]] = {name: [dict(r) for r in read_jsonl(DATA / f"{name}.jsonl")] for name in FILES}
EMERGENCIES = [r for name in FILES for r in ROWS[name] if r["urgence"]]
MIN_SHARE = 0.9


def acceptable(row: dict[str, Any], decision: RoutingDecision) -> bool:
    """Whether a door the row accepts was given, or is among the choices of the question."""
    return any(
        door.dis == wanted["dis"] and wanted.get("service") in {None, door.service}
        for door in decision.destinations
        for wanted in row["attendus"]
    )


def test_the_sets_are_whole() -> None:
    assert [r["id"] for r in ROWS["pieges"]] == [f"P{n:02d}" for n in range(1, 91)]
    assert len(ROWS["partenaires"]) == 60
    assert EMERGENCIES
    for row in (*ROWS["pieges"], *ROWS["partenaires"]):
        assert row["urgence"] or row["attendus"], row["id"]


@pytest.mark.modele
@pytest.mark.parametrize("row", EMERGENCIES, ids=lambda r: r["id"])
def test_every_emergency_is_caught_without_the_topic_model(row: dict[str, Any], learnt_detector: EmergencyDetector) -> None:
    found = learnt_detector.detect(row["texte"])
    assert found, row["texte"]
    assert found.numeros[0] in row["numeros"]


@pytest.mark.modele
@pytest.mark.parametrize("row", [r for name in FILES for r in ROWS[name] if not r["urgence"]], ids=lambda r: r["id"])
def test_nothing_else_raises_the_alarm(row: dict[str, Any], learnt_detector: EmergencyDetector) -> None:
    assert learnt_detector.detect(row["texte"]) is None


@pytest.mark.modele
@pytest.mark.parametrize("row", EMERGENCIES, ids=lambda r: r["id"])
def test_every_emergency_is_routed_first(row: dict[str, Any], router: Router) -> None:
    decision = router.route(row["texte"])
    assert decision.decision is DecisionKind.URGENCE
    assert set(decision.urgence) & set(row["numeros"])


@pytest.mark.modele
@pytest.mark.parametrize("name", FILES)
def test_nearly_every_door_is_found(name: str, router: Router) -> None:
    rows = [r for r in ROWS[name] if not r["urgence"]]
    decisions = [d for i in range(0, len(rows), 32) for d in router.route_many([r["texte"] for r in rows[i : i + 32]])]
    failures = [
        f"{row['id']} « {row['texte']} » : {decision.decision.value} {[(d.dis, d.service) for d in decision.destinations]}"
        for row, decision in zip(rows, decisions, strict=True)
        if not acceptable(row, decision)
    ]
    share = 1 - len(failures) / len(rows)
    assert share >= MIN_SHARE, f"{share:.1%} ({len(failures)} échecs sur {len(rows)}) :\n" + "\n".join(failures)
