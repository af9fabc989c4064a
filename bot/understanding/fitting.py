"""Learn a topic model. Every core works all the time: linear algebra on one thread each, several pieces of work at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD
from threadpoolctl import threadpool_limits

from bot.language.cleaning import CleanText
from bot.understanding.config import NgramConfig, TopicModelConfig
from bot.understanding.encoders import get_encoder
from bot.understanding.features import CompactMatrix, SparseRows, Vectors, unit
from bot.understanding.model import Layer, Progress, TopicModel
from bot.understanding.word_vectors import WordVectors

Targets = NDArray[np.int64]

CHUNK = 1024
"""Texts encoded in one piece of work."""
REDUCTION_MESSAGES = 20_000
"""Messages, evenly spread over the corpus, from which the reduction of n-grams is learnt: more change nothing."""
BATCH = 128
"""Messages per step of the perceptron and of the keyword classifier."""
STEP, FIRST_MOMENT, SECOND_MOMENT, TINY = np.float32(1e-3), np.float32(0.9), np.float32(0.999), np.float32(1e-8)
"""Adam's constants (Kingma & Ba, 2015, algorithm 1)."""
KEYWORD_STEP, BIAS_STEP, FIRST_MOVE = np.float32(1.5), np.float32(0.15), np.float32(1e-3)
"""How far the keyword classifier moves at each step, its bias apart; what a feature never seen has moved."""
DECAY = np.float32(1e-4)
"""L2 penalty of the perceptron."""
LEAST_STEPS = 300
"""A small corpus is read more times than said, until the perceptron has made these steps."""


def fit(model: TopicModel, texts: Sequence[CleanText], labels: Sequence[str], say: Progress) -> None:
    """Set what ``model`` learns from messages.

    Args:
        model: changed in place.
        texts: cleaned messages, (n_samples,).
        labels: one label each, (n_samples,); at least two different ones.
        say: receives a French sentence at each step.

    Raises:
        ValueError: fewer than two different labels.
    """
    config = model.config
    names = tuple(sorted(set(labels)))
    if len(names) < 2:
        raise ValueError("at least two different labels are needed")
    index = {label: i for i, label in enumerate(names)}
    targets = np.array([index[label] for label in labels])
    say("mots et lettres")
    plain = [t.plain for t in texts]
    counts = _as_scipy(model.ngrams.fit_counts(plain))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with threadpool_limits(1), ThreadPoolExecutor(max(2, cores)) as pool, ThreadPoolExecutor(1) as aside:
        keywords = aside.submit(_fit_keywords, counts, targets, len(names), config)
        say("sens des phrases")
        reduction = pool.submit(_fit_reduction, counts, config.ngrams)
        words = pool.submit(_read_words, model, plain)
        encoded = [_encoded(pool, name, [t.unaccented for t in texts]) for name in config.encoders]
        projection, reduced = reduction.result()
        dense = model.join([*(np.vstack([part.result() for part in parts]) for parts in encoded), reduced, *words.result()])
        say("classement")
        model.perceptron, model.keywords = _fit_perceptron(dense, targets, len(names), config), keywords.result()
    model.labels, model.ngrams.projection = names, projection


def _read_words(model: TopicModel, plain: Sequence[str]) -> list[Vectors]:
    model.words = WordVectors.of_spacy(model.config.word_vectors) if model.config.word_vectors else None
    return model.read_words(plain)


def _as_scipy(rows: SparseRows) -> csr_matrix:
    return csr_matrix((rows.data, rows.indices, rows.indptr), shape=(len(rows), rows.columns))


def _encoded(pool: ThreadPoolExecutor, name: str, texts: Sequence[str]) -> list[Future[Vectors]]:
    """Return the vectors of ``texts``, in pieces being computed."""
    encoder = get_encoder(name)
    return [pool.submit(encoder.encode, texts[start : start + CHUNK]) for start in range(0, len(texts), CHUNK)]


