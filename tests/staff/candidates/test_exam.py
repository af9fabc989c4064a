"""The exam: kept messages judge models, none is learnt, and what says so quotes none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from trees import make_tree

from bot.base.errors import EditError
from bot.base.paths import ProjectPaths
from bot.staff.candidates.comparison import evaluate_model, verdict_of
from bot.staff.candidates.exam import CALM, NO_REQUEST, URGENT, exam_reasons, exam_score, read_exam, sit_exam
from bot.staff.candidates.gate import Margins
from bot.staff.editing.corpus_editor import CorpusEditor

TABLE = {"passeport": {"passeport": 0.97}, "cafard": {"hygiene_restaurant_signalement": 0.97}, "coucou": {"saluer": 0.99}}
ROWS = [
    ("le passeport de mamie a fondu au soleil", "passeport"),
    ("un cafard me regarde au restaurant", "passeport"),
    ("coucou la compagnie", NO_REQUEST),
    ("au feu ma maison brûle", URGENT),
    ("un feu rouge trop long devant la mairie", CALM),
    ("ma demande d'un sujet disparu", "sujet_disparu"),
]


def write(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"texte": text, "attendu": wanted}) + "\n" for text, wanted in rows]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_each_message_is_judged_on_what_was_expected_of_it(make_router: Any, tmp_path: Path) -> None:
    results = sit_exam(make_router(TABLE), write(tmp_path / "examen.jsonl", ROWS))
    assert list(results.values()) == [("passeport", True), ("passeport", False), (NO_REQUEST, True), (URGENT, True), (CALM, True)]
    assert exam_score(results) == (4, 5) and sit_exam(make_router(TABLE), tmp_path / "absent.jsonl") == {}


def results(**right: str) -> dict[str, tuple[str, bool]]:
    """Return results written "oui" or "non", one letter a message: passeport="oon" is two found and one lost."""
    return {f"{label}{n}": (label, letter == "o") for label, letters in right.items() for n, letter in enumerate(letters)}


@pytest.mark.parametrize(
    ("live", "candidate", "said"),
    [
        (results(a="ooo"), results(a="ooo"), ()),
        (results(a="ooo"), results(a="oon"), ()),  # two trainings differ by one
        (results(a="ooo"), results(a="onn"), ("« A » (2)",)),
        (results(a="oonn"), results(a="nnoo"), ()),
        (results(a="oo", b="nnnn"), results(a="nn", b="oooo"), ("« A » (2)",)),  # a gain elsewhere hides nothing
        (results(a="o", b="o", c="o"), results(a="n", b="n", c="n"), ("« A » (1), « b » (1), « c » (1)",)),
        (results(urgence="oo"), results(urgence="on"), ("urgence",)),
        (results(sans_urgence="o"), results(sans_urgence="n"), ("fausse alerte",)),
        (results(a="o"), results(a="onn"), ()),  # a message that only one of them had
    ],
)
def test_a_model_that_loses_what_the_public_asked_is_worse(live: Any, candidate: Any, said: tuple[str, ...]) -> None:
    reasons = exam_reasons(live, candidate, {"a": "A"})
    assert len(reasons) == len(said) and all(part in reason for part, reason in zip(said, reasons, strict=True))


def test_the_gate_closes_and_quotes_no_message(make_router: Any, tmp_path: Path) -> None:
    tests = write(tmp_path / "demandes_1.jsonl", []).parent
    (tests / "demandes_1.jsonl").write_text(
        '{"id": "d1", "texte": "passeport", "dis": "population", "service": "titres"}\n', encoding="utf-8"
    )
    kept = write(
        tmp_path / "examen" / "messages.jsonl",
        [("mon cafard préféré", "hygiene_restaurant_signalement"), ("le cafard du chef", "hygiene_restaurant_signalement")],
    )
    live = evaluate_model(make_router(TABLE), tests, exam=kept)
    poisoned = evaluate_model(make_router({**TABLE, "cafard": {"passeport": 0.97}}), tests, exam=kept)
    assert verdict_of(live, live, Margins()).open
    (reason,) = verdict_of(live, poisoned, Margins()).reasons
    assert "examen" in reason and "cafard" not in reason
    assert "cafard" not in json.dumps(poisoned["examen"])  # what is kept with a model may be shown: no words there


@pytest.fixture
def tree(tmp_path: Path) -> ProjectPaths:
    return make_tree(tmp_path)


def test_a_kept_message_is_never_taught_and_a_taught_one_never_kept(tree: ProjectPaths) -> None:
    editor, message = CorpusEditor(tree), "le ragondin a emporté mon passeport dans la rivière"
    editor.keep_for_exam(message, "passeport", "Zoé")
    editor.keep_for_exam(message, "passeport", "Zoé")
    assert [row["attendu"] for row in read_exam(tree.exam).values()] == ["passeport"]
    with pytest.raises(EditError, match="message d'essai"):
        editor.add_phrase("passeport", message, "Zoé")
    with pytest.raises(EditError, match="déjà appris"):
        editor.keep_for_exam(editor.phrases("passeport")[0], "passeport", "Zoé")
    with pytest.raises(EditError, match="donnée personnelle"):
        editor.keep_for_exam("je suis Sophie Lefèvre, mon 06 12 34 56 78", "passeport", "Zoé")
    assert len(read_exam(tree.exam)) == 1
