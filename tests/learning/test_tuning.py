"""When a model must be trained again, and the measures kept with it, on tables made by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from bot.base.errors import AssistantError, CorpusError
from bot.base.paths import ProjectPaths
from bot.learning.metrics import expected_calibration_error
from bot.learning.store import MODEL_FILE
from bot.learning.tuning import (
    Labelled,
    ensure_model,
    fingerprint,
    measure,
    model_config,
    read_held_out,
    risk_coverage,
    stricter_doors,
)
from bot.referential import Referential
from bot.routing.decision import Decider, Thresholds
from bot.understanding.model import TopicModelConfig
from bot.understanding.outcome import Understanding

TINY = """version: "3.1"
nlu:
- intent: passeport
  examples: |
    - je veux refaire mon passeport
    - mon passeport est périmé
    - passeport perdu en voyage
- intent: permis_construire
  examples: |
    - permis de construire un garage
    - je veux construire une maison
    - construire un abri au jardin
- intent: saluer
  examples: |
    - bonjour
    - salut à tous
    - bonsoir
"""
HELD = """{"texte": "refaire le passeport de ma fille", "dis": "population", "service": "titres"}
{"texte": "construire une grange", "dis": "territoire", "service": "equipement_agriculture"}
{"texte": "bonjour à vous", "type": "salutation"}
"""


@pytest.fixture
def tree(tmp_path: Path, paths: ProjectPaths, monkeypatch: pytest.MonkeyPatch) -> ProjectPaths:
    """A tiny tree with the real referential."""
    monkeypatch.delenv("BOT_MODELES", raising=False)
    (tmp_path / "data" / "nlu").mkdir(parents=True)
    (tmp_path / "data" / "calage").mkdir()
    shutil.copytree(paths.referential, tmp_path / "data" / "referentiel")
    (tmp_path / "data" / "nlu" / "petit.yml").write_text(TINY, encoding="utf-8")
    (tmp_path / "data" / "calage" / "petit.jsonl").write_text(HELD, encoding="utf-8")
    entry = {
        "name": "bot.rasa.components.TopicClassifier",
        "encoders": [],
        "word_vectors": "",
        "hidden": 0,
        "ngrams": {"dimensions": 8, "min_word_count": 1, "min_character_count": 1},
    }
    (tmp_path / "config.yml").write_text(yaml.safe_dump({"pipeline": [entry]}), encoding="utf-8")
    return ProjectPaths(tmp_path)


def quiet(_sentence: str) -> None:
    pass


# Fingerprint

CHANGES: dict[str, Callable[[Path], object]] = {
    "corpus": lambda r: (r / "data/nlu/petit.yml").write_text(TINY.replace("garage", "hangar"), encoding="utf-8"),
    "one more file": lambda r: (r / "data/nlu/autre.yml").write_text("nlu: []", encoding="utf-8"),
    "held-out messages": lambda r: (r / "data/calage/petit.jsonl").write_text("", encoding="utf-8"),
    "topics": lambda r: (r / "data/referentiel/sujets/titres.yml").write_text("sujets: []", encoding="utf-8"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_fingerprint_changes_with(name: str, tree: ProjectPaths) -> None:
    config = model_config(tree.config)
    before = fingerprint(tree, config)
    CHANGES[name](tree.root)
    assert fingerprint(tree, config) != before


def test_the_fingerprint_changes_with_the_settings(tree: ProjectPaths) -> None:
    assert fingerprint(tree, TopicModelConfig()) != fingerprint(tree, TopicModelConfig(hidden=1))


def test_the_fingerprint_is_stable(tree: ProjectPaths) -> None:
    config = model_config(tree.config)
    before = fingerprint(tree, config)
    (tree.root / "data/referentiel/guichets.yml").touch()
    (tree.root / "README.md").write_text("rien", encoding="utf-8")
    assert fingerprint(tree, config) == before


def test_the_fingerprint_changes_with_the_families_of_acts(tree: ProjectPaths) -> None:
    config = model_config(tree.config)
    before = fingerprint(tree, config)
    path = tree.root / "data/referentiel/conversation.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("famille: hors_sujet", "famille: acte"), encoding="utf-8")
    assert fingerprint(tree, config) != before


# End to end, on a tiny corpus


def test_train_then_use_again_then_train_when_something_changed(tree: ProjectPaths) -> None:
    first = ensure_model(tree, quiet)
    assert first.manifest["messages"] == 9
    assert first.manifest["sujets"] == 3
    assert first.metrics["messages"] == 3
    assert Thresholds.from_mapping(first.metrics["seuils"]) == first.thresholds
    said: list[str] = []
    again = ensure_model(tree, said.append)
    assert (again.manifest["date"], said) == (first.manifest["date"], [])
    (tree.router_model / MODEL_FILE).write_bytes(b"rien")
    assert ensure_model(tree, said.append).manifest["empreinte"] == first.manifest["empreinte"]
    assert any("abîmé" in s for s in said)
    CHANGES["corpus"](tree.root)
    assert ensure_model(tree, quiet).manifest["empreinte"] != first.manifest["empreinte"]


def test_without_held_out_messages_thresholds_are_the_default(tree: ProjectPaths) -> None:
    (tree.tuning / "petit.jsonl").unlink()
    assert ensure_model(tree, quiet).thresholds == Thresholds()


def test_an_unknown_topic_stops_the_training_before_it_starts(tree: ProjectPaths) -> None:
    (tree.corpus / "petit.yml").write_text(TINY.replace("intent: passeport", "intent: sujet_fantome"), encoding="utf-8")
    with pytest.raises(CorpusError, match="sujet_fantome"):
        ensure_model(tree, quiet)
    assert not tree.router_model.exists()


@pytest.mark.parametrize("text", ["[", "", "3", "- a"])
def test_a_broken_config_is_said(tree: ProjectPaths, text: str) -> None:
    tree.config.write_text(text, encoding="utf-8")
    with pytest.raises(AssistantError, match=r"config\.yml"):
        model_config(tree.config)


def test_a_missing_config_is_said(tree: ProjectPaths) -> None:
    with pytest.raises(AssistantError, match=r"config\.yml"):
        model_config(tree.root / "absent.yml")


def test_the_settings_of_the_project_are_read(paths: ProjectPaths) -> None:
    entry = next(e for e in yaml.safe_load(paths.config.read_text(encoding="utf-8"))["pipeline"] if e["name"].endswith("TopicClassifier"))
    config = model_config(paths.config)
    for key in set(entry) - {"name", "ngrams", "encoders"}:
        assert getattr(config, key) == entry[key], key
    for key, value in entry.get("ngrams", {}).items():
        assert getattr(config.ngrams, key) == (tuple(value) if isinstance(value, list) else value), key
    assert config.encoders == tuple(entry["encoders"])


def test_held_out_messages(tree: ProjectPaths) -> None:
    assert read_held_out(tree.tuning) == (
        Labelled("refaire le passeport de ma fille", "population", "titres"),
        Labelled("construire une grange", "territoire", "equipement_agriculture"),
        Labelled("bonjour à vous", "", None),
    )


# Measures


def test_calibration_error_by_hand() -> None:
    """Cell [0.9, 1]: mean 0.95, right 0.5, half of the messages: 0.225. Cell [0.5, 0.6): mean 0.55, right 1: 0.225."""
    assert expected_calibration_error(np.array([0.95, 0.95, 0.55, 0.55]), np.array([1.0, 0.0, 1.0, 1.0])) == pytest.approx(0.45)


@pytest.mark.parametrize(
    ("confidence", "right", "error"),
    [([], [], 0.0), ([1.0], [1.0], 0.0), ([1.0], [0.0], 1.0), ([0.0], [0.0], 0.0), ([0.5, 0.5], [1.0, 0.0], 0.0)],
)
def test_calibration_error_at_the_edges(confidence: list[float], right: list[float], error: float) -> None:
    assert expected_calibration_error(np.array(confidence), np.array(right)) == pytest.approx(error)


def test_risk_coverage_by_hand() -> None:
    points = {p["seuil"]: p for p in risk_coverage(np.array([0.96, 0.8, 0.5, 0.2]), np.array([1.0, 0.0, 1.0, 0.0]))}
    assert points[0.95] == {"seuil": 0.95, "couverture": 0.25, "risque": 0.0}
    assert points[0.8] == {"seuil": 0.8, "couverture": 0.5, "risque": 0.5}
    assert points[0.5] == {"seuil": 0.5, "couverture": 0.75, "risque": 0.3333}
    assert points[0.0] == {"seuil": 0.0, "couverture": 1.0, "risque": 0.5}
    covered = [p["couverture"] for p in points.values()]
    assert covered == sorted(covered)


def test_measures_by_hand(referential: Referential) -> None:
    held = (
        Labelled("a", "population", "titres"),  # right
        Labelled("b", "population", "titres"),  # wrong door
        Labelled("c", "territoire", None),  # asked, the right door among the choices
        Labelled("d", "territoire", None),  # refused
        Labelled("e", "", None),  # recognised as no request
    )
    read = (
        {"passeport": 1.0},
        {"permis_construire": 1.0},
        {"permis_construire": 0.5, "passeport": 0.5},
        {"saluer": 0.9, "permis_construire": 0.1},
        {"bavardage": 1.0},
    )
    result = measure(referential, Thresholds(), [Understanding(r) for r in read], held)
    assert {
        k: result[k]
        for k in ("messages", "couverture", "questions", "mauvaises_portes", "demandes_refusees", "atteinte_dis", "rappel_hors_sujet")
    } == {
        "messages": 5,
        "couverture": 0.5,
        "questions": 0.25,
        "mauvaises_portes": 0.5,
        "demandes_refusees": 0.25,
        "atteinte_dis": 0.5,
        "rappel_hors_sujet": 1.0,
    }
    assert result["par_service"]["titres"] == {"messages": 2, "justes": 1, "questions": 0, "mauvaises_portes": 1}


def test_a_door_that_is_wrong_more_often_gets_a_stricter_threshold(referential: Referential) -> None:
    decider = Decider(referential, Thresholds())

    def held(topic: str, certainty: float, dis: str) -> tuple[Any, Labelled]:
        other = "passeport" if topic != "passeport" else "permis_construire"
        return decider.read(Understanding({topic: certainty, other: 1 - certainty})), Labelled("", dis, None)

    sure = [held("passeport", 0.99, "population") for _ in range(80)] + [held("permis_construire", 0.99, "territoire") for _ in range(80)]
    doubtful = [held("permis_construire", 0.85, "population") for _ in range(3)]
    assert stricter_doors([*sure, *doubtful], 0.8) == {"territoire": 0.99}
    assert stricter_doors([*sure, *doubtful], 0.995) == {}, "the common threshold is enough"
    assert stricter_doors(sure, 0.8) == {}, "never wrong"
    often = [held("permis_construire", 0.9, "population") for _ in range(40)]
    assert stricter_doors([*sure, *often, *[held("permis_construire", 0.85, "territoire")] * 60], 0.8) == {"territoire": 0.85}, (
        "one request in ten is asked about at most"
    )
