"""Ways to turn messages into numbers, behind one small interface; what is slow is computed once a text."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.language.cleaning import CleanText
from bot.understanding.config import NgramConfig
from bot.understanding.encoders import get_encoder
from bot.understanding.features import CompactMatrix, NgramEncoder, SparseRows, unit
from bot.understanding.use import Fragments

Matrix = Any
Vectors = NDArray[np.float32]
SPACY_MODEL = "fr_core_news_md"
CONTENT = frozenset({"NOUN", "PROPN", "VERB", "ADJ"})


class Block(Protocol):
    """One kind of features: learn on training messages, then read others."""

    def fit(self, texts: Sequence[CleanText]) -> Matrix:
        """Learn, and return the features of ``texts``, (n_texts, n_features)."""
        ...

    def transform(self, texts: Sequence[CleanText]) -> Matrix:
        """Return the features of other texts, (n_texts, n_features)."""
        ...


class Memory:
    """Computes a value once a text, and knows how long the computing took.

    Args:
        compute: from new keys to one value each.
        key: what of a text the value depends on.
    """

    def __init__(self, compute: Callable[[Sequence[Any]], Sequence[Any]], key: Callable[[CleanText], Hashable] = lambda text: text) -> None:
        self._compute = compute
        self._key = key
        self._values: dict[Hashable, Any] = {}
        self._seconds: dict[Hashable, float] = {}

    def get(self, texts: Sequence[CleanText]) -> list[Any]:
        """Return one value a text."""
        return self.of([self._key(t) for t in texts])

    def of(self, keys: Sequence[Hashable]) -> list[Any]:
        """Return one value a key."""
        new = list(dict.fromkeys(k for k in keys if k not in self._values))
        if new:
            start = time.perf_counter()
            values = self._compute(new)
            each = (time.perf_counter() - start) / len(new)
            self._values.update(zip(new, values, strict=True))
            self._seconds.update(dict.fromkeys(new, each))
        return [self._values[k] for k in keys]

    def seconds(self, texts: Sequence[CleanText]) -> float:
        """Return the time that the values of ``texts`` took when they were computed."""
        return sum(self._seconds.get(self._key(t), 0.0) for t in texts)

    def forget(self, texts: Sequence[CleanText]) -> None:
        """Drop the values of ``texts``, to time them again."""
        for text in texts:
            self._values.pop(self._key(text), None)


class EncoderBlock:
    """A sentence encoder of the project (``use``, ``e5``).

    Args:
        name: see :func:`bot.understanding.encoders.get_encoder`.
    """

    def __init__(self, name: str) -> None:
        encoder = get_encoder(name)
        self.dimensions = encoder.dimensions
        self.memory = Memory(lambda keys: list(encoder.encode(keys)), key=lambda text: text.unaccented)

    def encode(self, texts: Sequence[str], fragments: Fragments | None = None) -> Vectors:
        """Stand for the encoder itself."""
        return np.array(self.memory.of(texts), dtype=np.float32)

    def fit(self, texts: Sequence[CleanText]) -> Vectors:
        return self.transform(texts)

    def transform(self, texts: Sequence[CleanText]) -> Vectors:
        return np.array(self.memory.get(texts), dtype=np.float32)


class CountsBlock:
    """TF-IDF of words and character n-grams, kept sparse.

    Args:
        config: sizes and thresholds.
    """

    def __init__(self, config: NgramConfig) -> None:
        self._ngrams = NgramEncoder(config)

    def fit(self, texts: Sequence[CleanText]) -> csr_matrix:
        return _as_scipy(self._ngrams.fit_counts([t.plain for t in texts]))

    def transform(self, texts: Sequence[CleanText]) -> csr_matrix:
        return _as_scipy(self._ngrams.counts([t.plain for t in texts]))


def _as_scipy(rows: SparseRows) -> csr_matrix:
    return csr_matrix((rows.data, rows.indices, rows.indptr), shape=(len(rows), rows.columns))


class ReducedNgramsBlock(CountsBlock):
    """The same n-grams, reduced by a truncated SVD."""

    def fit(self, texts: Sequence[CleanText]) -> Vectors:
        counts, config = super().fit(texts), self._ngrams.config
        dimensions = max(1, min(config.dimensions, counts.shape[1] - 1, counts.shape[0] - 1))
        svd = TruncatedSVD(dimensions, n_iter=config.iterations, random_state=0)
        reduced = svd.fit_transform(counts)
        self._ngrams.projection = CompactMatrix.of(svd.components_.T)
        return unit(reduced)

    def transform(self, texts: Sequence[CleanText]) -> Vectors:
        return self._ngrams.reduce(self._ngrams.counts([t.plain for t in texts]))


@dataclass(frozen=True)
class Word:
    """What spaCy says of one word.

    Args:
        lemma: dictionary form, lower case.
        pos: part of speech (Universal Dependencies).
        dep: relation to its head.
        head: lemma of its head.
        vector: its word vector.
    """

    lemma: str
    pos: str
    dep: str
    head: str
    vector: Vectors


def spacy_memory() -> Memory:
    """Return a memory of what spaCy reads in each text: words, lemmas, parts of speech, syntax."""
    import spacy

    pipeline = spacy.load(SPACY_MODEL, exclude=["ner"])

    def read(texts: Sequence[str]) -> list[tuple[Word, ...]]:
        documents = pipeline.pipe(texts, batch_size=64)
        return [
            tuple(
                Word(w.lemma_.lower(), w.pos_, w.dep_, w.head.lemma_.lower(), np.asarray(w.vector))
                for w in doc
                if not (w.is_punct or w.is_space)
            )
            for doc in documents
        ]

    return Memory(read, key=lambda text: text.display)


class MeanVectorBlock:
    """The mean of spaCy's word vectors, as its own ``Doc.vector``.

    Args:
        memory: see :func:`spacy_memory`; shared by all spaCy blocks.
    """

    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def fit(self, texts: Sequence[CleanText]) -> Vectors:
        return self.transform(texts)

    def transform(self, texts: Sequence[CleanText]) -> Vectors:
        return _unit_rows([self._mean(words) for words in self.memory.get(texts)])

    def _mean(self, words: Sequence[Word]) -> Vectors:
        return _weighted(words, [1.0] * len(words))


class ContentVectorBlock(MeanVectorBlock):
    """The mean over nouns, verbs and adjectives only, each weighted by how rare its lemma is (idf)."""

    def fit(self, texts: Sequence[CleanText]) -> Vectors:
        seen = Counter(lemma for words in self.memory.get(texts) for lemma in {w.lemma for w in words})
        self._idf = {lemma: float(np.log((1 + len(texts)) / (1 + n))) for lemma, n in seen.items()}
        self._unknown = float(np.log(1 + len(texts)))
        return self.transform(texts)

    def _mean(self, words: Sequence[Word]) -> Vectors:
        kept = [w for w in words if w.pos in CONTENT] or list(words)
        return _weighted(kept, [self._idf.get(w.lemma, self._unknown) for w in kept])


class SyntaxBlock:
    """Lemmas with their part of speech, and who does what to what (lemma, relation, lemma of the head), kept sparse.

    Args:
        memory: see :func:`spacy_memory`.
    """

    RELATIONS = frozenset({"nsubj", "obj", "iobj", "obl:arg", "obl:mod", "nmod", "xcomp", "amod"})

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._vectorizer = TfidfVectorizer(analyzer=self.features_of, min_df=2, sublinear_tf=True, dtype=np.float32)

    def fit(self, texts: Sequence[CleanText]) -> csr_matrix:
        return self._vectorizer.fit_transform(self.memory.get(texts))

    def transform(self, texts: Sequence[CleanText]) -> csr_matrix:
        return self._vectorizer.transform(self.memory.get(texts))

    def features_of(self, words: Sequence[Word]) -> list[str]:
        """Return what a text is known by: « mur/NOUN », « mur<obj<construire »."""
        lemmas = [f"{w.lemma}/{w.pos}" for w in words if w.pos in CONTENT or w.pos in {"ADV", "NUM", "PRON", "AUX"}]
        return lemmas + [f"{w.lemma}<{w.dep}<{w.head}" for w in words if w.dep in self.RELATIONS]


def _weighted(words: Sequence[Word], weights: Sequence[float]) -> Vectors:
    if not words:
        return np.zeros(300, dtype=np.float32)
    return np.asarray(np.average([w.vector for w in words], axis=0, weights=np.maximum(weights, 1e-6)), dtype=np.float32)


def _unit_rows(rows: Sequence[Vectors]) -> Vectors:
    dense = np.array(rows, dtype=np.float32)
    return np.divide(dense, np.maximum(np.linalg.norm(dense, axis=1, keepdims=True), 1e-9))
