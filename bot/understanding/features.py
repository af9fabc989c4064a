"""Feature blocks: word and character n-grams reduced to a dense space, next to sentence vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.understanding.config import NgramConfig

Vectors = NDArray[np.float32]


class NgramEncoder:
    """TF-IDF of word and character n-grams, and their projection by a truncated SVD (latent semantic analysis).

    Args:
        config: sizes and thresholds.
    """

    def __init__(self, config: NgramConfig | None = None) -> None:
        self.config = config or NgramConfig()

    def fit_counts(self, plain: Sequence[str]) -> csr_matrix:
        """Learn the vocabulary of ``plain`` (n_samples,) and return its counts (n_samples, vocabulary)."""
        self._words = TfidfVectorizer(
            ngram_range=self.config.words,
            min_df=self.config.min_word_count,
            sublinear_tf=True,
            token_pattern=r"\S+",
            dtype=np.float32,
        )
        self._characters = TfidfVectorizer(
            analyzer="char_wb",
            ngram_range=self.config.characters,
            min_df=self.config.min_character_count,
            sublinear_tf=True,
            dtype=np.float32,
        )
        return hstack([self._words.fit_transform(plain), self._characters.fit_transform(plain)]).tocsr()

    def fit_reduction(self, counts: csr_matrix) -> Vectors:
        """Learn the projection of ``counts`` and return the vectors (n_samples, dimensions)."""
        dimensions = max(1, min(self.config.dimensions, counts.shape[1] - 1, counts.shape[0] - 1))
        svd = TruncatedSVD(dimensions, n_iter=self.config.iterations, random_state=0)
        reduced = svd.fit_transform(counts)
        self._projection = CompactMatrix(svd.components_.T)
        return _unit(reduced)

    def counts(self, plain: Sequence[str]) -> csr_matrix:
        """Return the sparse TF-IDF counts (n_texts, vocabulary)."""
        return hstack([self._words.transform(plain), self._characters.transform(plain)]).tocsr()

    def reduce(self, counts: csr_matrix) -> Vectors:
        """Return vectors (n_texts, dimensions), L2-normalised; zero for unknown text."""
        return _unit(self._projection.left_multiply(counts))


class CompactMatrix:
    """A large matrix (n_features, n_columns) kept on one byte a value, multiplied by sparse rows.

    Each feature has its own scale, so the error is at most 1/254 of its largest value.

    Args:
        values: the matrix.
    """

    def __init__(self, values: NDArray[np.floating]) -> None:
        dense = np.ascontiguousarray(values, dtype=np.float32)
        self._scale = np.maximum(np.abs(dense).max(axis=1), 1e-12) / np.float32(127)
        self._values = np.round(dense / self._scale[:, None]).astype(np.int8)

    def left_multiply(self, rows: csr_matrix) -> Vectors:
        """Return ``rows @ values`` in single precision, (n_rows, n_columns)."""
        result = np.zeros((rows.shape[0], self._values.shape[1]), dtype=np.float32)
        for i in range(rows.shape[0]):
            start, end = rows.indptr[i], rows.indptr[i + 1]
            used = rows.indices[start:end]
            if len(used):
                weights = rows.data[start:end].astype(np.float32) * self._scale[used]
                result[i] = weights @ self._values[used].astype(np.float32)
        return result


def _unit(vectors: NDArray[np.floating]) -> Vectors:
    dense = np.asarray(vectors, dtype=np.float32)
    norms = np.sqrt((dense**2).sum(axis=1, keepdims=True))
    return dense / np.maximum(norms, 1e-9)
