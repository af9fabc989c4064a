"""Whole conversations answered by stock Rasa and by the assistant: a table of docs/comparaison.md.

Stock Rasa reads each message alone and keeps the last door through what asks for none (« merci », « combien ? »), as its rules
and slots would. DIET is given a fair chance: :data:`EPOCHS` passes over :data:`SHARE` of every topic's messages.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from bot.base.paths import ProjectPaths
from bot.dialogue.dialogue import Dialogue
from bot.language.cleaning import clean
from bot.learning.corpus import read_corpus
from bot.learning.loading import load_router
from bot.learning.metrics import proportion
from bot.measure.conversations import conversations
from bot.measure.evaluation import OPTIONAL_SETS, TEST_SETS, labelled_rows
from bot.measure.reports import percent, table
from bot.referential import Referential
from scripts.mesures.comparison import lookups
from scripts.mesures.corpora import cleaned, messages, sample, score
from scripts.mesures.pages import write_between
from scripts.mesures.stock_rasa import StockRasa

EPOCHS, SHARE = 60, 1 / 10
FALLBACK = 0.3
"""Confidence under which stock Rasa asks to say it again: that of :func:`scripts.mesures.stock_rasa.config`."""
START, END = "<!-- conversations:début -->", "<!-- conversations:fin -->"


def run(paths: ProjectPaths) -> None:
    """Train stock Rasa, hold the conversations, print, and write the table again."""
    router = load_router(paths)
    rows = labelled_rows(paths.test_sets, OPTIONAL_SETS["conversations"], "tours")
    ours = conversations(Dialogue(router), rows)
    learnt = messages(sample(read_corpus(paths.corpus), SHARE))
    stock = StockRasa(EPOCHS, lookups(paths, router.referential))
    started = time.perf_counter()
    stock.fit(learnt)
    minutes = (time.perf_counter() - started) / 60
    last, everything = held(stock, router.referential, rows)
    requests = labelled_rows(paths.test_sets, TEST_SETS["demandes"])
    alone = score(stock.probabilities(cleaned(requests)), stock.labels, requests, router.referential)
    lines = table(
        ("bonne porte", "Rasa d'origine", "l'assistant", "l'assistant, avec les choix d'une question"),
        [
            ("au dernier tour", percent(last), percent(ours["dernier_tour_juste"]), percent(ours["avec_question"])),
            ("à chaque tour", percent(everything), percent(_all(ours, "juste")), percent(_all(ours, "avec_question"))),
        ],
    )
    dis, service = (percent(proportion(found.tolist())) for found in (alone.dis, alone.service))
    written = [
        f"{len(rows)} conversations de deux à six tours (`tests/data/conversations`). Rasa d'origine a appris {len(learnt)} "
        f"messages, {EPOCHS} époques, en {minutes:.0f} minutes ; chaque message y est lu seul. Sur les {len(requests)} demandes d'un seul "
        f"message, il lit la bonne délégation {dis} et le bon service {service}.",
        "",
        *lines,
    ]
    print("\n".join(written))
    write_between(paths.docs / "comparaison.md", START, END, written)


def held(stock: StockRasa, referential: Referential, rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return how often stock Rasa leaves the person at the right door: at the last turn, and at every turn that has one.

    Args:
        stock: trained.
        referential: who does what.
        rows: conversations, each with its ``tours``.
    """
    last, everything = [], []
    for row in rows:
        door: tuple[str, str] | None = None
        right = True
        for turn, read in zip(row["tours"], stock.probabilities([clean(t["texte"]) for t in row["tours"]]), strict=True):
            label = stock.labels[int(read.argmax())]
            if read.max() < FALLBACK:
                door = None
            elif label in referential.topics:
                service = referential.service_of(label)
                door = (service.delegation, service.id)
            wanted = turn.get("porte")
            right = True
            if wanted:
                accepted = {(wanted["dis"], wanted["service"]), *(tuple(p.split("/")) for p in turn.get("plausibles") or ())}
                right = door in accepted
                everything.append(right)
        if row["tours"][-1].get("porte"):
            last.append(right)
    return proportion(last), proportion(everything)


def _all(report: Mapping[str, Any], figure: str) -> dict[str, Any]:
    found = [kind[figure] for kind in report["genres"].values()]
    right, count = sum(f["nombre"] for f in found), sum(f["messages"] for f in found)
    return proportion([i < right for i in range(count)])
