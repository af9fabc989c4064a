"""The figures of the report, on tables made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.base.errors import MissingTestSets
from bot.measure.evaluation import (
    OPTIONAL_SETS,
    SWEEP,
    TEST_SETS,
    Outcome,
    _vague,
    acceptance,
    by_length,
    certainty,
    emergencies,
    evaluate,
    labelled_rows,
    noise,
    pairs,
    read_test_sets,
    remembering,
    route_rows,
    summarise,
    trade_off,
)
from bot.measure.noise import NOISES
from bot.measure.reports import as_text
from bot.routing.router import Router
from bot.routing.types import DecisionKind, Destination, RoutingDecision

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
        (replace(ALARM_AND_DOOR, destinations=(WORKS, PASSPORT), question="?"), False, True, True, True),
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
    row = {**ROW, "sujet": "passeport"}
    report = summarise([Outcome(row, d) for d in (RIGHT, RIGHT, RIGHT, RIGHT, WRONG, ASKED, REFUSED, LOST, ALARM, DOOR_ONLY)])
    values = {k: v["valeur"] for k, v in report.items() if isinstance(v, dict) and "valeur" in v}
    assert values == {
        "dis_juste": 0.6,
        "dis_juste_d_emblee": 0.5,
        "service_juste": 0.5,
        "service_juste_d_emblee": 0.4,
        "sujet_juste": 0.8,
        "questions": 0.1,
        "mauvaises_portes": 0.1667,
        "portes_en_trop": 0.0,
        "demandes_refusees": 0.2,
        "fausses_urgences": 0.1,
    }
    assert report["messages"] == 10
    (line,) = report["par_service"].values()
    assert (line["messages"], line["dis_juste"]["nombre"], line["service_juste"]["nombre"]) == (10, 6, 5)
    assert (line["questions"], line["mauvaises_portes"], line["recus_a_tort"]) == (1, 1, 0)
    assert {(c["attendu"], c["donne"], c["messages"]) for c in report["confusions"]} == {
        ("titres", "equipement_agriculture", 1),
        ("titres", "population (tous)", 1),
    }


def test_a_service_counts_what_it_received_for_others() -> None:
    works_row = {"texte": "y", "dis": "territoire", "service": "equipement_agriculture"}
    lines = summarise([Outcome(ROW, WRONG), Outcome(ROW, WRONG), Outcome(works_row, WRONG), Outcome(works_row, RIGHT)])["par_service"]
    assert (lines["equipement_agriculture"]["recus_a_tort"], lines["titres"]["recus_a_tort"]) == (2, 1)


def test_lengths_are_apart() -> None:
    rows = [{**ROW, "texte": " ".join(["mot"] * n)} for n in (1, 12, 13, 30, 31, 200)]
    table = by_length([Outcome(r, RIGHT if i % 2 else WRONG) for i, r in enumerate(rows)])
    assert [(t["messages"], t["dis_juste"]["valeur"]) for t in table.values()] == [(2, 0.5)] * 3


def test_nothing_to_summarise() -> None:
    report = summarise([])
    assert report["messages"] == 0
    assert report["dis_juste"]["valeur"] is None


# The whole report

TABLE = {
    "passeport": {"passeport": 0.95},
    "construire": {"permis_construire": 0.95},
    "hesite": {"permis_construire": 0.5, "passeport": 0.5},
}
SETS: dict[str, list[dict[str, Any]]] = {
    "demandes_1.jsonl": [
        {"id": "1", "texte": "mon passeport", "dis": "population", "service": "titres"},
        {"id": "2", "texte": "je veux construire là", "dis": "population", "service": "titres"},
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
    "flou_1.jsonl": [
        {"id": "7", "texte": "j'hésite", "plausibles": ["population/titres"]},
        {"id": "8", "texte": "refaire le passeport de ma fille", "plausibles": ["population/titres"]},
    ],
    "hors_sujet_1.jsonl": [
        {"id": "9", "texte": "blague", "type": "blague"},
        {"id": "10", "texte": "passeport", "type": "autre"},
    ],
    "pieges.jsonl": [
        {"id": "P1", "texte": "passeport", "attendus": [{"dis": "population", "service": None}], "urgence": False},
        {"id": "P2", "texte": "je veux construire là", "attendus": [{"dis": "population"}, {"dis": "securite"}], "urgence": False},
        {"id": "P3", "texte": "j'hésite", "attendus": [{"dis": "population", "service": "titres"}], "urgence": False},
        {"id": "P4", "texte": "il y a le feu dans ma maison", "attendus": [], "urgence": True, "numeros": ["18", "112"]},
        {"id": "P5", "texte": "il y a le feu dans ma maison", "attendus": [], "urgence": True, "numeros": ["115"]},
    ],
    "partenaires.jsonl": [
        {
            "id": "M1",
            "texte": "je veux construire là",
            "attendus": [{"dis": "territoire", "service": "equipement_agriculture"}],
            "urgence": False,
        }
    ],
    "urgences_aveugles_1.jsonl": [
        {"id": "u1", "texte": "il y a le feu dans ma maison", "urgence": True, "numeros": ["18"], "situation": "incendie"},
        {"id": "u2", "texte": "passeport", "urgence": True, "numeros": ["18"], "situation": "incendie"},
        {"id": "u3", "texte": "il y a le feu dans ma maison", "urgence": True, "numeros": ["115"]},
        {"id": "n1", "texte": "passeport", "urgence": False, "genre": "sosie"},
        {"id": "n2", "texte": "je veux construire là", "urgence": False, "genre": "ordinaire"},
    ],
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
    assert (report["multi"]["deux_portes"]["valeur"], report["multi"]["au_moins_une"]["valeur"]) == (0.5, 1.0)
    assert report["flou"]["question_posee"]["valeur"] == 0.5
    assert report["flou"]["choix_plausible"]["valeur"] == 1.0
    assert report["hors_sujet"]["reconnus"]["valeur"] == 0.5
    assert report["hors_sujet"]["manques"] == ["passeport"]
    assert {k: v["valeur"] for k, v in report["hors_sujet"]["par_type"].items()} == {"blague": 1.0, "autre": 0.0}
    assert report["bruit"]["propre"]["dis_juste"]["valeur"] == 0.5
    assert set(report["bruit"]) == {"propre", *NOISES}
    assert "paires" not in report


@pytest.mark.parametrize(
    ("plausible", "right"),
    [("population/titres", 1), ("population/action_sociale", 0), ("territoire/equipement_agriculture", 1), ("securite/titres", 0)],
)
def test_a_plausible_choice_names_the_service_or_its_delegation(plausible: str, right: int) -> None:
    works = Destination("territoire", None, None, 0.4)
    asked = RoutingDecision(DecisionKind.CLARIFIER, (PASSPORT, works), question="?")
    figure = _vague([Outcome({"texte": "x", "plausibles": [plausible]}, asked)])["choix_plausible"]
    assert (figure["nombre"], figure["messages"]) == (right, 1)


def test_a_door_with_others_beside_it_leaves_the_choice_open() -> None:
    works = Destination("territoire", "equipement_agriculture", None, 0.4)
    given = RoutingDecision(DecisionKind.ORIENTER, (PASSPORT,), offered=(works,))
    report = _vague([Outcome({"texte": "x", "plausibles": ["territoire/equipement_agriculture"]}, given)])
    assert report["question_posee"]["valeur"] == report["choix_plausible"]["valeur"] == 1.0


def test_conversations_are_held_turn_by_turn(fake: Router, folder: Path) -> None:
    door = {"dis": "population", "service": "titres"}
    turns = [
        {"texte": "passeport", "genre": "ouverture", "porte": door},
        {"texte": "merci", "genre": "remerciement", "porte": door},
        {"texte": "je veux construire là", "genre": "nouveau", "porte": {"dis": "territoire", "service": "equipement_agriculture"}},
    ]
    wrong = [{"texte": "passeport", "genre": "ouverture", "porte": {"dis": "securite", "service": "armes"}}]
    vague = [{"texte": "passeport", "genre": "ouverture_vague", "porte": None}]
    rows = [{"id": str(i), "tours": t} for i, t in enumerate((turns, wrong, vague))]
    (folder / "conversations").mkdir()
    (folder / "conversations" / "1.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    report = evaluate(fake, folder)
    found = report["conversations"]
    assert found["conversations"] == 3
    assert (found["dernier_tour_juste"]["nombre"], found["dernier_tour_juste"]["messages"]) == (1, 2)
    assert found["genres"]["remerciement"]["juste"]["valeur"] == 1.0
    assert found["genres"]["ouverture"]["juste"]["valeur"] == 0.5
    assert "### Les conversations" in as_text(report)


def test_the_report_can_be_written_as_json(fake: Router, folder: Path) -> None:
    assert json.loads(json.dumps(evaluate(fake, folder)))["demandes"]["messages"] == 4


def test_traps_accept_any_of_their_doors(fake: Router, folder: Path) -> None:
    report = acceptance(fake, read_test_sets(folder)["pieges"])
    assert report["messages"] == 5
    assert (report["porte_acceptable"]["nombre"], report["porte_acceptable"]["messages"]) == (2, 3)
    assert report["questions"]["nombre"] == 1
    assert (report["mauvaises_portes"]["nombre"], report["mauvaises_portes"]["messages"]) == (1, 2)
    assert (report["urgences_vues"]["nombre"], report["urgences_vues"]["messages"]) == (1, 2)
    assert report["manques"] == [{"id": "P2", "texte": "je veux construire là"}]


def test_emergencies_caught_and_false_alarms(fake: Router, folder: Path) -> None:
    sets = read_test_sets(folder)
    report = emergencies(fake, sets)
    assert (report["vues"]["nombre"], report["vues"]["messages"]) == (2, 3)
    assert (report["bon_numero"]["nombre"], report["bon_numero"]["messages"]) == (1, 2)
    assert {k: v["nombre"] for k, v in report["par_situation"].items()} == {"incendie": 1, "?": 1}
    assert report["manquees"] == ["u2"]
    assert {k: v["valeur"] for k, v in report["fausses_alertes"].items()} == {"ordinaire": 0.0, "sosie": 0.0}
    assert report["fausses_alertes_demandes"]["valeur"] == 0.0
    alarming = emergencies(fake, sets, lambda _text: "il y a le feu dans ma maison")
    assert {k: v["valeur"] for k, v in alarming["fausses_alertes"].items()} == {"ordinaire": 1.0, "sosie": 1.0}
    assert alarming["fausses_alertes_demandes"]["valeur"] == 1.0


def test_each_pair_has_its_line(fake: Router) -> None:
    works = {"dis": "territoire", "service": "equipement_agriculture"}
    rows = [
        {"texte": "passeport", **ROW, "paire": "titres / travaux"},
        {"texte": "je veux construire là", **works, "paire": "titres / travaux"},
        {"texte": "passeport", **works, "paire": "titres / travaux"},
        {"texte": "j'hésite", **works, "paire": "autre"},
    ]
    rows[0]["texte"] = "passeport"
    report = pairs(route_rows(fake, rows))
    assert list(report) == ["autre", "titres / travaux"]
    assert report["titres / travaux"]["service_juste"]["valeur"] == 0.6667
    assert {k: (v["nombre"], v["messages"]) for k, v in report["titres / travaux"]["cotes"].items()} == {
        "equipement_agriculture": (1, 2),
        "titres": (1, 1),
    }
    assert report["autre"]["service_juste"]["valeur"] == 1.0
    assert report["autre"]["service_juste_d_emblee"]["valeur"] == 0.0


def test_pairs_are_reported_when_their_file_is_there(fake: Router, folder: Path) -> None:
    row = {"id": "x", "texte": "passeport", "dis": "population", "service": "titres", "paire": "a / b"}
    (folder / "paires.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert evaluate(fake, folder)["paires"]["a / b"]["service_juste"]["valeur"] == 1.0


@pytest.mark.parametrize("name", TEST_SETS)
def test_a_missing_set_is_named_in_french(name: str, folder: Path) -> None:
    for path in folder.glob(TEST_SETS[name]):
        path.unlink()
    with pytest.raises(MissingTestSets, match="Il manque des messages d'essai") as caught:
        read_test_sets(folder)
    assert TEST_SETS[name] in str(caught.value)
    assert len(caught.value.problems) == 1


def test_an_empty_folder_names_every_set_at_once(fake: Router, tmp_path: Path) -> None:
    with pytest.raises(MissingTestSets) as caught:
        evaluate(fake, tmp_path)
    assert len(caught.value.problems) == len(TEST_SETS)
    assert not any(p in str(caught.value) for p in OPTIONAL_SETS.values())


# Asking or answering


def test_a_stricter_threshold_asks_more(fake: Router, folder: Path) -> None:
    table = trade_off(fake, read_test_sets(folder)["demandes"])
    assert [row["seuil"] for row in table] == sorted({*SWEEP, fake.decider.thresholds.dis})
    assert [row["livre"] for row in table].count(True) == 1
    asked = [row["questions"]["valeur"] for row in table]
    assert asked == sorted(asked)
    # 0.5 for two doors: answered below that threshold, asked above; 0.95 for the others, less the acts' share.
    lenient, strict = table[0], table[-1]
    assert (lenient["questions"]["nombre"], strict["questions"]["nombre"]) == (1, 3)
    assert lenient["juste_d_emblee"]["nombre"] + lenient["mauvaises_portes"]["nombre"] == 2
    assert strict["mauvaises_portes"]["valeur"] is None


def test_certainty_by_hand(fake: Router, folder: Path) -> None:
    rows = read_test_sets(folder)["demandes"]
    report = certainty(fake, route_rows(fake, rows))
    assert report["point"] == {"seuil": 0.7, "couverture": 0.5, "risque": 0.5}
    sure = report["delegation"]["classes"][-1]
    assert (sure["messages"], sure["justesse"]["nombre"]) == (2, 1)
    two = certainty(fake, route_rows(fake, rows[:2]))["courbe"]["points"]
    assert two[-1]["couverture"] == 1.0
    assert two[-1]["risque"] == 0.5


def test_a_text_is_understood_once(make_router) -> None:  # type: ignore[no-untyped-def]
    router = make_router(TABLE)
    fast = remembering(router)
    rows = [{**ROW, "texte": "passeport"}, {**ROW, "texte": "construire"}, {**ROW, "texte": "passeport"}]
    assert [o.decision for o in route_rows(fast, rows)] == [o.decision for o in route_rows(router, rows)]
    before = len(router.model.seen)
    route_rows(fast, rows)
    assert len(router.model.seen) == before
    assert remembering(fast) is fast


def test_noise_is_compared_message_by_message(fake: Router, folder: Path) -> None:
    report = noise(fake, read_test_sets(folder))
    assert report["capitales"]["baisse"] == {"valeur": 0.0, "bas": 0.0, "haut": 0.0}
    assert report["capitales"]["urgences_vues"]["nombre"] == 2


def test_rows_are_routed_in_order_and_in_batches(fake: Router) -> None:
    rows = [{**ROW, "id": i, "texte": "passeport" if i % 3 else "construire"} for i in range(150)]
    outcomes = route_rows(fake, rows)
    assert [o.row["id"] for o in outcomes] == list(range(150))
    assert [o.right_dis for o in outcomes] == [bool(i % 3) for i in range(150)]


def test_files_are_read_in_order(folder: Path) -> None:
    (folder / "demandes_0.jsonl").write_text('{"texte": "avant", "id": "0"}\n', encoding="utf-8")
    assert [r["id"] for r in labelled_rows(folder, "demandes_*.jsonl")] == ["0", "1", "2", "3", "4"]
    assert labelled_rows(folder, "rien_*.jsonl") == []
