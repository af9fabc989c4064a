"""Which messages say the same thing: cheap, incremental, and without keeping any words.

It uses MinHash signatures with locality-sensitive hashing (Broder, 1997; Leskovec, Rajaraman and Ullman, "Mining of
Massive Datasets", chapter 3): the share of equal hashes estimates the Jaccard index of two sets of letter trigrams, and
only messages that share a *band* of hashes are ever compared. A new message costs the same among ten groups or a hundred
thousand, and a signature lets a message be recognised long after its words were deleted.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from bot.language.cleaning import clean
from bot.language.words import read_words

HASHES = 100
ROWS = 4
BANDS = HASHES // ROWS
"""Two texts of Jaccard index s share a band with probability 1 - (1 - s^4)^25: 0.9998 at 0.75, 0.04 at 0.2."""
ALIKE = 0.75
_RANDOM = np.random.default_rng(46)
_FACTORS = _RANDOM.integers(0, 1 << 63, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_SHIFTS = _RANDOM.integers(0, 1 << 63, HASHES, dtype=np.uint64)
"""Multiply-shift hashing (Dietzfelbinger and others, 1997): the high bits of a·x + b in 64 bits, a odd."""

_CARRIERS = frozenset(read_words("mots_outils"))

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
