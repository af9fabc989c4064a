"""Figures of a comparison, on hand-made tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.learning.corpus import Example
from bot.referential import Referential
from bot.staff.candidates.candidate import held_back, without_phrases
from bot.staff.candidates.comparison import (
    NO_TESTS,
    NOT_COMPARED,
    compare,
    confusions,
    cross_validate,
    digest_of_tests,
    evaluate_model,
    figures_of,
    lessons_learnt,
    messages_behind,
    verdict_of,
)
from bot.staff.candidates.gate import Margins
from bot.understanding import encoders

TABLE = {
    "passeport": {"passeport": 0.97},
    "cafard": {"hygiene_restaurant_signalement": 0.97},
    "chien": {"passeport": 0.97},
    "coucou": {"saluer": 0.99},
}
ROWS = [
    {"id": "d1", "texte": "mon passeport est perdu", "dis": "population", "service": "titres"},
    {"id": "d2", "texte": "un passeport pour mon fils", "dis": "population", "service": None},
    {"id": "d3", "texte": "des cafards au restaurant", "dis": "territoire", "service": "veterinaire"},
    {"id": "d4", "texte": "un chien battu par son maître", "dis": "territoire", "service": "veterinaire"},
]


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    def write(name: str, rows: list[dict[str, Any]]) -> None:
        (tmp_path / name).write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")

    write("demandes_1.jsonl", ROWS)
    write("hors_sujet_1.jsonl", [{"id": "h1", "texte": "coucou"}, {"id": "h2", "texte": "un passeport pour la lune"}])
    urgent = [("u1", "au feu ma maison brûle", True), ("u2", "rien de spécial", True), ("u3", "rien", False)]
    write("urgences_aveugles_1.jsonl", [{"id": i, "texte": t, "urgence": urgent} for i, t, urgent in urgent])
    return tmp_path


@pytest.fixture
def evaluation(make_router: Any, tests: Path) -> dict[str, Any]:
    return evaluate_model(make_router(TABLE), tests)


def test_what_was_learnt_and_what_goes_elsewhere(make_router: Any) -> None:
    taught = {"passeport": ["mon passeport est perdu", "un cafard sur mon passe"], "carte_identite": []}
    learnt = lessons_learnt(make_router(TABLE), taught, frozenset({"un cafard sur mon passe"}))
    assert learnt == {
        "passeport": {
            "phrases": 2,
            "reconnues": 1,
            "a_part": 1,
            "devinees": 0,
            "ailleurs": [("un cafard sur mon passe", "hygiene_restaurant_signalement")],
        }
    }


def test_a_fifth_of_what_is_taught_is_held_back_then_put_back(tmp_path: Path) -> None:
    phrases = [f"phrase {n}" for n in range(16)]
    assert held_back(phrases[:4]) == () and len(held_back(phrases)) == 3 and held_back(phrases) == held_back(phrases[::-1])
    text = "nlu:\n- intent: a\n  examples: |\n" + "".join(f"    - {p}\n" for p in phrases)
    (tmp_path / "a.yml").write_text(text, encoding="utf-8")
    with without_phrases(tmp_path, frozenset(held_back(phrases))):
        assert (tmp_path / "a.yml").read_text(encoding="utf-8").count("    - ") == 13
    assert (tmp_path / "a.yml").read_text(encoding="utf-8") == text


def test_figures_are_those_counted_by_hand(evaluation: dict[str, Any]) -> None:
    figures = evaluation["chiffres"]
    assert (figures["demandes"], figures["hors_sujet"], figures["urgences"]) == (4, 2, 2)
    assert figures["bonne_delegation"] == 0.75 and figures["mauvaises_portes"] == 0.25
    assert figures["hors_sujet_reconnus"] == 0.5 and figures["urgences_reconnues"] == 0.5
    assert evaluation["par_service"]["veterinaire"] == {"messages": 2, "rappel": 0.5, "precision": 1.0}
    assert evaluation["par_service"]["titres"]["rappel"] == 1.0
    assert evaluation["par_service"]["titres"]["precision"] == pytest.approx(2 / 3, abs=1e-3)
    assert figures_of(evaluation).services["veterinaire"] == (0.5, 2)


def test_each_cell_of_the_confusion_table_opens_its_messages(evaluation: dict[str, Any], tests: Path) -> None:
    assert confusions(evaluation) == {("veterinaire", "titres"): 1, ("sans_demande", "titres"): 1}
    assert messages_behind(evaluation, tests, "veterinaire", "titres") == [("d4", "un chien battu par son maître")]


def test_changed_doors_show_the_worse_first_and_the_gate_says_why(make_router: Any, evaluation: dict[str, Any], tests: Path) -> None:
    better = evaluate_model(make_router({**TABLE, "chien": {"maltraitance_animale": 0.97}}), tests)
    found = compare(evaluation, better, tests, Margins())
    assert [(c.id, c.before, c.after, c.was_right, c.is_right) for c in found.changes] == [("d4", "titres", "veterinaire", False, True)]
    assert found.verdict.open and found.figures["mauvaises_portes"] == (0.25, 0.0)
    back = compare(better, evaluation, tests, Margins(min_messages=2, min_lost=1))
    assert [c.is_right for c in back.changes] == [False] and len(back.verdict.reasons) == 2
    line = next(s for s in back.services if s.service == "veterinaire")
    assert (line.recall_before, line.recall_after, line.messages) == (1.0, 0.5, 2)


def test_without_the_same_test_set_nothing_goes_through(evaluation: dict[str, Any], tests: Path, tmp_path: Path) -> None:
    assert verdict_of(None, None, Margins()).reasons == (NO_TESTS,)
    assert verdict_of(None, evaluation, Margins()).open
    assert verdict_of({}, evaluation, Margins()).reasons == (NOT_COMPARED,), "a live model that nobody measured opens nothing"
    assert not verdict_of({**evaluation, "essais": "autre"}, evaluation, Margins()).open
    before = digest_of_tests(tests)
    (tests / "demandes_1.jsonl").write_text("", encoding="utf-8")
    assert digest_of_tests(tests) != before


def test_the_cross_check_sees_a_corpus_that_contradicts_itself(referential: Referential, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    class Letters:
        dimensions = 26

        def encode(self, texts: Any) -> Any:
            rows = np.array([[t.count(chr(97 + i)) for i in range(26)] for t in texts], dtype=np.float32)
            return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1)

    monkeypatch.setitem(encoders._LOADED, "use", Letters())
    clear = [Example("aaa bab" + "a" * (i % 7), "passeport", "f", i) for i in range(40)]
    clear += [Example("zzz yzy" + "z" * (i % 7), "hygiene_restaurant_signalement", "f", i) for i in range(40)]
    good = cross_validate(clear, referential, ("use",))
    assert good is not None and good["exactitude"] == 1.0 and set(good["par_service"]) == {"titres", "veterinaire"}
    mixed = [Example(e.text, "passeport" if i % 2 else "hygiene_restaurant_signalement", "f", i) for i, e in enumerate(clear)]
    bad = cross_validate(mixed, referential, ("use",))
    assert bad is not None and bad["exactitude"] < 0.7
    assert cross_validate(clear, referential, ()) is None
