"""The topic model: an ordinary estimator, from plain texts to calibrated probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from bot.cleaning import CleanText
from bot.types import Understanding
from bot.understanding.encoders import get_encoder
from bot.understanding.features import NgramConfig, NgramEncoder

Vectors = NDArray[np.float32]
Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class TopicModelConfig:
    """Everything that changes what is learnt.

    Args:
        encoders: names of sentence encoders; empty to use n-grams only.
        ngrams: the n-gram block.
        scale: multiplies every unit block, so that the penalty bites alike on each.
        regularisation: inverse penalty ``C`` of the logistic regression.
        hidden: units of the perceptron averaged with the regression; 0 to leave it out.
        epochs: passes of the perceptron.
        iterations: at most, for the regression.
    """

    encoders: tuple[str, ...] = ("use",)
    ngrams: NgramConfig = field(default_factory=NgramConfig)
    scale: float = 4.0
    regularisation: float = 20.0
    hidden: int = 512
    epochs: int = 14
    iterations: int = 50

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> TopicModelConfig:
        """Build from the keys of a pipeline entry in ``config.yml``; unknown keys are ignored."""
        plain = {k: v for k, v in values.items() if k in cls.__dataclass_fields__ and k != "ngrams"}
        if "encoders" in plain:
            plain["encoders"] = tuple(plain["encoders"] or ())
        ngrams = {
            k: tuple(v) if isinstance(v, list) else v
            for k, v in (values.get("ngrams") or {}).items()
            if k in NgramConfig.__dataclass_fields__
        }
        return cls(ngrams=NgramConfig(**ngrams), **plain)

    def as_mapping(self) -> dict[str, Any]:
        """Return plain values, for a manifest or a fingerprint."""
        return asdict(self)


class TopicModel:
    """Calibrated probabilities over topics, conversation acts and non-requests.

    ``fit`` then ``predict_proba``, as in scikit-learn; parameters are set in ``__init__``.
    The temperature is set by :mod:`bot.training` on messages the model has not seen
    (temperature scaling: Guo et al., 2017).

    Args:
        config: see :class:`TopicModelConfig`.
    """

    def __init__(self, config: TopicModelConfig | None = None) -> None:
        self.config = config or TopicModelConfig()
        self.temperature = 1.0

    def features(self, texts: Sequence[CleanText]) -> Vectors:
        """Return the feature matrix (n_texts, n_features) of a fitted model."""
        return self._assemble(texts, self._ngrams.transform([t.plain for t in texts]))

    def fit(self, texts: Sequence[CleanText], labels: Sequence[str], progress: Any = None) -> TopicModel:
        """Learn.

        Args:
            texts: cleaned messages, (n_samples,).
            labels: one label each, (n_samples,).
            progress: optional callable that receives a French sentence at each step.
        """
        say = progress or (lambda _sentence: None)
        say("mots et lettres")
        self._ngrams = NgramEncoder(self.config.ngrams)
        reduced = self._ngrams.fit_transform([t.plain for t in texts])
        say("sens des phrases")
        matrix = self._assemble(texts, reduced)
        return self.fit_features(matrix, labels, say)

    def fit_features(self, matrix: Vectors, labels: Sequence[str], progress: Any = None) -> TopicModel:
        """Learn the classifiers only, from a feature matrix (n_samples, n_features)."""
        say = progress or (lambda _sentence: None)
        self.labels = tuple(sorted(set(labels)))
        index = {label: i for i, label in enumerate(self.labels)}
        targets = np.array([index[label] for label in labels])
        say("régression logistique")
        regression = LogisticRegression(C=self.config.regularisation, max_iter=self.config.iterations)
        regression.fit(matrix, targets)
        self._weights = regression.coef_.astype(np.float32).T
        self._bias = regression.intercept_.astype(np.float32)
        if len(self.labels) == 2:  # scikit-learn keeps one row for two classes
            self._weights = np.hstack([-self._weights, self._weights])
            self._bias = np.concatenate([-self._bias, self._bias])
        self._layers: list[tuple[Vectors, Vectors]] = []
        if self.config.hidden:
            say("perceptron")
            perceptron = MLPClassifier(
                (self.config.hidden,), alpha=1e-4, max_iter=self.config.epochs, batch_size=128, random_state=0
            )
            perceptron.fit(matrix, targets)
            if len(self.labels) > 2:
                self._layers = [
                    (w.astype(np.float32), b.astype(np.float32))
                    for w, b in zip(perceptron.coefs_, perceptron.intercepts_, strict=True)
                ]
        return self

    def predict_features(self, matrix: Vectors) -> Probabilities:
        """Return probabilities (n_texts, n_labels) for a feature matrix; rows sum to 1."""
        scores = _log_softmax(matrix @ self._weights + self._bias)
        if self._layers:
            (w1, b1), (w2, b2) = self._layers
            deep = _log_softmax(np.maximum(matrix @ w1 + b1, 0) @ w2 + b2)
            scores = np.logaddexp(scores, deep)
        return np.exp(_log_softmax(scores / self.temperature))

    def predict_proba(self, texts: Sequence[CleanText]) -> Probabilities:
        """Return probabilities (n_texts, n_labels); columns follow ``labels``, rows sum to 1."""
        if not texts:
            return np.zeros((0, len(self.labels)))
        return self.predict_features(self.features(texts))

    def understand(self, text: CleanText) -> Understanding:
        """Return the :class:`~bot.types.Understanding` of one message."""
        row = self.predict_proba([text])[0]
        return Understanding(dict(zip(self.labels, row.tolist(), strict=True)))

    def _assemble(self, texts: Sequence[CleanText], reduced: Vectors) -> Vectors:
        blocks = [get_encoder(name).encode([t.lower for t in texts]) for name in self.config.encoders]
        return np.hstack([*blocks, reduced]) * np.float32(self.config.scale)


def _log_softmax(scores: NDArray[np.floating]) -> Probabilities:
    wide = np.asarray(scores, dtype=np.float64)
    wide = wide - wide.max(axis=1, keepdims=True)
    return wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))
