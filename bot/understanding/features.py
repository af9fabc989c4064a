"""Feature blocks: word and character n-grams reduced to a dense space, next to sentence vectors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.base.once import once
from bot.base.stopwatch import stage
from bot.understanding.config import NgramConfig
from bot.understanding.tensors import RowsOnDisk

Vectors = NDArray[np.float32]
Find = Callable[[str], int | None]

ROWS_AT_ONCE = 4096
"""Texts counted, or rows of a matrix made compact, in one piece: what is only needed on the way stays small."""
TERMS_AT_ONCE = 192
"""Rows of a compact matrix made wide together: they stay in the cache of a core until they are summed."""


@dataclass(frozen=True)
class SparseRows:
    """Rows that are mostly zeros: compressed sparse rows, as in ``scipy.sparse.csr_matrix``.

    Args:
        indptr: (n_rows + 1,) where each row starts in the two others.
        indices: columns, increasing in each row.
        data: values.
        columns: width of the rows.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: Vectors
    columns: int

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def some(self, rows: NDArray[np.int64]) -> SparseRows:
        """Return the rows of these numbers, (n,), increasing."""
        if len(rows) == len(self):
            return self
        starts, sizes = self.indptr[rows], np.diff(self.indptr)[rows]
        indptr = np.concatenate([[0], np.cumsum(sizes)])
        kept = np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], sizes)
        return SparseRows(indptr, self.indices[kept], self.data[kept], self.columns)


class NgramEncoder:
    """TF-IDF of word and character n-grams (sublinear, smoothed, each family L2-normalised), and their projection.

    Character n-grams stay inside words, which are padded with one space on each side. The weights are those of
    ``TfidfVectorizer`` in scikit-learn.

    Args:
        config: sizes and thresholds.
    """

    def __init__(self, config: NgramConfig | None = None) -> None:
        self.config = config or NgramConfig()
        self.projection: CompactMatrix | None = None
        self._of_word: dict[str, list[int]] = {}

    def set_terms(self, words: Sequence[str], characters: Sequence[str], idf: Vectors) -> None:
        """Set the vocabulary: the columns are ``words`` then ``characters``.

        Raises:
            ValueError: ``idf`` has not one weight per term.
        """
        if len(idf) != len(words) + len(characters):
            raise ValueError("one weight per term is needed")
        self.words = {term: i for i, term in enumerate(words)}
        self.characters = {term: i for i, term in enumerate(characters, len(words))}
        self.idf = idf
        self._rarest = float(idf[: len(words)].max(initial=1.0)) - 1
        self._of_word = {}

    def rarity(self, word: str) -> float:
        """Return the inverse document frequency of a word, that of the rarest one when it is unknown: 0 when it is everywhere."""
        found = self.words.get(word)
        return self._rarest if found is None else float(self.idf[found]) - 1

    def fit_counts(self, plain: Sequence[str]) -> SparseRows:
        """Learn the vocabulary of ``plain`` (n_samples,) and return its counts (n_samples, vocabulary)."""
        self._of_word = {}
        found_words, found_characters = _growing(), _growing()
        words, characters = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        cache: dict[str, list[int]] = {}
        for part in _parts(plain):
            runs = [self._word_ids(text, found_words.__getitem__) for text in part]
            words = _added(words, _Tally(runs, len(found_words)).documents(len(found_words)))
            letters = [self._character_ids(text, found_characters.__getitem__, cache) for text in part]
            characters = _added(characters, _Tally(letters, len(found_characters)).documents(len(found_characters)))
        kept_words = _kept(found_words, words, self.config.min_word_count)
        kept_characters = _kept(found_characters, characters, self.config.min_character_count)
        documents = np.concatenate(
            [words[[found_words[t] for t in kept_words]], characters[[found_characters[t] for t in kept_characters]]]
        )
        idf = np.log((1 + len(plain)) / (1 + documents)) + 1
        self.set_terms(kept_words, kept_characters, idf.astype(np.float32))
        return self.counts(plain)

    @stage("mots et lettres")
    def counts(self, plain: Sequence[str]) -> SparseRows:
        """Return the TF-IDF counts (n_texts, vocabulary)."""
        if len(plain) <= ROWS_AT_ONCE:
            return self._counts(plain)
        parts = [self._counts(part) for part in _parts(plain)]
        sizes = np.concatenate([np.diff(part.indptr) for part in parts])
        return SparseRows(
            np.concatenate([[0], np.cumsum(sizes)]),
            np.concatenate([part.indices for part in parts]),
            np.concatenate([part.data for part in parts]),
            len(self.idf),
        )

    def _counts(self, plain: Sequence[str]) -> SparseRows:
        find_word = self.words.get
        rows = [self._word_ids(text, find_word) + self._known_ids(text) for text in plain]
        tally = _Tally(rows, len(self.idf))
        data = (1 + np.log(tally.counts)) * self.idf[tally.columns]
        block = tally.rows * 2 + (tally.columns >= len(self.words))
        norms = np.sqrt(np.bincount(block, data * data, minlength=2 * len(plain)))
        data /= norms[block]
        indptr = np.concatenate([[0], np.cumsum(np.bincount(tally.rows, minlength=len(plain)))])
        return SparseRows(indptr, tally.columns.astype(np.int32), data.astype(np.float32), len(self.idf))

    @stage("mots et lettres, réduits")
    def reduce(self, counts: SparseRows) -> Vectors:
        """Return vectors (n_texts, dimensions), L2-normalised; zero for unknown text."""
        assert self.projection is not None, "the projection is learnt first"
        return unit(self.projection.left_multiply(counts))

    def _word_ids(self, text: str, find: Find) -> list[int]:
        tokens = text.split()
        ids: list[int] = []
        for size in range(self.config.words[0], self.config.words[1] + 1):
            runs = tokens if size == 1 else map(" ".join, zip(*(tokens[i:] for i in range(size)), strict=False))
            ids += [found for found in map(find, runs) if found is not None]
        return ids

    def _known_ids(self, text: str) -> list[int]:
        ids: list[int] = []
        for word in text.split():
            found = self._of_word.get(word)
            if found is None:
                found = self._ids_in_turn(word)
                if word in self.words:  # what people type and is no word of the vocabulary is not remembered
                    self._of_word[word] = found
            ids += found
        return ids

    @once
    def _ids_in_turn(self, word: str) -> list[int]:
        return self._ids_of(word, self.characters.get)

    def _character_ids(self, text: str, find: Find, cache: dict[str, list[int]]) -> list[int]:
        ids: list[int] = []
        for word in text.split():
            if word not in cache:
                cache[word] = self._ids_of(word, find)
            ids += cache[word]
        return ids

    def _ids_of(self, word: str, find: Find) -> list[int]:
        return [found for found in map(find, self._character_terms(word)) if found is not None]

    def _character_terms(self, word: str) -> list[str]:
        padded = f" {word} "
        terms: list[str] = []
        for size in range(self.config.characters[0], self.config.characters[1] + 1):
            last = len(padded) - size
            if last <= 0:  # a short word counts once, whole
                terms.append(padded)
                break
            terms.extend(padded[i : i + size] for i in range(last + 1))
        return terms


