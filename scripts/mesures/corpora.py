"""The messages that every measure shares: training messages, fair samples of them, labelled requests."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.language.cleaning import CleanText, clean
from bot.language.privacy import mask
from bot.learning.corpus import Example
from bot.referential import Referential

NO_REQUEST = "aucune demande"


@dataclass(frozen=True)
class Messages:
    """Labelled training messages, ready to be understood.

    Args:
        texts: cleaned messages.
        labels: one topic or act each.
    """

    texts: tuple[CleanText, ...]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)


def messages(examples: Sequence[Example]) -> Messages:
    """Return training examples cleaned as the trainer does."""
    return Messages(tuple(clean(e.text) for e in examples), tuple(e.label for e in examples))


def cleaned(rows: Sequence[dict[str, Any]]) -> tuple[CleanText, ...]:
    """Return labelled requests masked and cleaned as the router does."""
    return tuple(clean(mask(str(r["texte"]))) for r in rows)


def sample(examples: Sequence[Example], share: float, seed: int = 0) -> list[Example]:
    """Draw the same share of every label, two messages at least (all when there are fewer).

    Args:
        examples: training messages.
        share: in (0, 1].
        seed: another seed draws other messages.
    """
    by_label: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_label[example.label].append(example)
    chosen: list[Example] = []
    for label in sorted(by_label):
        group = by_label[label]
        chosen.extend(random.Random(f"{seed}/{label}").sample(group, min(len(group), max(2, round(share * len(group))))))
    return chosen


@dataclass(frozen=True)
class Score:
    """What was right, message by message.

    Args:
        dis: delegation; service: service; topic: topic (only where the row names one). All of shape (n_messages,).
    """

    dis: NDArray[np.bool_]
    service: NDArray[np.bool_]
    topic: NDArray[np.bool_]


def score(
    probabilities: NDArray[np.floating[Any]], labels: Sequence[str], rows: Sequence[dict[str, Any]], referential: Referential
) -> Score:
    """Compare the best delegation, service and topic with what each row expects.

    Probabilities are added up from topic to service to delegation; acts and vague messages add up to one class of
    their own, so a request taken for no request is wrong.

    Args:
        probabilities: (n_messages, n_labels).
        labels: names of the columns.
        rows: expected ``dis``, ``service``, ``sujet``.
        referential: who does what.
    """
    topics = [referential.topics.get(label) for label in labels]
    services = [t.service if t else NO_REQUEST for t in topics]
    delegations = [referential.services[t.service].delegation if t else NO_REQUEST for t in topics]
    dis = _best_group(probabilities, delegations)
    service = _best_group(probabilities, services)
    best = [labels[i] for i in probabilities.argmax(axis=1)]
    right_dis = np.array([d == r["dis"] for d, r in zip(dis, rows, strict=True)], dtype=bool)
    right_service = np.array(
        [(s == r["service"]) if r.get("service") else ok for s, r, ok in zip(service, rows, right_dis, strict=True)], dtype=bool
    )
    right_topic = np.array([b == r["sujet"] for b, r in zip(best, rows, strict=True) if r.get("sujet")], dtype=bool)
    return Score(right_dis, right_service, right_topic)


def _best_group(probabilities: NDArray[np.floating[Any]], groups: Sequence[str]) -> list[str]:
    names = sorted(set(groups))
    sums = np.stack([probabilities[:, [g == name for g in groups]].sum(axis=1) for name in names], axis=1)
    return [names[i] for i in sums.argmax(axis=1)]
