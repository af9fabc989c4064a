"""Benchmark: our router and agent next to stock Rasa (SpacyNLP + DIET), on the same machine, in the same run.

Prints ratios and writes ``docs/banc.md``. Stock Rasa trains on a sample: on the whole corpus it would take hours.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

os.environ["RASA_TELEMETRY_ENABLED"] = "false"

from bot.cleaning import clean
from bot.corpus import Example, read_corpus, read_jsonl
from bot.freshness import model_config
from bot.paths import project_paths
from bot.router import load_router
from bot.understanding.model import TopicModel

STOCK_PIPELINE = """
recipe: default.v1
assistant_id: stock
language: fr
pipeline:
  - {name: SpacyNLP, model: fr_core_news_md}
  - {name: SpacyTokenizer}
  - {name: SpacyFeaturizer}
  - {name: RegexFeaturizer}
  - {name: LexicalSyntacticFeaturizer}
  - {name: CountVectorsFeaturizer}
  - {name: CountVectorsFeaturizer, analyzer: char_wb, min_ngram: 1, max_ngram: 4}
  - {name: DIETClassifier, epochs: EPOCHS}
policies: []
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=800, help="training messages given to both")
    parser.add_argument("--epochs", type=int, default=60, help="DIET epochs (its default is 300)")
    arguments = parser.parse_args()
    paths = project_paths()
    texts = [str(r["texte"]) for p in sorted(paths.test_sets.glob("demandes_*.jsonl")) for r in read_jsonl(p)]
    lines = ["# Banc d'essai", "", "Régénéré par `make bench`. Les deux moteurs tournent sur la même machine, dans la même exécution.", ""]
    ours = _ours(paths, texts)
    sample = _sample(read_corpus(paths.corpus), arguments.messages)
    ours["apprentissage_s"] = _train_ours(paths, sample)
    stock = _stock(sample, texts[:300], arguments.epochs)
    lines += [
        f"Échantillon d'apprentissage commun : {len(sample)} messages, {len({e.label for e in sample})} sujets. "
        f"DIET : {arguments.epochs} époques (300 par défaut dans Rasa).",
        "",
        "| mesure | ici | Rasa d'origine | rapport |",
        "|---|---|---|---|",
        _row("Apprentissage sur l'échantillon (s)", ours["apprentissage_s"], stock["train"], inverse=True),
        _row("Messages compris par seconde, un par un", 1000 / ours["p50"], 1000 / stock["p50"]),
        _row("Tour médian (ms)", ours["p50"], stock["p50"], inverse=True),
        _row("Tour au 95e centile (ms)", ours["p95"], stock["p95"], inverse=True),
        "",
        f"`bot route --jsonl` : {ours['lignes_s']:.0f} messages par seconde sur {len(texts)} lignes, démarrage compris "
        f"({ours['demarrage_s']:.1f} s de démarrage). Mémoire du routeur seul : {ours['memoire_mo']:.0f} Mo.",
        "",
        "Le Rasa d'origine est mesuré sans serveur d'actions HTTP ni dialogue, ce qui l'avantage.",
    ]
    (paths.docs / "banc.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def _ours(paths, texts: list[str]) -> dict[str, float]:  # type: ignore[no-untyped-def]
    router = load_router(paths)
    router.route(texts[0])
    times = []
    for text in texts[:300]:
        start = time.perf_counter()
        router.route(text)
        times.append((time.perf_counter() - start) * 1000)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    import json

    source = "".join(json.dumps({"id": str(i), "texte": t}, ensure_ascii=False) + "\n" for i, t in enumerate(texts))
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "bot", "route", "--jsonl"], input=source.encode(), stdout=subprocess.DEVNULL, check=True)
    whole = time.perf_counter() - start
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "bot", "route", "--jsonl"], input=source.splitlines()[0].encode(), stdout=subprocess.DEVNULL, check=True
    )
    boot = time.perf_counter() - start
    return {
        "p50": statistics.median(times),
        "p95": sorted(times)[int(0.95 * len(times))],
        "lignes_s": len(texts) / whole,
        "demarrage_s": boot,
        "memoire_mo": memory,
    }


def _sample(examples: tuple[Example, ...], size: int) -> list[Example]:
    """Take the same number of messages from enough topics to reach ``size``."""
    by_label: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_label[example.label].append(example)
    rng = random.Random(0)
    labels = sorted(by_label)
    rng.shuffle(labels)
    chosen: list[Example] = []
    for label in labels:
        chosen.extend(by_label[label][:20])
        if len(chosen) >= size:
            break
    return chosen


def _train_ours(paths, sample: list[Example]) -> float:  # type: ignore[no-untyped-def]
    start = time.perf_counter()
    TopicModel(model_config(paths.config)).fit([clean(e.text) for e in sample], [e.label for e in sample])
    return time.perf_counter() - start


def _stock(sample: list[Example], texts: list[str], epochs: int) -> dict[str, float]:
    import asyncio

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.yml").write_text(STOCK_PIPELINE.replace("EPOCHS", str(epochs)), encoding="utf-8")
        by_label: dict[str, list[str]] = defaultdict(list)
        for example in sample:
            by_label[example.label].append(example.text)
        nlu = ['version: "3.1"', "nlu:"]
        for label, messages in by_label.items():
            nlu += [f"- intent: {label}", "  examples: |", *(f"    - {m}" for m in messages)]
        (folder / "nlu.yml").write_text("\n".join(nlu) + "\n", encoding="utf-8")
        (folder / "domain.yml").write_text('version: "3.1"\nintents: [' + ", ".join(by_label) + "]\n", encoding="utf-8")
        from rasa.core.agent import Agent
        from rasa.model_training import train_nlu

        start = time.perf_counter()
        archive = train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder), domain=str(folder / "domain.yml"))
        trained = time.perf_counter() - start
        agent = Agent.load(archive)

        async def parse() -> list[float]:
            times = []
            for text in texts:
                begin = time.perf_counter()
                await agent.parse_message(text)
                times.append((time.perf_counter() - begin) * 1000)
            return times

        times = asyncio.run(parse())
    return {"train": trained, "p50": statistics.median(times), "p95": sorted(times)[int(0.95 * len(times))]}


def _row(label: str, ours: float, stock: float, inverse: bool = False) -> str:
    ratio = stock / ours if inverse else ours / stock
    return f"| {label} | {ours:.1f} | {stock:.1f} | {ratio:.1f} fois mieux |".replace(".", ",")


if __name__ == "__main__":
    main()
