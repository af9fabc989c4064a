"""Feature blocks: word and character n-grams reduced to a dense space, next to sentence vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class NgramConfig:
    """How words and characters are counted, and in how many dimensions they are kept."""

    words: tuple[int, int] = (1, 2)
    characters: tuple[int, int] = (2, 5)
    min_word_count: int = 2
    min_character_count: int = 3
    dimensions: int = 640
    iterations: int = 2


class NgramEncoder:
    """TF-IDF of word and character n-grams, projected by a truncated SVD (latent semantic analysis).

    Args:
        config: sizes and thresholds.
    """

    def __init__(self, config: NgramConfig | None = None) -> None:
        self.config = config or NgramConfig()

    def fit_transform(self, plain: Sequence[str]) -> Vectors:
        """Learn from ``plain`` texts (n_samples,) and return their vectors (n_samples, dimensions)."""
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
        counts = hstack([self._words.fit_transform(plain), self._characters.fit_transform(plain)]).tocsr()
        dimensions = min(self.config.dimensions, counts.shape[1] - 1, counts.shape[0] - 1)
        self._svd = TruncatedSVD(dimensions, n_iter=self.config.iterations, random_state=0)
        return _unit(self._svd.fit_transform(counts))

    def transform(self, plain: Sequence[str]) -> Vectors:
        """Return vectors of shape (n_texts, dimensions), L2-normalised; zero for unknown text."""
        return _unit(self.counts(plain) @ self._svd.components_.T)

    def counts(self, plain: Sequence[str]) -> csr_matrix:
        """Return the sparse TF-IDF counts (n_texts, vocabulary) before the projection."""
        return hstack([self._words.transform(plain), self._characters.transform(plain)]).tocsr()


def _unit(vectors: NDArray[np.floating]) -> Vectors:
    dense = np.asarray(vectors, dtype=np.float32)
    norms = np.sqrt((dense**2).sum(axis=1, keepdims=True))
    return dense / np.maximum(norms, 1e-9)
