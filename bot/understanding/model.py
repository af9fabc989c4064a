"""The topic model: from plain texts to calibrated probabilities. Needs numpy only; learning is in ``fitting``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.base.stopwatch import stage
from bot.language.cleaning import CleanText
from bot.understanding.config import TopicModelConfig
from bot.understanding.encoders import get_encoder
from bot.understanding.features import CompactMatrix, NgramEncoder, SparseRows
from bot.understanding.outcome import Understanding
from bot.understanding.products import product
from bot.understanding.tensors import Tensors
from bot.understanding.use import Fragments
from bot.understanding.word_vectors import WordVectors

Vectors = NDArray[np.float32]
Probabilities = NDArray[np.float64]
Progress = Callable[[str], None]
Layer = tuple[Vectors, Vectors]
"""Weights (n_inputs, n_outputs) and bias (n_outputs,)."""

COMMON_TERMS = 16384
"""Terms of which the weights are kept in memory: 92 of the hundred that a message asks for."""
SETTLED = 0.99
"""Probability by keywords alone from which a message is read no further: 757 of 1,023 kept aside, 4 wrong; 3 when read whole."""


@dataclass(frozen=True)
class Features:
    """What the classifiers read.

    Args:
        dense: (n_texts, n_dimensions) sentence vectors, reduced n-grams and word vectors, side by side.
        keywords: (n_texts, n_labels) scores of the keyword classifier, ``None`` without one.
    """

    dense: Vectors
    keywords: Vectors | None


@dataclass(frozen=True)
class Skimmed:
    """Texts of which the keywords alone were read.

    Args:
        texts: (n_texts,).
        counts: of their n-grams.
        keywords: scores of the keyword classifier, (n_texts, n_labels), ``None`` without one.
        told: probabilities by keywords alone, (n_texts, n_labels), ``None`` when they are not calibrated.
    """

    texts: Sequence[CleanText]
    counts: SparseRows
    keywords: Vectors | None
    told: Probabilities | None


class TopicModel:
    """Calibrated probabilities over topics, conversation acts and non-requests.

    Two classifiers vote by a weighted mean of log-probabilities: a perceptron on dense features (meaning), and a
    linear classifier on sparse n-grams (rare words, short messages). The second is calibrated by itself as well: of what it
    settles alone, :meth:`glance` reads nothing else.
    ``fit`` then ``predict_proba``, as in scikit-learn; parameters are set in ``__init__``.
    The temperatures are set by :mod:`bot.learning.tuning` on messages the model has not seen
    (temperature scaling: Guo et al., 2017); that of keywords is 0 until then, and they settle nothing.

    Args:
        config: see :class:`TopicModelConfig`.
    """

    labels: tuple[str, ...]
    perceptron: tuple[Layer, ...]
    keywords: tuple[CompactMatrix, Vectors] | None
    words: WordVectors | None

    def __init__(self, config: TopicModelConfig | None = None) -> None:
        self.config = config or TopicModelConfig()
        self.ngrams = NgramEncoder(self.config.ngrams)
        self.words = None
        self.temperature = 1.0
        self.keyword_temperature = 0.0

    def fit(self, texts: Sequence[CleanText], labels: Sequence[str], progress: Progress | None = None) -> TopicModel:
        """Learn; see :func:`bot.understanding.fitting.fit`."""
        from bot.understanding.fitting import fit  # scikit-learn and scipy: never needed to answer

        fit(self, texts, labels, progress or (lambda _sentence: None))
        return self

    def features(self, texts: Sequence[CleanText], fragments: Fragments | None = None) -> Features:
        """Return the :class:`Features` of texts, for a fitted model.

        Args:
            texts: cleaned messages, or the clauses of some.
            fragments: see :meth:`bot.understanding.encoders.SentenceEncoder.encode`.
        """
        counts = self.ngrams.counts([t.plain for t in texts])
        return self._features(texts, counts, self._keyword_scores(counts), fragments)

    def _features(self, texts: Sequence[CleanText], counts: SparseRows, keywords: Vectors | None, fragments: Fragments | None) -> Features:
        encoded = [get_encoder(name).encode([t.unaccented for t in texts], fragments) for name in self.config.encoders]
        return Features(self.join([*encoded, self.ngrams.reduce(counts), *self.read_words([t.plain for t in texts])]), keywords)

    @stage("mots seuls")
    def _keyword_scores(self, counts: SparseRows) -> Vectors | None:
        if self.keywords is None:
            return None
        matrix, bias = self.keywords
        scores: Vectors = matrix.left_multiply(counts) + bias
        return scores

    @stage("sens des mots")
    def read_words(self, plain: Sequence[str]) -> list[Vectors]:
        """Return the block of word vectors, (n_texts, dimensions); none when the model has no word vectors."""
        if self.words is None:
            return []
        return [self.words.encode(plain, self.ngrams.rarity)]

    def join(self, blocks: Sequence[Vectors]) -> Vectors:
        """Return unit blocks side by side, scaled for the classifiers: sentence encoders, reduced n-grams, word vectors."""
        joined: Vectors = np.hstack(blocks)
        joined *= np.float32(self.config.scale)
        return joined

    def scores(self, features: Features) -> Probabilities:
        """Return log-probabilities before the temperature, up to a constant in each row, (n_texts, n_labels)."""
        *hidden, (weights, bias) = self.perceptron
        read = features.dense
        for w, b in hidden:
            read = np.maximum(product(read, w) + b, 0)
        scores = product(read, weights) + bias
        if features.keywords is not None:
            share = np.float32(self.config.keyword_weight)
            scores *= 1 - share
            scores += share * features.keywords
        return scores

    def calibrate(self, scores: Probabilities) -> Probabilities:
        """Return probabilities (n_texts, n_labels) from :meth:`scores`, at the current temperature; rows sum to 1."""
        return at_temperature(scores, self.temperature)

    @stage("classement")
    def predict_features(self, features: Features) -> Probabilities:
        """Return probabilities (n_texts, n_labels); rows sum to 1."""
        return self.calibrate(self.scores(features))

    def predict_proba(self, texts: Sequence[CleanText], fragments: Fragments | None = None) -> Probabilities:
        """Return probabilities (n_texts, n_labels); columns follow ``labels``, rows sum to 1.

        Args:
            texts, fragments: as for :meth:`features`.
        """
        if not texts:
            return np.zeros((0, len(self.labels)))
        return self.predict_features(self.features(texts, fragments))

    def glance(self, texts: Sequence[CleanText], fragments: Fragments | None = None) -> tuple[Probabilities, NDArray[np.bool_]]:
        """Return probabilities as :meth:`predict_proba`, and of which texts keywords alone read them, being sure of one label.

        Args:
            texts, fragments: as for :meth:`features`.
        """
        skimmed = self.skim(texts)
        if skimmed.told is None:
            return self.read_on(skimmed, np.arange(len(texts)), fragments), np.zeros(len(texts), dtype=bool)
        probabilities = skimmed.told.copy()
        settled = probabilities.max(axis=1, initial=0.0) >= SETTLED
        doubt = np.flatnonzero(~settled)
        probabilities[doubt] = self.read_on(skimmed, doubt, fragments)
        return probabilities, settled

    def skim(self, texts: Sequence[CleanText]) -> Skimmed:
        """Read the keywords of texts, and nothing else yet."""
        counts = self.ngrams.counts([t.plain for t in texts])
        keywords = self._keyword_scores(counts)
        told = None if keywords is None or not self.keyword_temperature else at_temperature(keywords, self.keyword_temperature)
        return Skimmed(texts, counts, keywords, told)

    def read_on(self, skimmed: Skimmed, some: NDArray[np.int64], fragments: Fragments | None = None) -> Probabilities:
        """Return probabilities as :meth:`predict_proba` of some texts already skimmed.

        Args:
            skimmed: from :meth:`skim`.
            some: numbers of the texts, increasing, (n,).
            fragments: as for :meth:`features`.
        """
        if not len(some):
            return np.zeros((0, len(self.labels)))
        keywords = None if skimmed.keywords is None else skimmed.keywords[some]
        return self.predict_features(self._features([skimmed.texts[i] for i in some], skimmed.counts.some(some), keywords, fragments))

    def understand(self, text: CleanText) -> Understanding:
        """Return the :class:`~bot.routing.types.Understanding` of one message."""
        return self.understanding(self.predict_proba([text])[0])

    def understanding(self, row: NDArray[np.float64]) -> Understanding:
        """Return one row of probabilities as an :class:`~bot.routing.types.Understanding`."""
        return Understanding(dict(zip(self.labels, row.tolist(), strict=True)))

    def as_tensors(self) -> tuple[Tensors, dict[str, str]]:
        """Return all that was learnt, as arrays and texts."""
        assert self.ngrams.projection is not None, "the model is fitted first"
        tensors: dict[str, NDArray[Any]] = {"idf": self.ngrams.idf}
        matrices = {"projection": self.ngrams.projection}
        for i, (weights, bias) in enumerate(self.perceptron):
            tensors |= {f"perceptron.{i}.poids": weights, f"perceptron.{i}.biais": bias}
        if self.keywords:
            matrices["mots"], tensors["mots.biais"] = self.keywords
        if self.words:
            matrices["vecteurs"] = self.words.vectors
            tensors |= {"vecteurs.mots": self.words.hashes, "vecteurs.rangs": self.words.rows}
        for name, matrix in matrices.items():
            tensors |= {f"{name}.valeurs": np.asarray(matrix.values), f"{name}.echelle": matrix.scale}
        texts = {
            "reglages": json.dumps(self.config.as_mapping()),
            "etiquettes": "\n".join(self.labels),
            "mots": "\n".join(self.ngrams.words),
            "lettres": "\n".join(self.ngrams.characters),
            "temperature": repr(self.temperature),
            "temperature_mots": repr(self.keyword_temperature),
        }
        return tensors, texts

    @classmethod
    def from_tensors(cls, tensors: Tensors, texts: Mapping[str, str]) -> TopicModel:
        """Build the model again from what :meth:`as_tensors` returned.

        Raises:
            KeyError, TypeError, ValueError: something is missing, or shapes do not fit together.
        """
        model = cls(TopicModelConfig.from_mapping(json.loads(texts["reglages"])))
        model.labels = tuple(texts["etiquettes"].split("\n"))
        model.temperature = float(texts["temperature"])
        model.keyword_temperature = float(texts.get("temperature_mots", 0))
        model.ngrams.set_terms(_lines(texts["mots"]), _lines(texts["lettres"]), tensors["idf"])
        model.ngrams.projection = _compact(tensors, "projection")
        model.perceptron = tuple(_layer(tensors, f"perceptron.{i}") for i in range(2 if model.config.hidden else 1))
        model.keywords = (_compact(tensors, "mots"), tensors["mots.biais"]) if "mots.valeurs" in tensors else None
        if model.config.word_vectors:
            model.words = WordVectors(tensors["vecteurs.mots"], tensors["vecteurs.rangs"], _compact(tensors, "vecteurs"))
        terms, outputs = len(model.ngrams.idf), {model.perceptron[-1][1].shape[0]}
        if model.keywords:
            outputs |= {model.keywords[0].values.shape[1], model.keywords[1].shape[0]}
        matrices = [model.ngrams.projection, *([model.keywords[0]] if model.keywords else [])]
        if outputs != {len(model.labels)} or any(m.values.shape[0] != terms for m in matrices):
            raise ValueError("the parts of the model do not fit together")
        common = np.sort(np.argsort(model.ngrams.idf, kind="stable")[:COMMON_TERMS])
        for matrix in matrices:
            matrix.keep(common)
        if model.words:
            model.words.vectors.keep(np.arange(len(model.words.vectors.scale)))
        return model


def at_temperature(scores: NDArray[np.floating[Any]], temperature: float) -> Probabilities:
    """Return probabilities from log-probabilities known up to a constant in each row; rows sum to 1."""
    return np.exp(log_softmax(scores / temperature))


def log_softmax(scores: NDArray[np.floating[Any]]) -> Probabilities:
    """Return the logarithm of the softmax of each row, in double precision."""
    wide = np.asarray(scores, dtype=np.float64)
    wide = wide - wide.max(axis=1, keepdims=True)
    scores_of: Probabilities = wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))
    return scores_of


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _layer(tensors: Tensors, name: str) -> Layer:
    weights, bias = tensors[f"{name}.poids"], tensors[f"{name}.biais"]
    if weights.ndim != 2 or bias.shape != weights.shape[1:]:
        raise ValueError("one bias per output is needed")
    return weights, bias


def _compact(tensors: Tensors, name: str) -> CompactMatrix:
    return CompactMatrix(tensors[f"{name}.valeurs"], tensors[f"{name}.echelle"])
