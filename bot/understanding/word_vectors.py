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
        flat = [word for group in words for word in group]
        hashes = hashes_of(flat)
        first, last = np.searchsorted(self.hashes, hashes), np.searchsorted(self.hashes, hashes, side="right")
        shares = np.array([max(rarity(word) - COMMON, LEAST) for word in flat], dtype=np.float32)
        counts = last - first
        shares /= np.maximum(counts, 1)
        # One entry a vector: the entries of word w are first[w], first[w] + 1, …, last[w] - 1.
        ends = np.cumsum(counts)
        entries = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - counts), counts)
        of_text = np.repeat(np.arange(len(words)), [len(group) for group in words])
        per_text = np.bincount(of_text, counts, minlength=len(words))
        rows = SparseRows(
            np.concatenate([[0], np.cumsum(per_text)]).astype(np.int64),
            self.rows[entries].astype(np.int32),
            np.repeat(shares, counts),
            len(self.vectors.scale),
        )
        return unit(self.vectors.left_multiply(rows))


def hashes_of(words: Iterable[str]) -> Hashes:
    """Return the first eight bytes of the BLAKE2b digest of each word, as integers."""
    digests = b"".join(blake2b(word.encode(), digest_size=8).digest() for word in words)
    return np.frombuffer(digests, dtype="<u8")


def _components(name: str) -> list[str]:
    import spacy

    config = spacy.util.load_config(next(spacy.util.get_package_path(name).glob("*/config.cfg")))
    return list(config["nlp"]["pipeline"])
