"""Stock Rasa: the project that is written."""

from __future__ import annotations

import yaml

from bot.base.paths import ProjectPaths
from bot.learning.corpus import Example
from scripts.mesures.stock_rasa import config, nlu, project_files, sample

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


def test_a_sample_has_at_most_twenty_messages_of_a_topic(paths: ProjectPaths) -> None:
    drawn = sample(paths.corpus, 100)
    assert len(drawn) == 100 and len({e.label for e in drawn}) == 5
    assert drawn == sample(paths.corpus, 100)
