"""Is a new topic recognised from fifteen phrases? Topics leave the corpus, come back with fifteen, and are looked for."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.base.paths import ProjectPaths
from bot.learning.corpus import Example, read_corpus
from bot.learning.freshness import fingerprint, model_config
from bot.learning.loading import load_detector
from bot.learning.metrics import proportion
from bot.learning.store import load_model
from bot.learning.tuning import train
from bot.learning.vector_cache import remembered_vectors
from bot.measure.evaluation import Outcome, labelled_rows, route_rows
from bot.referential import Referential
from bot.routing.router import Router
from bot.staff.candidates.candidate import copy_tree, router_of, without_phrases
from bot.staff.candidates.comparison import REQUESTS
from scripts.mesures.pages import write_between

TAUGHT = 15
"""Phrases kept of each topic: what the workshop asks for."""
LEAST_TESTS = 5
"""Test messages without which a topic tells nothing."""
LOOKED_FOR = 60
"""Phrases of each topic that were not taught and are then looked for, at most."""
START, END = "<!-- apprendre:début -->", "<!-- apprendre:fin -->"


def order(text: str) -> str:
    """Return what puts phrases in an order that nobody chose."""
    return hashlib.sha256(text.encode()).hexdigest()


def chosen_topics(referential: Referential, rows: Sequence[Mapping[str, Any]], examples: Sequence[Example]) -> list[str]:
    """Return one topic of each service, drawn among those with enough test messages and phrases to be looked for.

    Args:
        referential: the topics, by service.
        rows: test messages, with their ``sujet``.
        examples: the corpus.
    """
    tested = Counter(topic_of(referential, row) for row in rows)
    written = Counter(e.label for e in examples)
    by_service: dict[str, list[str]] = defaultdict(list)
    for topic in referential.topics.values():
        if tested[topic.id] >= LEAST_TESTS and written[topic.id] > 2 * TAUGHT:
            by_service[topic.service].append(topic.id)
    return [max(topics, key=order) for _, topics in sorted(by_service.items())]


def topic_of(referential: Referential, row: Mapping[str, Any]) -> str:
    """Return the topic of a labelled message as it is named today, "" when none is told."""
    label = str(row.get("sujet") or "")
    return referential.aliases.get(label, label)


def split(examples: Sequence[Example], topics: Sequence[str]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the phrases that are taught and those that are hidden, of each topic."""
    phrases: dict[str, list[str]] = {topic: [] for topic in topics}
    for example in examples:
        if example.label in phrases:
            phrases[example.label].append(example.text)
    drawn = {topic: sorted(found, key=order) for topic, found in phrases.items()}
    return {t: found[:TAUGHT] for t, found in drawn.items()}, {t: found[TAUGHT:] for t, found in drawn.items()}


@dataclass(frozen=True)
class Learnt:
    """What became of some messages of the topics taught back, one truth value a message.

    Args:
        given: their topic is the door given at once.
        found: it is, or is among the choices of the question.
        service: the door given, or one of the choices, is of their service.
    """

    given: list[bool]
    found: list[bool]
    service: list[bool]


def learnt(referential: Referential, outcomes: Sequence[Outcome]) -> Learnt:
    """Return what became of messages whose row names the ``sujet`` and the ``service``."""
    wanted = [topic_of(referential, o.row) for o in outcomes]
    found = [any(door.sujet == topic for door in o.decision.destinations) for o, topic in zip(outcomes, wanted, strict=True)]
    return Learnt([f and o.answered for f, o in zip(found, outcomes, strict=True)], found, [o.right_service for o in outcomes])


def report(
    before: Router, after: Router, topics: Sequence[str], hidden: Mapping[str, Sequence[str]], rows: Sequence[dict[str, Any]]
) -> list[str]:
    """Return the tables: the topics taught back, each of them, and everything else.

    Args:
        before: with the model that learnt every phrase.
        after: with the one that learnt :data:`TAUGHT` of each topic.
        topics: those taught back.
        hidden: their phrases that were not taught.
        rows: test messages.
    """
    referential = after.referential
    kept = [
        {"texte": phrase, "sujet": topic, "service": referential.topics[topic].service, "dis": referential.service_of(topic).delegation}
        for topic in topics
        for phrase in hidden[topic][:LOOKED_FOR]
    ]
    tests = [row for row in rows if topic_of(referential, row) in topics]
    others = [row for row in rows if topic_of(referential, row) not in topics]
    outcomes = {"phrases du corpus non apprises": route_rows(after, kept), "messages d'essai": route_rows(after, tests)}
    lines = ["| messages de ces sujets | sujet donné ou proposé | sujet donné d'emblée | bon service |", "|---|---|---|---|"]
    for name, some in outcomes.items():
        seen = learnt(referential, some)
        lines.append(f"| {name} | {_share(seen.found)} | {_share(seen.given)} | {_share(seen.service)} |")
    whole = learnt(referential, route_rows(before, tests))
    lines.append(
        f"| messages d'essai, modèle qui a tout appris | {_share(whole.found)} | {_share(whole.given)} | {_share(whole.service)} |"
    )
    lines += ["", "| les autres demandes d'essai | modèle qui a tout appris | ce modèle |", "|---|---|---|"]
    full, reduced = route_rows(before, others), route_rows(after, others)
    for name, right in OTHERS.items():
        lines.append(f"| {name} | {_share([right(o) for o in full])} | {_share([right(o) for o in reduced])} |")
    taken = [any(d.sujet in topics for d in o.decision.destinations[:1]) and o.answered and not o.right_service for o in reduced]
    lines.append(f"| envoyées à tort vers un de ces sujets | | {_share(taken)} |")
    lines += ["", "| sujet | phrases non apprises | messages d'essai |", "|---|---|---|"]
    for topic in topics:
        cells = [learnt(referential, [o for o in some if topic_of(referential, o.row) == topic]).found for some in outcomes.values()]
        lines.append(f"| {referential.topics[topic].libelle} | " + " | ".join(f"{sum(c)} / {len(c)}" for c in cells) + " |")
    return lines


OTHERS: Mapping[str, Callable[[Outcome], bool]] = {
    "bon service": lambda o: o.right_service,
    "bonne délégation": lambda o: o.right_dis,
    "mauvaise porte": lambda o: o.wrong_door,
}


def _share(values: Sequence[bool]) -> str:
    p = proportion(values)
    return f"{_percent(p['valeur'])} [{_percent(p['bas'])} ; {_percent(p['haut'])}] ({p['nombre']} / {p['messages']})"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %".replace(".", ",")


def run(paths: ProjectPaths) -> None:
    """Train once with every chosen topic reduced, and write the table between the markers of ``docs/corpus.md``."""
    config = model_config(paths.config)
    with tempfile.TemporaryDirectory(prefix="apprendre-") as folder, remembered_vectors(Path(folder) / "vecteurs", config.encoders):
        copied = copy_tree(paths, Path(folder))
        examples = read_corpus(copied.corpus)
        rows = labelled_rows(paths.test_sets, REQUESTS)
        before = router_of(copied, load_model(paths.router_model), load_detector(paths))
        topics = chosen_topics(before.referential, rows, examples)
        _, hidden = split(examples, topics)
        with without_phrases(copied.corpus, frozenset(p for phrases in hidden.values() for p in phrases)):
            stored = train(copied, config, fingerprint(copied, config), print)
        lines = report(before, router_of(copied, stored, load_detector(paths)), topics, hidden, rows)
    print("\n".join(lines))
    write_between(paths.docs / "corpus.md", START, END, lines)