class CompactMatrix:
    """A large matrix (n_features, n_columns) kept on one byte a value, multiplied by sparse rows.

    Each feature has its own scale, so the error is at most 1/254 of its largest value.

    Args:
        values: (n_features, n_columns) in [-127, 127].
        scale: (n_features,) what one unit is worth.

    Raises:
        ValueError: the shapes do not fit.
    """

    def __init__(self, values: NDArray[np.int8] | RowsOnDisk, scale: Vectors) -> None:
        if values.ndim != 2 or scale.shape != values.shape[:1]:
            raise ValueError("one scale per feature is needed")
        self.values = values
        self.scale = scale

    @classmethod
    def of(cls, matrix: NDArray[np.floating[Any]]) -> CompactMatrix:
        """Return the compact form of a matrix, some rows at a time: that of labels by features is the largest a training holds."""
        values = np.empty(matrix.shape, dtype=np.int8)
        scale = np.empty(len(matrix), dtype=np.float32)
        for start in range(0, len(matrix), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            dense = np.ascontiguousarray(matrix[part], dtype=np.float32)
            scale[part] = np.maximum(np.abs(dense).max(axis=1), 1e-12) / np.float32(127)
            values[part] = np.round(dense / scale[part, None])
        return cls(values, scale)

    def keep(self, features: NDArray[np.int64]) -> None:
        """Keep in memory what nearly every text asks for, when the matrix is left in its file."""
        if isinstance(self.values, RowsOnDisk):
            self.values.keep(features)

    def left_multiply(self, rows: SparseRows) -> Vectors:
        """Return ``rows @ values`` in single precision, (n_rows, n_columns)."""
        result = np.zeros((len(rows), self.values.shape[1]), dtype=np.float32)
        weights = rows.data * self.scale[rows.indices]
        bounds = rows.indptr.tolist()
        for row, start, stop in zip(result, bounds, bounds[1:], strict=False):
            for first in range(start, stop, TERMS_AT_ONCE):
                part = slice(first, min(first + TERMS_AT_ONCE, stop))
                row += weights[part] @ self.values.take(rows.indices[part], axis=0).astype(np.float32)
        return result


class _Tally:
    """How often each column is named in each row, ordered by row then column.

    Args:
        rows: the columns named by each row, repeats included.
        columns: how many columns there are.
    """

    def __init__(self, rows: Sequence[Sequence[int]], columns: int) -> None:
        sizes = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        keys = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=int(sizes.sum()))
        keys += np.repeat(np.arange(len(rows), dtype=np.int64) * columns, sizes)
        keys, self.counts = np.unique(keys, return_counts=True)
        self.rows, self.columns = np.divmod(keys, max(1, columns))

    def documents(self, columns: int) -> NDArray[np.int64]:
        """Return how many rows name each column, (columns,)."""
        return np.bincount(self.columns, minlength=columns)


def _parts(plain: Sequence[str]) -> Iterator[Sequence[str]]:
    return (plain[start : start + ROWS_AT_ONCE] for start in range(0, len(plain), ROWS_AT_ONCE))


def _added(total: NDArray[np.int64], more: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sum of two counts of columns; ``more`` may have new columns at its end."""
    more[: len(total)] += total
    return more


def _growing() -> defaultdict[str, int]:
    """Return a table that numbers what it is asked for, in order."""
    table: defaultdict[str, int] = defaultdict()
    table.default_factory = table.__len__
    return table


def _kept(found: Iterable[str], documents: NDArray[np.int64], least: int) -> list[str]:
    return sorted(term for term, count in zip(found, documents.tolist(), strict=True) if count >= least)


def unit(vectors: NDArray[np.floating[Any]]) -> Vectors:
    """Return rows of length 1, zero rows left as they are."""
    dense = np.asarray(vectors, dtype=np.float32)
    norms = np.sqrt((dense**2).sum(axis=1, keepdims=True))
    scaled: Vectors = dense / np.maximum(norms, 1e-9)
    return scaled