def _fit_reduction(counts: csr_matrix, config: NgramConfig) -> tuple[CompactMatrix, Vectors]:
    """Return the projection of counts (latent semantic analysis, learnt on some messages), and the vectors of ``counts``."""
    some = counts[:: -(-counts.shape[0] // REDUCTION_MESSAGES)]
    dimensions = max(1, min(config.dimensions, some.shape[1] - 1, some.shape[0] - 1))
    svd = TruncatedSVD(dimensions, n_iter=config.iterations, random_state=0).fit(some)
    return CompactMatrix.of(svd.components_.T), unit(counts @ np.ascontiguousarray(svd.components_.T, dtype=np.float32))


def _fit_keywords(counts: csr_matrix, targets: Targets, labels: int, config: TopicModelConfig) -> tuple[CompactMatrix, Vectors] | None:
    """Multinomial logistic regression on sparse counts, by AdaGrad with one rate per feature (Duchi et al., 2011).

    A step only reads and moves the features that its messages hold.
    """
    if not config.keyword_weight:
        return None
    rng = np.random.default_rng(0)
    weights, bias = np.zeros((counts.shape[1], labels), dtype=np.float32), np.zeros(labels, dtype=np.float32)
    moved = np.full(counts.shape[1], FIRST_MOVE, dtype=np.float32)
    for _ in range(config.keyword_passes):
        order = rng.permutation(counts.shape[0])
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            rows = counts[chosen]
            errors, _entropy = _softmax_errors(rows @ weights + bias, np.arange(len(chosen)), targets[chosen])
            held, places = np.unique(rows.indices, return_inverse=True)
            narrow = csr_matrix((rows.data, places.astype(np.int32), rows.indptr), shape=(len(chosen), len(held)))
            gradient = narrow.T @ errors
            moved[held] += np.einsum("ij,ij->i", gradient, gradient)
            gradient *= (KEYWORD_STEP / np.sqrt(moved[held]))[:, None]
            weights[held] -= gradient
            bias -= BIAS_STEP * errors.mean(axis=0)
    return CompactMatrix.of(weights), bias


def _fit_perceptron(dense: Vectors, targets: Targets, labels: int, config: TopicModelConfig) -> tuple[Layer, ...]:
    """One hidden layer of rectified units, or none, by Adam: ``MLPClassifier`` of scikit-learn without its copies."""
    rng = np.random.default_rng(0)
    layers = tuple(_glorot(rng, *sizes) for sizes in pairwise(n for n in (dense.shape[1], config.hidden, labels) if n))
    adam = _Adam([part for layer in layers for part in layer])
    for _ in range(max(config.epochs, -(-LEAST_STEPS // -(-len(dense) // BATCH)))):
        order = rng.permutation(len(dense))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            inputs = [dense[chosen]]
            for weights, bias in layers[:-1]:
                inputs.append(np.maximum(inputs[-1] @ weights + bias, 0))
            weights, bias = layers[-1]
            errors, _entropy = _softmax_errors(inputs[-1] @ weights + bias, np.arange(len(chosen)), targets[chosen])
            errors /= np.float32(len(chosen))
            decay = DECAY / np.float32(len(chosen))
            gradients: list[Vectors] = []
            for (weights, _bias), read in zip(reversed(layers), reversed(inputs), strict=True):
                gradients = [read.T @ errors + decay * weights, errors.sum(axis=0), *gradients]
                errors = (errors @ weights.T) * (read > 0)
            adam.step(gradients)
    return layers


class _Adam:
    """Adam (Kingma & Ba, 2015), in place.

    Args:
        weights: arrays to move.
    """

    def __init__(self, weights: Sequence[Vectors]) -> None:
        self._weights = weights
        self._first = [np.zeros_like(w) for w in weights]
        self._second = [np.zeros_like(w) for w in weights]
        self._steps = 0

    def step(self, gradients: Sequence[Vectors]) -> None:
        """Move the weights once; ``gradients`` are used as scratch."""
        self._steps += 1
        rate = STEP * np.float32(np.sqrt(1 - float(SECOND_MOMENT) ** self._steps) / (1 - float(FIRST_MOMENT) ** self._steps))
        for weight, first, second, gradient in zip(self._weights, self._first, self._second, gradients, strict=True):
            first += (1 - FIRST_MOMENT) * (gradient - first)
            np.square(gradient, out=gradient)
            gradient -= second
            gradient *= 1 - SECOND_MOMENT
            second += gradient
            np.sqrt(second, out=gradient)
            gradient += TINY
            np.divide(first, gradient, out=gradient)
            gradient *= rate
            weight -= gradient


def _glorot(rng: np.random.Generator, inputs: int, outputs: int) -> Layer:
    bound = np.sqrt(6 / (inputs + outputs))
    weights, bias = rng.uniform(-bound, bound, (inputs, outputs)), rng.uniform(-bound, bound, outputs)
    return weights.astype(np.float32), bias.astype(np.float32)


def _softmax_errors(scores: Vectors, rows: NDArray[np.int64], targets: Targets) -> tuple[Vectors, float]:
    """Return the gradient of the cross-entropy by ``scores`` (computed in their place), and the cross-entropy summed."""
    scores -= scores.max(axis=1, keepdims=True)
    right = scores[rows, targets].astype(np.float64)
    np.exp(scores, out=scores)
    sums = scores.sum(axis=1, keepdims=True)
    scores /= sums
    scores[rows, targets] -= 1
    return scores, float((np.log(sums[:, 0].astype(np.float64)) - right).sum())
