"""The figures of the report, on tables made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.evaluation import (
    NOISES,
    Outcome,
    evaluate,
    labelled_rows,
    noise,
    polite,
    route_rows,
    run_on,
    sms,
    summarise,
    typing_errors,
    with_interval,
)
from bot.reports import as_text, percent, write_errors
from bot.router import Router
from bot.types import DecisionKind, Destination, RoutingDecision

PASSPORT = Destination("population", "titres", "passeport", 0.9)
WORKS = Destination("territoire", "equipement_agriculture", "permis_construire", 0.9)
RIGHT = RoutingDecision(DecisionKind.ORIENTER, (PASSPORT,))
WRONG = RoutingDecision(DecisionKind.ORIENTER, (WORKS,))
ASKED = RoutingDecision(DecisionKind.CLARIFIER, (WORKS, PASSPORT), question="?")
REFUSED = RoutingDecision(DecisionKind.HORS_SUJET, acte="bavardage")
LOST = RoutingDecision(DecisionKind.INCOMPRIS)
ALARM = RoutingDecision(DecisionKind.URGENCE, urgence=("18",))
ALARM_AND_DOOR = RoutingDecision(DecisionKind.URGENCE, (PASSPORT,), urgence=("18",))
DOOR_ONLY = RoutingDecision(DecisionKind.ORIENTER, (Destination("population", None, None, 0.9),))
ROW: dict[str, Any] = {"texte": "x", "dis": "population", "service": "titres"}


@pytest.mark.parametrize(
    ("decision", "answered", "asked", "dis", "service"),
    [
        (RIGHT, True, False, True, True),
        (WRONG, True, False, False, False),
        (ASKED, False, True, True, True),
        (REFUSED, False, False, False, False),
        (LOST, False, False, False, False),
        (ALARM, False, False, False, False),
        (ALARM_AND_DOOR, True, False, True, True),
        (DOOR_ONLY, True, False, True, False),
        (RoutingDecision(DecisionKind.ORIENTER, (WORKS, PASSPORT)), True, False, False, False),
    ],
)
def test_one_outcome(decision: RoutingDecision, answered: bool, asked: bool, dis: bool, service: bool) -> None:
    outcome = Outcome(ROW, decision)
    assert (outcome.answered, outcome.asked, outcome.right_dis, outcome.right_service) == (answered, asked, dis, service)


def test_a_label_without_a_service_accepts_any() -> None:
    assert Outcome({"texte": "x", "dis": "population", "service": None}, DOOR_ONLY).right_service
    assert Outcome({"texte": "x", "dis": "population"}, RIGHT).right_service


def test_summary_by_hand() -> None:
    report = summarise([Outcome(ROW, d) for d in (RIGHT, RIGHT, RIGHT, RIGHT, WRONG, ASKED, REFUSED, LOST, ALARM, DOOR_ONLY)])
    values = {k: v["valeur"] for k, v in report.items() if isinstance(v, dict) and "valeur" in v}
    assert values == {
        "dis_juste": 0.6,
        "service_juste": 0.5,
        "questions": 0.1,
        "mauvaises_portes": 0.1667,
        "demandes_refusees": 0.2,
        "fausses_urgences": 0.1,
    }
    assert report["messages"] == 10
    assert report["par_service"] == {"titres": {"messages": 10, "dis_juste": 6, "service_juste": 5, "questions": 1, "mauvaises_portes": 1}}
    assert {(c["attendu"], c["donne"], c["messages"]) for c in report["confusions"]} == {
        ("titres", "equipement_agriculture", 1),
        ("titres", "population", 1),
    }


def test_nothing_to_summarise() -> None:
    assert summarise([]) == {"messages": 0}


@pytest.mark.parametrize(("values", "mean"), [([], 0.0), ([True], 1.0), ([False], 0.0), ([True, False], 0.5)])
def test_intervals_hold_the_mean(values: list[bool], mean: float) -> None:
    figure = with_interval(values)
    assert figure["valeur"] == mean
    assert 0 <= figure["bas"] <= mean <= figure["haut"] <= 1


def test_intervals_shrink_with_more_messages_and_never_move() -> None:
    few, many = with_interval([True, False] * 10), with_interval([True, False] * 1_000)
    assert many["haut"] - many["bas"] < few["haut"] - few["bas"]
    assert with_interval([True, False] * 10) == few
    assert 0.25 <= few["bas"] <= 0.35
    assert 0.65 <= few["haut"] <= 0.75


# Noise


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("text", ["", "a", "je veux refaire mon passeport, c'est pour dans un mois !", "🙂", "été " * 50])
def test_noise_is_fixed_and_keeps_a_string(name: str, text: str) -> None:
    assert NOISES[name](text) == NOISES[name](text)
    assert isinstance(NOISES[name](text), str)


def test_noises() -> None:
    text = "Je veux refaire mon passeport, c'est pour quoi ? J'ai attendu longtemps dans votre service administratif"
    assert "," not in run_on(text) and "?" not in run_on(text)
    assert text in polite(text)
    assert sms("J'ai perdu, c'est pour quoi") == "g perdu, c pr koi"
    noisy = typing_errors(" ".join([text] * 5))
    assert noisy != " ".join([text] * 5)
    assert len(noisy.split(" ")) == 5 * len(text.split(" "))


# The whole report

TABLE = {
    "passeport": {"passeport": 0.95},
    "construire": {"permis_construire": 0.95},
    "hesite": {"permis_construire": 0.5, "passeport": 0.5},
}
SETS: dict[str, list[dict[str, Any]]] = {
    "demandes_1.jsonl": [
        {"id": "1", "texte": "mon passeport", "dis": "population", "service": "titres"},
        {"id": "2", "texte": "construire", "dis": "population", "service": "titres"},
        {"id": "3", "texte": "j'hésite", "dis": "population", "service": "titres"},
        {"id": "4", "texte": "blague", "dis": "population", "service": "titres"},
    ],
    "multi_1.jsonl": [
        {
            "id": "5",
            "texte": "refaire le passeport de ma fille. Et sinon je veux construire un abri",
            "attendus": [{"dis": "population"}, {"dis": "territoire"}],
        },
        {"id": "6", "texte": "refaire le passeport de ma fille", "attendus": [{"dis": "population"}, {"dis": "territoire"}]},
    ],
    "flou_1.jsonl": [{"id": "7", "texte": "j'hésite"}, {"id": "8", "texte": "passeport"}],
    "hors_sujet_1.jsonl": [{"id": "9", "texte": "blague"}, {"id": "10", "texte": "passeport"}],
}


@pytest.fixture(scope="module")
def fake(make_router) -> Router:  # type: ignore[no-untyped-def]
    return make_router(TABLE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, rows in SETS.items():
        (tmp_path / name).write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return tmp_path


def test_the_report_by_hand(fake: Router, folder: Path) -> None:
    report = evaluate(fake, folder)
    assert report["demandes"]["messages"] == 4
    assert report["demandes"]["dis_juste"]["valeur"] == 0.5
    assert report["demandes"]["questions"]["valeur"] == 0.25
    assert report["demandes"]["mauvaises_portes"]["valeur"] == 0.5
    assert report["demandes"]["demandes_refusees"]["valeur"] == 0.25
    assert report["multi"] == {"messages": 2, "deux_portes": 0.5, "au_moins_une": 1.0}
    assert report["flou"] == {"messages": 2, "question_posee": 0.5}
    assert report["hors_sujet"]["reconnus"]["valeur"] == 0.5
    assert report["hors_sujet"]["manques"] == ["passeport"]
    assert report["bruit"]["propre"] == 0.5
    assert set(report["bruit"]) == {"propre", *NOISES}


def test_the_report_for_people(fake: Router, folder: Path) -> None:
    text = as_text(evaluate(fake, folder))
    assert "50,0 %" in text
    assert "| titres | 4 | 2 | 2 | 1 | 1 |" in text
    assert percent({"valeur": 0.5, "bas": 0.25, "haut": 0.755}) in {"50,0 % (25,0 à 75,5)"}


def test_the_errors_are_written_most_confident_first(fake: Router, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "erreurs.txt"
    write_errors(fake, folder, str(target))
    rows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [r["id"] for r in rows] == ["2", "4"]
    assert rows[0]["obtenu"]["destinations"][0]["service"] == "equipement_agriculture"


def test_rows_are_routed_in_order_and_in_batches(fake: Router) -> None:
    rows = [{**ROW, "id": i, "texte": "passeport" if i % 3 else "construire"} for i in range(150)]
    outcomes = route_rows(fake, rows)
    assert [o.row["id"] for o in outcomes] == list(range(150))
    assert [o.right_dis for o in outcomes] == [bool(i % 3) for i in range(150)]


def test_files_are_read_in_order(folder: Path) -> None:
    (folder / "demandes_0.jsonl").write_text('{"texte": "avant", "id": "0"}\n', encoding="utf-8")
    assert [r["id"] for r in labelled_rows(folder, "demandes_*.jsonl")] == ["0", "1", "2", "3", "4"]
    assert labelled_rows(folder, "rien_*.jsonl") == []


def test_no_message_no_noise(fake: Router) -> None:
    assert noise(fake, [])["propre"] == 0.0


@pytest.mark.xfail(
    strict=True,
    raises=KeyError,
    reason="bot/reports.py as_text : KeyError quand aucun fichier demandes_*.jsonl n'est là (BOT_RACINE sans tests)",
)
def test_a_report_on_nothing(fake: Router, tmp_path: Path) -> None:
    assert as_text(evaluate(fake, tmp_path))
