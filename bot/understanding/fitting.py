"""Learn a topic model. Every core works all the time: linear algebra on one thread each, several pieces of work at once."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
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
BATCH, STEP = 512, 2e-3
"""Messages per step of the perceptron, and its rate (Adam: Kingma & Ba, 2015)."""
LEAST_STEPS = 300
"""A small corpus is read more times than said, until the perceptron has made these steps."""
ENOUGH = 50
"""Messages from which a label stands its ground among the others; one that has fewer is read again until it has as many."""
LIFT, MOST_LIFT = 5.0, 6.0
"""What the score of a label gains for each e-fold it is short of :data:`ENOUGH`, and at most: what fifteen messages teach is read in
those messages only, and their neighbours, taught by a hundred, win every other (logit adjustment: Menon et al., 2021; both values
measured by ``python -m scripts.mesures apprendre``)."""
KEYWORD_BATCH = 128
NEGLIGIBLE, LEARNT = 0.01, 0.05
"""Errors of the keyword classifier that move nothing; error on its label under which a message is learnt, and not read again."""
KEYWORD_STEP, BIAS_STEP, FIRST_MOVE = np.float32(1.5), np.float32(0.15), np.float32(1e-3)
"""How far the keyword classifier moves at each step, its bias apart; what a feature never seen has moved."""


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
    lift = lift_of(np.bincount(targets))
    texts, targets = read_again(texts, targets)
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
        *hidden, (weights, bias) = _fit_perceptron(dense, targets, len(names), config)
        found = keywords.result()
    model.perceptron, model.keywords = (*hidden, (weights, bias + lift)), found and (found[0], found[1] + lift)
    model.labels, model.ngrams.projection = names, projection


def read_again(texts: Sequence[CleanText], targets: Targets) -> tuple[list[CleanText], Targets]:
    """Return messages and labels, with those of scarce labels written several times: their words enter the vocabulary too.

    Args:
        texts: (n_samples,).
        targets: number of the label of each, (n_samples,).
    """
    counts = np.bincount(targets)
    enough = _enough(counts)
    more = [np.resize(np.flatnonzero(targets == label), enough - counts[label]) for label in np.flatnonzero(counts < enough)]
    rows = np.concatenate([np.arange(len(targets)), *more])
    return [texts[i] for i in rows], targets[rows]


def lift_of(counts: Targets) -> Vectors:
    """Return what the score of each label gains for being scarce, (n_labels,).

    Args:
        counts: messages of each label, (n_labels,), none of them 0.
    """
    lift: Vectors = np.clip(LIFT * np.log(_enough(counts) / counts), 0.0, MOST_LIFT).astype(np.float32)
    return lift


def _enough(counts: Targets) -> int:
    """Return the messages below which a label is scarce: in a small corpus, beside the others."""
    return min(ENOUGH, int(np.median(counts).item()))


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

    A step only moves the features that its messages hold, towards the labels that it is wrong about; what is learnt is not read again.
    """
    if not config.keyword_weight:
        return None
    rng = np.random.default_rng(0)
    weights, bias = np.zeros((counts.shape[1], labels), dtype=np.float32), np.zeros(labels, dtype=np.float32)
    moved = np.full(counts.shape[1], FIRST_MOVE, dtype=np.float32)
    missed = np.ones(counts.shape[0], dtype=np.float32)
    for _ in range(config.keyword_passes):
        order = rng.permutation(np.flatnonzero(missed > LEARNT))
        for start in range(0, len(order), KEYWORD_BATCH):
            chosen = order[start : start + KEYWORD_BATCH]
            rows = counts[chosen]
            errors = errors_of(rows @ weights + bias, targets[chosen])
            missed[chosen] = -errors[np.arange(len(chosen)), targets[chosen]]
            bias -= BIAS_STEP * errors.mean(axis=0)
            slopes = slopes_of(rows, errors, NEGLIGIBLE)
            held = held_by(slopes)
            if len(held):
                moved[held] += np.add.reduceat(np.square(slopes.data), slopes.indptr[held])
            descend(weights, slopes, held, KEYWORD_STEP / np.sqrt(moved[held]))
    return CompactMatrix.of(weights), bias


def errors_of(scores: Vectors, targets: Targets) -> Vectors:
    """Return the softmax of each row less 1 at its label, in single precision and in the place of ``scores``.

    Args:
        scores: (n_rows, n_labels).
        targets: (n_rows,) number of the label of each.
    """
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    scores[np.arange(len(scores)), targets] -= 1
    return scores


def slopes_of(rows: csr_matrix, errors: Vectors, least: float) -> csr_matrix:
    """Return the gradient of the weights of a linear classifier, (n_features, n_labels): sparse, since most errors are next to nothing.

    Args:
        rows: (n_rows, n_features).
        errors: (n_rows, n_labels), changed.
        least: error under which nothing is moved.
    """
    errors[np.abs(errors) < least] = 0
    return rows.T.tocsr() @ csr_matrix(errors)


def held_by(slopes: csr_matrix) -> NDArray[np.int64]:
    """Return the features that a gradient moves, in order."""
    return np.flatnonzero(np.diff(slopes.indptr))


def descend(weights: Vectors, slopes: csr_matrix, held: NDArray[np.int64], rates: Vectors) -> None:
    """Move weights down their gradient.

    Args:
        weights: (n_features, n_labels), contiguous, changed.
        slopes: (n_features, n_labels).
        held: the features that it moves, (n_held,).
        rates: of each of these, (n_held,).
    """
    sizes = slopes.indptr[held + 1] - slopes.indptr[held]
    places = np.repeat(held * weights.shape[1], sizes) + slopes.indices
    weights.reshape(-1)[places] -= slopes.data * np.repeat(rates, sizes)


def _fit_perceptron(dense: Vectors, targets: Targets, labels: int, config: TopicModelConfig) -> tuple[Layer, ...]:
    """One hidden layer of rectified units, or none: ``MLPClassifier`` of scikit-learn."""
    size = min(BATCH, len(dense))
    passes = max(config.epochs, -(-LEAST_STEPS // -(-len(dense) // size)))
    found = MLPClassifier(
        (config.hidden,) if config.hidden else (), batch_size=size, learning_rate_init=STEP, max_iter=passes, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it stops where it is told to
        found.fit(dense, targets)
    if labels == 2:  # scikit-learn keeps the odds of the second label only
        for parts in (found.coefs_, found.intercepts_):
            parts[-1] = np.stack([np.zeros_like(parts[-1][..., 0]), parts[-1][..., 0]], axis=-1)
    return tuple((w.astype(np.float32), b.astype(np.float32)) for w, b in zip(found.coefs_, found.intercepts_, strict=True))
