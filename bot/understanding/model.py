"""The topic model: an ordinary estimator, from plain texts to calibrated probabilities."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier

from bot.cleaning import CleanText
from bot.types import Understanding
from bot.understanding.config import TopicModelConfig
from bot.understanding.encoders import get_encoder
from bot.understanding.features import CompactMatrix, NgramEncoder

Vectors = NDArray[np.float32]
Probabilities = NDArray[np.float64]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Features:
    """What the classifiers read.

    Args:
        dense: (n_texts, n_dimensions) sentence vectors and reduced n-grams, side by side.
        counts: (n_texts, vocabulary) TF-IDF of n-grams: keeps the rare words that the reduction loses.
    """

    dense: Vectors
    counts: csr_matrix


class TopicModel:
    """Calibrated probabilities over topics, conversation acts and non-requests.

    Three classifiers vote by a weighted mean of log-probabilities: a logistic regression and a perceptron on
    dense features (meaning), and a linear classifier on sparse n-grams (rare words, short messages).
    ``fit`` then ``predict_proba``, as in scikit-learn; parameters are set in ``__init__``.
    The temperature is set by :mod:`bot.training` on messages the model has not seen
    (temperature scaling: Guo et al., 2017).

    Args:
        config: see :class:`TopicModelConfig`.
    """

    def __init__(self, config: TopicModelConfig | None = None) -> None:
        self.config = config or TopicModelConfig()
        self.temperature = 1.0

    def fit(self, texts: Sequence[CleanText], labels: Sequence[str], progress: Progress | None = None) -> TopicModel:
        """Learn.

        Args:
            texts: cleaned messages, (n_samples,).
            labels: one label each, (n_samples,); at least two different ones.
            progress: receives a French sentence at each step.

        Raises:
            ValueError: fewer than two different labels.
        """
        say = progress or (lambda _sentence: None)
        self.labels = tuple(sorted(set(labels)))
        if len(self.labels) < 2:
            raise ValueError("at least two different labels are needed")
        index = {label: i for i, label in enumerate(self.labels)}
        targets = np.array([index[label] for label in labels])
        say("mots et lettres")
        self.ngrams = NgramEncoder(self.config.ngrams)
        counts = self.ngrams.fit_counts([t.plain for t in texts])
        with ThreadPoolExecutor(max_workers=1) as pool:  # linear algebra releases the interpreter: two cores work
            keywords = pool.submit(self._fit_keywords, counts, targets)
            reduced = self.ngrams.fit_reduction(counts)
            say("sens des phrases")
            dense = self.dense(texts, reduced)
            keywords.result()
        say("classement")
        self._fit_dense(dense, targets)
        return self

    def features(self, texts: Sequence[CleanText]) -> Features:
        """Return the :class:`Features` of texts, for a fitted model."""
        counts = self.ngrams.counts([t.plain for t in texts])
        return Features(self.dense(texts, self.ngrams.reduce(counts)), counts)

    def dense(self, texts: Sequence[CleanText], reduced: Vectors) -> Vectors:
        """Return the dense block: one vector per sentence encoder, then the reduced n-grams."""
        blocks = [get_encoder(name).encode([t.unaccented for t in texts]) for name in self.config.encoders]
        return self.join([*blocks, reduced])

    def join(self, blocks: Sequence[Vectors]) -> Vectors:
        """Return unit blocks side by side, scaled for the classifiers."""
        return np.hstack(blocks) * np.float32(self.config.scale)

    def scores(self, features: Features) -> Probabilities:
        """Return log-probabilities before the temperature, (n_texts, n_labels)."""
        scores = _log_softmax(features.dense @ self._weights + self._bias)
        if self._layers:
            (w1, b1), (w2, b2) = self._layers
            deep = _log_softmax(np.maximum(features.dense @ w1 + b1, 0) @ w2 + b2)
            scores = (scores + deep) / 2
        share = self.config.keyword_weight
        if share:
            words = _log_softmax(self._keywords.left_multiply(features.counts) + self._keyword_bias)
            scores = (1 - share) * scores + share * words
        return scores

    def calibrate(self, scores: Probabilities) -> Probabilities:
        """Return probabilities (n_texts, n_labels) from :meth:`scores`, at the current temperature; rows sum to 1."""
        return np.exp(_log_softmax(scores / self.temperature))

    def predict_features(self, features: Features) -> Probabilities:
        """Return probabilities (n_texts, n_labels); rows sum to 1."""
        return self.calibrate(self.scores(features))

    def predict_proba(self, texts: Sequence[CleanText]) -> Probabilities:
        """Return probabilities (n_texts, n_labels); columns follow ``labels``, rows sum to 1."""
        if not texts:
            return np.zeros((0, len(self.labels)))
        return self.predict_features(self.features(texts))

    def understand(self, text: CleanText) -> Understanding:
        """Return the :class:`~bot.types.Understanding` of one message."""
        return self.understanding(self.predict_proba([text])[0])

    def understanding(self, row: NDArray[np.float64]) -> Understanding:
        """Return one row of probabilities as an :class:`~bot.types.Understanding`."""
        return Understanding(dict(zip(self.labels, row.tolist(), strict=True)))

    def _fit_dense(self, dense: Vectors, targets: NDArray[np.int64]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early on purpose: measured as good
            regression = LogisticRegression(C=self.config.regularisation, max_iter=self.config.iterations)
            regression.fit(dense, targets)
            self._weights, self._bias = _both_sides(regression.coef_.T, regression.intercept_)
            self._layers: list[tuple[Vectors, Vectors]] = []
            if self.config.hidden and len(self.labels) > 2:
                perceptron = MLPClassifier(
                    (self.config.hidden,), alpha=1e-4, max_iter=self.config.epochs, batch_size=min(128, len(targets)), random_state=0
                )
                perceptron.fit(dense, targets)
                self._layers = [
                    (w.astype(np.float32), b.astype(np.float32)) for w, b in zip(perceptron.coefs_, perceptron.intercepts_, strict=True)
                ]

    def _fit_keywords(self, counts: csr_matrix, targets: NDArray[np.int64]) -> None:
        if not self.config.keyword_weight:
            return
        linear = SGDClassifier(
            loss="log_loss", alpha=self.config.keyword_penalty, max_iter=self.config.keyword_passes, tol=None, random_state=0
        )
        linear.fit(counts, targets)
        weights, self._keyword_bias = _both_sides(linear.coef_.T, linear.intercept_)
        self._keywords = CompactMatrix(weights)


def _both_sides(weights: NDArray[np.floating], bias: NDArray[np.floating]) -> tuple[Vectors, Vectors]:
    """scikit-learn keeps one column for two classes: return one column per class."""
    weights, bias = weights.astype(np.float32), bias.astype(np.float32)
    if weights.shape[1] == 1:
        return np.hstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return np.ascontiguousarray(weights), bias


def _log_softmax(scores: NDArray[np.floating]) -> Probabilities:
    wide = np.asarray(scores, dtype=np.float64)
    wide = wide - wide.max(axis=1, keepdims=True)
    return wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))
