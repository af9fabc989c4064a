"""Ways to understand a message, compared on equal terms: same training messages, same test messages, same linear head."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import hstack, issparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier

from bot.language.cleaning import CleanText, clean
from bot.understanding import fitting
from bot.understanding import model as topic_model
from bot.understanding.config import TopicModelConfig
from bot.understanding.model import TopicModel
from bot.understanding.segmentation import segmentations
from scripts.mesures.blocks import Block, EncoderBlock, Memory
from scripts.mesures.corpora import Messages

Probabilities = NDArray[np.float64]
PENALTY = 1e-6
"""L2 penalty of the stochastic form."""
ITERATIONS, REGULARISATION = 30, 20.0


class Pipeline(Protocol):
    """Learns labelled messages, then gives a probability of each label."""

    labels: tuple[str, ...]
    seconds: float
    """Time of the last ``fit``, everything included."""

    def fit(self, data: Messages) -> None:
        """Learn."""
        ...

    def probabilities(self, texts: Sequence[CleanText]) -> Probabilities:
        """Return (n_texts, n_labels)."""
        ...

    def forget(self, texts: Sequence[CleanText]) -> None:
        """Forget what was computed for ``texts``, so that reading them again can be timed."""
        ...


class Majority:
    """Always answers the most frequent label: the floor."""

    def fit(self, data: Messages) -> None:
        start = time.perf_counter()
        counts = Counter(data.labels)
        self.labels = tuple(sorted(counts))
        self._row = np.array([counts[label] for label in self.labels], dtype=float) / len(data)
        self.seconds = time.perf_counter() - start

    def probabilities(self, texts: Sequence[CleanText]) -> Probabilities:
        return np.tile(self._row, (len(texts), 1))

    def forget(self, texts: Sequence[CleanText]) -> None:
        pass


def _softmax(scores: NDArray[np.float64]) -> Probabilities:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Probabilities = raised / raised.sum(axis=1, keepdims=True)
    return shares


class Linear:
    """Blocks of features side by side, then a linear classifier: logistic regression, or its stochastic form on sparse blocks.

    Args:
        blocks: one or more; sparse blocks go together, and so do dense ones.
        config: penalties and scale, those of the project.
    """

    def __init__(self, blocks: Sequence[Block], config: TopicModelConfig) -> None:
        self._blocks = blocks
        self._config = config

    def fit(self, data: Messages) -> None:
        start = time.perf_counter()
        known = _seconds(self._blocks, data.texts)
        features = self._join([block.fit(data.texts) for block in self._blocks])
        if issparse(features):
            self._classifier = SGDClassifier(
                loss="log_loss",
                alpha=PENALTY,
                max_iter=self._config.keyword_passes,
                tol=None,
                random_state=0,
            )
        else:
            self._classifier = LogisticRegression(C=REGULARISATION, max_iter=ITERATIONS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._classifier.fit(features, data.labels)
        self.labels = tuple(self._classifier.classes_)
        self.seconds = time.perf_counter() - start + known

    def probabilities(self, texts: Sequence[CleanText]) -> Probabilities:
        scores = self._classifier.decision_function(self._join([block.transform(texts) for block in self._blocks]))
        scores = np.stack([-scores / 2, scores / 2], axis=1) if scores.ndim == 1 else scores
        return _softmax(scores)

    def forget(self, texts: Sequence[CleanText]) -> None:
        for memory in _memories(self._blocks):
            memory.forget(texts)

    def _join(self, parts: Sequence[Any]) -> Any:
        if all(issparse(p) for p in parts):
            return hstack(parts).tocsr()
        return np.hstack(parts) * np.float32(self._config.scale)


class Averaged:
    """Several pipelines that vote, by the mean of their log-probabilities.

    Args:
        parts: pipelines not yet fitted.
    """

    def __init__(self, parts: Sequence[Pipeline]) -> None:
        self._parts = parts

    def fit(self, data: Messages) -> None:
        for part in self._parts:
            part.fit(data)
        self.labels = self._parts[0].labels
        self.seconds = sum(part.seconds for part in self._parts)

    def probabilities(self, texts: Sequence[CleanText]) -> Probabilities:
        scores = np.mean([np.log(np.maximum(part.probabilities(texts), 1e-12)) for part in self._parts], axis=0)
        return _softmax(scores)

    def forget(self, texts: Sequence[CleanText]) -> None:
        for part in self._parts:
            part.forget(texts)


class Ours:
    """The project's own model, with vectors of sentence encoders remembered.

    Args:
        config: its settings.
        encoders: one block for each encoder named in ``config``.
    """

    def __init__(self, config: TopicModelConfig, encoders: Mapping[str, EncoderBlock]) -> None:
        self._config = config
        self._encoders = encoders

    def fit(self, data: Messages) -> None:
        used = [self._encoders[name] for name in self._config.encoders]
        start = time.perf_counter()
        known = _seconds(used, data.texts)
        for block in used:
            block.fit(data.texts)
        self.model = TopicModel(self._config)
        with self._remembered():
            self.model.fit(data.texts, data.labels)
        self.labels = self.model.labels
        self.seconds = time.perf_counter() - start + known

    def probabilities(self, texts: Sequence[CleanText]) -> Probabilities:
        with self._remembered():
            return self.model.predict_proba(texts)

    def forget(self, texts: Sequence[CleanText]) -> None:
        for block in self._encoders.values():
            block.memory.forget(texts)

    @contextmanager
    def _remembered(self) -> Iterator[None]:
        """Let blocks stand for the encoders of the model."""
        with (
            mock.patch.object(topic_model, "get_encoder", self._encoders.__getitem__),
            mock.patch.object(fitting, "get_encoder", self._encoders.__getitem__),
        ):
            yield


class ByClause:
    """A pipeline that reads each clause of a message, then puts the readings together.

    Args:
        whole: the pipeline that reads; it learns whole messages, once.
        combine: from (n_clauses, n_labels) and the reading of the whole message, (n_labels,), to one row.
    """

    def __init__(self, whole: Pipeline, combine: Callable[[Probabilities, Probabilities], Probabilities]) -> None:
        self._whole = whole
        self._combine = combine

    def fit(self, data: Messages) -> None:
        """Learn whole messages, unless the pipeline has."""
        if not hasattr(self._whole, "labels"):
            self._whole.fit(data)
        self.labels = self._whole.labels
        self.seconds = self._whole.seconds

    def probabilities(self, texts: Sequence[CleanText]) -> Probabilities:
        clauses = [[clean(c) for c in _clauses(t.display)] for t in texts]
        flat = self._whole.probabilities([c for group in clauses for c in group])
        rows, at = [], 0
        for group, whole in zip(clauses, self._whole.probabilities(texts), strict=True):
            rows.append(self._combine(flat[at : at + len(group)], whole))
            at += len(group)
        combined = np.array(rows)
        return np.divide(combined, combined.sum(axis=1, keepdims=True))

    def forget(self, texts: Sequence[CleanText]) -> None:
        self._whole.forget(texts)
        self._whole.forget([clean(c) for t in texts for c in _clauses(t.display)])


CLAUSES: Mapping[str, Callable[[Probabilities, Probabilities], Probabilities]] = {
    "moyenne": lambda clauses, _whole: clauses.mean(axis=0),
    "maximum": lambda clauses, _whole: clauses.max(axis=0),
    "message entier et moyenne": lambda clauses, whole: (whole + clauses.mean(axis=0)) / 2,
}


def _clauses(text: str) -> tuple[str, ...]:
    """Return the parts of a message cut where its wording most speaks for several requests; the message when nowhere."""
    likely = next(iter(segmentations(text, bare=False)), None)
    return likely.texts if likely else (text,)


def _memories(blocks: Sequence[Block]) -> list[Memory]:
    return [block.memory for block in blocks if hasattr(block, "memory")]


def _seconds(blocks: Sequence[Block], texts: Sequence[CleanText]) -> float:
    """Return the time already spent on ``texts`` by earlier pipelines, which a fit alone would spend again."""
    return sum(memory.seconds(texts) for memory in {id(m): m for m in _memories(blocks)}.values())
