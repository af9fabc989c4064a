"""Stock Rasa: the project that is written, and that it is trained once."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.base.errors import AssistantError
from bot.base.paths import ProjectPaths
from bot.learning.corpus import Example
from scripts.mesures import stock_rasa
from scripts.mesures.stock_rasa import ARCHIVE, config, nlu, project_files, sample, trained_project

MESSAGES = [Example("mon  passeport", "passeport", "x", 1), Example("un mur", "permis", "x", 2), Example("un toit", "permis", "x", 3)]


def test_it_learns_the_messages_as_typed() -> None:
    text = nlu([("mon  passeport", "passeport"), ("un mur", "permis")], {"commune": ["Albas"]})
    assert "- intent: passeport\n  examples: |\n    - mon passeport" in text
    assert "- lookup: commune\n  examples: |\n    - Albas" in text
    assert {row["intent"] for row in yaml.safe_load(nlu([("a", "b")]))["nlu"]} == {"b"}


def test_the_pipeline_is_the_recommended_one() -> None:
    names = [c["name"] for c in config(3)["pipeline"]]
    assert names[0] == "SpacyNLP" and names[-2:] == ["DIETClassifier", "FallbackClassifier"]
    assert [p["name"] for p in config(3)["policies"]] == ["MemoizationPolicy", "RulePolicy"]
    alone = config(3, dialogue=False)
    assert alone["policies"] == [] and alone["pipeline"][-1]["ranking_length"] == 0, "every confidence is compared"
    assert [c["name"] for c in alone["pipeline"]] == names[:-1]


def test_every_intent_has_a_rule_and_the_fallback_too() -> None:
    files = project_files(MESSAGES, 2)
    domain, rules = yaml.safe_load(files["domain.yml"]), yaml.safe_load(files["rules.yml"])["rules"]
    assert domain["intents"] == ["passeport", "permis"]
    assert {r["steps"][0]["intent"] for r in rules} == {"passeport", "permis", "nlu_fallback"}
    assert all(r["steps"][1]["action"] in domain["actions"] for r in rules)
    assert "rest" in yaml.safe_load(files["credentials.yml"])


def test_a_sample_has_at_most_twenty_messages_of_a_topic(paths: ProjectPaths) -> None:
    drawn = sample(paths.corpus, 100)
    assert len(drawn) == 100 and len({e.label for e in drawn}) == 5
    assert drawn == sample(paths.corpus, 100)


def test_it_is_trained_once_for_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[Path] = []

    def train(command: list[str], cwd: Path, **_options: Any) -> subprocess.CompletedProcess[str]:
        assert command[1:4] == ["-m", "rasa", "train"] and (cwd / "domain.yml").exists()
        runs.append(cwd)
        (cwd / "sortie").mkdir()
        (cwd / "sortie" / "modele.tar.gz").write_bytes(b"modele")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(stock_rasa.subprocess, "run", train)
    folder = trained_project(tmp_path, MESSAGES, 2)
    assert (folder / ARCHIVE).read_bytes() == b"modele"
    assert trained_project(tmp_path, MESSAGES, 2) == folder and len(runs) == 1
    assert trained_project(tmp_path, MESSAGES, 3) != folder and len(runs) == 2


def test_a_failed_training_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "plus de place")
    monkeypatch.setattr(stock_rasa.subprocess, "run", lambda *_a, **_o: failed)
    with pytest.raises(AssistantError, match="plus de place"):
        trained_project(tmp_path, MESSAGES, 2)
