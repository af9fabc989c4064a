"""Which messages say the same thing, and how new a message is: cheap, incremental, and without keeping any words.

*Grouping* uses MinHash signatures with locality-sensitive hashing (Broder, 1997; Leskovec, Rajaraman and Ullman, "Mining of
Massive Datasets", chapter 3): the share of equal hashes estimates the Jaccard index of two sets of letter trigrams, and
only messages that share a *band* of hashes are ever compared. A new message costs the same among ten groups or a hundred
thousand, and a signature lets a message be recognised long after its words were deleted.

*Novelty* is one minus the cosine of the nearest training message, in TF-IDF of letter trigrams inside words.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.language.cleaning import clean

HASHES = 100
ROWS = 4
BANDS = HASHES // ROWS
"""Two texts of Jaccard index s share a band with probability 1 - (1 - s^4)^25: 0.9998 at 0.75, 0.04 at 0.2."""
ALIKE = 0.75
NEAREST = 3
FEATURES = 1 << 18
_RANDOM = np.random.default_rng(46)
_FACTORS = _RANDOM.integers(0, 1 << 63, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_SHIFTS = _RANDOM.integers(0, 1 << 63, HASHES, dtype=np.uint64)
"""Multiply-shift hashing (Dietzfelbinger and others, 1997): the high bits of a·x + b in 64 bits, a odd."""

# Words around a request, which say nothing of its subject (accents are gone; greetings are left out by ``clean``).
_CARRIERS = frozenset(
    [
        "a",
        "ai",
        "alors",
        "as",
        "au",
        "aussi",
        "aux",
        "avec",
        "avez",
        "avoir",
        "avons",
        "bien",
        "bonjour",
        "c",
        "ca",
        "ce",
        "cela",
        "ces",
        "cet",
        "cette",
        "chez",
        "combien",
        "comme",
        "comment",
        "d",
        "dans",
        "de",
        "depuis",
        "des",
        "dois",
        "doit",
        "du",
        "elle",
        "en",
        "encore",
        "est",
        "et",
        "etais",
        "ete",
        "etre",
        "faire",
        "fais",
        "fait",
        "faut",
        "il",
        "ils",
        "j",
        "je",
        "l",
        "la",
        "le",
        "les",
        "leur",
        "lui",
        "m",
        "ma",
        "mais",
        "me",
        "mes",
        "moi",
        "mon",
        "ne",
        "non",
        "nos",
        "notre",
        "nous",
        "on",
        "ont",
        "ou",
        "par",
        "pas",
        "peut",
        "peux",
        "plus",
        "pour",
        "pourquoi",
        "pourrait",
        "pourriez",
        "puis",
        "puisse",
        "qu",
        "quand",
        "que",
        "quel",
        "quelle",
        "quelles",
        "quels",
        "qui",
        "quoi",
        "s",
        "sa",
        "sais",
        "sans",
        "se",
        "ses",
        "si",
        "soit",
        "son",
        "sont",
        "suis",
        "sur",
        "t",
        "te",
        "toi",
        "ton",
        "tout",
        "tres",
        "trop",
        "tu",
        "un",
        "une",
        "va",
        "vais",
        "veut",
        "veux",
        "voila",
        "vos",
        "votre",
        "voudrais",
        "vous",
        "y",
        "aimerais",
        "souhaite",
        "souhaiterais",
        "besoin",
        "demander",
        "savoir",
        "svp",
        "merci",
    ]
)

Signature = NDArray[np.uint32]


def subject_words(text: str) -> tuple[str, ...]:
    """Return the words of a message that carry its subject; all of them when nothing else is left."""
    words = tuple(clean(text).plain.split())
    return tuple(w for w in words if w not in _CARRIERS) or words


def exact_key(text: str) -> str:
    """Return the key shared by messages that only differ by capitals, accents, punctuation, spacing or SMS spelling."""
    return hashlib.blake2b(" ".join(clean(text).plain.split()).encode(), digest_size=16).hexdigest()


def signature(text: str) -> Signature:
    """Return the MinHash signature of a message, (100,)."""
    found = {w[i : i + 3] for word in subject_words(text) for w in (f"_{word}_",) for i in range(max(1, len(w) - 2))}
    values = np.array([zlib.crc32(s.encode()) for s in found] or [0], dtype=np.uint64)
    hashed = (_FACTORS[:, None] * values[None, :] + _SHIFTS[:, None]) >> np.uint64(32)
    return np.asarray(hashed.min(axis=1), dtype=np.uint32)


def likeness(first: Signature, second: Signature) -> float:
    """Return the estimated Jaccard index of two messages, in [0, 1] (standard error at most 0.05)."""
    return float((first == second).mean())


def band_keys(found: Signature) -> list[int]:
    """Return the band keys of a signature: two alike messages share one at least. Signed 64-bit integers."""
    keys = []
    for band in range(BANDS):
        part = struct.pack(">H", band) + found[band * ROWS : (band + 1) * ROWS].tobytes()
        keys.append(int.from_bytes(hashlib.blake2b(part, digest_size=8).digest(), "big", signed=True))
    return keys


def pack(found: Signature) -> bytes:
    """Return a signature as bytes to keep."""
    return found.astype("<u4").tobytes()


def unpack(kept: bytes) -> Signature:
    """Read a kept signature again."""
    return np.frombuffer(kept, dtype="<u4").astype(np.uint32)


@dataclass(frozen=True)
class Nearness:
    """Where a message stands next to the corpus.

    Args:
        novelty: 0 when the corpus already holds it, 1 when nothing in the corpus is like it.
        topics: labels of the nearest messages with their cosine, each once, the nearest first.
        same: label of a training message that says exactly the same, or ``None``.
    """

    novelty: float
    topics: tuple[tuple[str, float], ...]
    same: str | None


class CorpusIndex:
    """The training messages, ready to be compared with.

    Args:
        examples: (text, label) of each training message.
    """

    def __init__(self, examples: Sequence[tuple[str, str]]) -> None:
        from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

        self._labels = [label for _, label in examples]
        plain = [clean(text).plain for text, _ in examples]
        self._same = dict(zip(plain, self._labels, strict=True))
        subjects = [" ".join(subject_words(text)) for text, _ in examples]
        # Hashed, so that the trigrams the corpus has never seen weigh too: they are what makes a message new.
        self._trigrams = HashingVectorizer(
            analyzer="char_wb", ngram_range=(3, 3), n_features=FEATURES, alternate_sign=False, norm=None, dtype=np.float32
        )
        self._weights = TfidfTransformer(sublinear_tf=True)
        self._matrix = self._weights.fit_transform(self._trigrams.transform(subjects)).T.tocsr() if any(subjects) else None

    def compare(self, texts: Sequence[str]) -> list[Nearness]:
        """Return where each text stands, in order."""
        if self._matrix is None or not texts:
            return [Nearness(1.0, (), None) for _ in texts]
        rows = self._weights.transform(self._trigrams.transform([" ".join(subject_words(text)) for text in texts])) @ self._matrix
        return [self._nearness(clean(text).plain, rows.getrow(i)) for i, text in enumerate(texts)]

    def _nearness(self, words: str, row: Any) -> Nearness:
        cosines, places = row.data, row.indices
        topics: dict[str, float] = {}
        for at in np.argsort(-cosines, kind="stable")[: 20 * NEAREST]:
            topics.setdefault(self._labels[places[at]], round(float(cosines[at]), 4))
            if len(topics) >= NEAREST:
                break
        best = min(1.0, max(topics.values(), default=0.0))
        return Nearness(round(1.0 - best, 4), tuple(topics.items()), self._same.get(words))
