"""The likeliest door of many parts of messages at once, straight from what the model gives: no table of labels is made for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bot.language.cleaning import CleanText
from bot.routing.decision import EVENT, Decider
from bot.routing.several import Part

Rows = NDArray[np.float64]


class Doors:
    """Reads rows of probabilities of one model.

    Args:
        decider: knows the topics, their services and publics.
        labels: of the model, (n_labels,).
        aliases: names of today of the labels from before a topic was renamed or merged.
    """

    def __init__(self, decider: Decider, labels: Sequence[str], aliases: Mapping[str, str] | None = None) -> None:
        names = [(aliases or {}).get(label, label) for label in labels]
        services = decider.services
        self._topics = tuple(dict.fromkeys(name for name in names if name in services))
        self._services = tuple(dict.fromkeys(services[topic] for topic in self._topics))
        self._columns = np.array([i for i, name in enumerate(names) if name in services], dtype=np.int64)
        place = {topic: i for i, topic in enumerate(self._topics)}
        self._merged = np.zeros((len(self._columns), len(self._topics)))
        self._merged[np.arange(len(self._columns)), [place[names[i]] for i in self._columns]] = 1.0
        self._of_service = np.array(
            [[services[topic] == service for service in self._services] for topic in self._topics], dtype=np.float64
        )
        silent = {label for label, act in decider.acts.items() if act.famille != EVENT}
        self._silent = np.array([i for i, name in enumerate(names) if name in silent], dtype=np.int64)
        self._weights = lru_cache(maxsize=8)(lambda profile: np.array([decider.weight(topic, profile) for topic in self._topics]))

    def parts(self, texts: Sequence[CleanText], rows: Rows, profile: str | None = None) -> list[Part]:
        """Return the door that each text asks for; none at all when the model knows no topic.

        Args:
            texts: (n_texts,).
            rows: probabilities, (n_texts, n_labels).
            profile: who asks, ``None`` when unknown.
        """
        if not self._topics or not len(rows):
            return []
        topics = rows[:, self._columns]
        if len(self._columns) > len(self._topics):
            topics = topics @ self._merged
        asking = topics.sum(axis=1)
        if profile:
            topics = topics * self._weights(profile)
            topics *= (asking / np.maximum(topics.sum(axis=1), np.finfo(float).tiny))[:, None]
        services = topics @ self._of_service
        service = services.argmax(axis=1)
        topic = np.where(self._of_service.T[service] > 0, topics, -1.0).argmax(axis=1)
        each = np.arange(len(rows))
        values = (services[each, service], topics[each, topic], topics.max(axis=1), asking, rows[:, self._silent].sum(axis=1))
        return [
            Part(text.original, text.plain, self._services[s], self._topics[t], *numbers)
            for text, s, t, *numbers in zip(texts, service.tolist(), topic.tolist(), *(v.tolist() for v in values), strict=True)
        ]
