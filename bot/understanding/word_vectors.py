"""The meaning of words: spaCy's static vectors, averaged over a message, rare words weighing more.

Its vocabulary is ten times that of the corpus: a word that no training message holds still says what the message is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.base.errors import SettingsError
from bot.language.cleaning import strip_accents
from bot.understanding.features import CompactMatrix, SparseRows, Vectors, unit

Hashes = NDArray[np.uint64]
COMMON = 2.5
"""Taken from the rarity of a word: under it, the word says nothing (« je », « pour », « une »)."""
LEAST = 0.01
"""Weight of a word that says nothing: enough to read a message made of such words only."""

REMEMBERED = 8192
"""How many words are kept with the places of their vectors."""


class WordVectors:
    """Word vectors of a spaCy model, found by words without accents.

    A spelling shared by several words (« marche », « marché ») has several vectors, and stands for their mean.

    Args:
        hashes: (n_entries,) of words (see :func:`hashes_of`), increasing.
        rows: (n_entries,) the vector of each.
        vectors: (n_vectors, dimensions).

    Raises:
        ValueError: the arrays do not fit together.
    """

    def __init__(self, hashes: Hashes, rows: NDArray[np.uint16], vectors: CompactMatrix) -> None:
        if hashes.shape != rows.shape or hashes.ndim != 1 or (len(rows) and int(rows.max()) >= len(vectors.scale)):
            raise ValueError("one known vector per entry is needed")
        self.hashes = hashes
        self.rows = rows
        self.vectors = vectors
        self._found: dict[str, list[int]] = {}

    @classmethod
    def of(cls, table: Mapping[str, int], vectors: NDArray[np.floating[Any]]) -> WordVectors:
        """Build from words as spaCy spells them.

        Args:
            table: word → row of ``vectors``; for one spelling without accents, words in lower case hide those with capitals.
            vectors: (n_vectors, dimensions), 65,536 vectors at most.
        """
        lower: dict[str, set[int]] = {}
        capital: dict[str, set[int]] = {}
        for word, row in table.items():
            (lower if word.islower() else capital).setdefault(strip_accents(word.lower()), set()).add(row)
        pairs = [(word, row) for word, rows in {**capital, **lower}.items() for row in sorted(rows)]
        hashes = hashes_of(word for word, _ in pairs)
        order = np.argsort(hashes, kind="stable")
        rows = np.array([row for _, row in pairs], dtype=np.uint16)
        return cls(hashes[order], rows[order], CompactMatrix.of(vectors))

    @classmethod
    @lru_cache(maxsize=1)  # seconds of work, always the same
    def of_spacy(cls, name: str) -> WordVectors:
        """Read the vectors of an installed spaCy model.

        Raises:
            SettingsError: it is not installed, or has no vectors.
        """
        import spacy  # to learn only: what is kept needs numpy

        try:
            vocabulary = spacy.load(name, exclude=_components(name)).vocab
        except (OSError, ImportError, StopIteration) as error:
            raise SettingsError(f"Le modèle spaCy « {name} » n'est pas installé. Lancez « uv sync ».") from error
        if not vocabulary.vectors.size:
            raise SettingsError(f"Le modèle spaCy « {name} » n'a pas de vecteurs de mots. Choisissez « fr_core_news_md » ou « lg ».")
        known = vocabulary.strings
        table = {known[key]: int(row) for key, row in vocabulary.vectors.key2row.items() if key in known}
        return cls.of(table, vocabulary.vectors.data)

    def encode(self, plain: Sequence[str], rarity: Callable[[str], float]) -> Vectors:
        """Return the weighted mean of the words of each text.

        Args:
            plain: lower case, without accents, words separated by one space, (n_texts,).
            rarity: inverse document frequency of a word.

        Returns:
            (n_texts, dimensions), L2-normalised; zero for a text without any known word.
        """
        words = [text.split() for text in plain]
        known = self._entries({word for group in words for word in group})
        entries: list[int] = []
        shares: list[float] = []
        bounds = [0]
        for group in words:
            for word in group:
                if rows := known.get(word):
                    entries += rows
                    shares += [max(rarity(word) - COMMON, LEAST) / len(rows)] * len(rows)
            bounds.append(len(entries))
        read = SparseRows(
            np.array(bounds, dtype=np.int64),
            np.array(entries, dtype=np.int32),
            np.array(shares, dtype=np.float32),
            len(self.vectors.scale),
        )
        return unit(self.vectors.left_multiply(read))

    def _entries(self, words: set[str]) -> Mapping[str, list[int]]:
        """Return the vectors of words, those without any left out; what people type and is no known word is not remembered."""
        known = {word: rows for word in words if (rows := self._found.get(word))}
        new = sorted(words - known.keys())
        hashes = hashes_of(new)
        bounds = zip(
            np.searchsorted(self.hashes, hashes).tolist(), np.searchsorted(self.hashes, hashes, side="right").tolist(), strict=True
        )
        found = {word: self.rows[first:last].tolist() for word, (first, last) in zip(new, bounds, strict=True) if first < last}
        if len(self._found) < REMEMBERED:
            self._found |= found
        return known | found


def hashes_of(words: Iterable[str]) -> Hashes:
    """Return the first eight bytes of the BLAKE2b digest of each word, as integers."""
    digests = b"".join(blake2b(word.encode(), digest_size=8).digest() for word in words)
    return np.frombuffer(digests, dtype="<u8")


def _components(name: str) -> list[str]:
    import spacy

    config = spacy.util.load_config(next(spacy.util.get_package_path(name).glob("*/config.cfg")))
    return list(config["nlp"]["pipeline"])
