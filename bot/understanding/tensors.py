"""Named arrays in one file, in the safetensors format: reading it can run no code."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

Tensors = Mapping[str, NDArray[Any]]

_LENGTH = 8
"""Bytes that tell the size of the header: https://github.com/huggingface/safetensors#format."""
_KINDS = {"F32": "<f4", "I8": "<i1", "U16": "<u2", "U64": "<u8"}


def read_tensors(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return the arrays and the texts of a file written by ``safetensors.numpy.save_file``, copied out of it.

    Raises:
        OSError: it cannot be read.
        safetensors.SafetensorError: it is no such file.
    """
    opened: Any = safe_open(path, "np")  # type: ignore[no-untyped-call]  # nor has its stub a context manager
    with opened as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


class RowsOnDisk:
    """A matrix of whole numbers on one byte, left in its file: rows are read when they are asked for.

    The system keeps those that come back, once for all processes, and takes that memory back when it wants. Several threads may use it.

    Args:
        file: open; another may take its place later, but nobody may write in it.
        start: where the matrix begins, in bytes.
        shape: rows, columns.
    """

    ndim = 2

    def __init__(self, file: IO[bytes], start: int, shape: tuple[int, int]) -> None:
        self._file, self._start, self.shape = os.dup(file.fileno()), start, shape
        self._place = np.full(shape[0], -1, dtype=np.int32)
        self._kept = np.zeros((0, shape[1]), dtype=np.int8)

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError, OSError):
            os.close(self._file)

    def __array__(self, dtype: Any = None) -> NDArray[Any]:
        return np.asarray(self._read(range(self.shape[0])), dtype=dtype)

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Keep these rows in memory: those that nearly every text asks for."""
        kept = self._read(rows.tolist())
        self._place[rows] = np.arange(len(rows))
        self._kept = kept

    def take(self, rows: NDArray[Any], axis: int = 0) -> NDArray[np.int8]:
        """Return rows by their numbers, (n, columns), as ``numpy.take`` does.

        Raises:
            OSError: the file was cut.
        """
        place = self._place[rows]
        found: NDArray[np.int8] = (
            self._kept.take(place, axis=axis, mode="clip") if len(self._kept) else np.empty((len(rows), self.shape[1]), np.int8)
        )
        absent = np.flatnonzero(place < 0)
        if len(absent):
            found[absent] = self._read(rows[absent].tolist())
        return found

    def _read(self, rows: Sequence[int]) -> NDArray[np.int8]:
        width, start = self.shape[1], self._start
        read = b"".join([os.pread(self._file, width, start + row * width) for row in rows])
        if len(read) != len(rows) * width:
            raise OSError("the file of the model was cut")
        return np.frombuffer(read, dtype=np.int8).reshape(-1, width)


def map_tensors(file: IO[bytes]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the same, read-only and left in the file, once for all processes; matrices on one byte as :class:`RowsOnDisk`.

    Args:
        file: open, and known to be whole; another may take its place later, but nobody may write in it.

    Raises:
        AttributeError, KeyError, OSError, TypeError, ValueError: it is no such file, or holds other kinds of numbers than a model.
    """
    whole = np.memmap(file, dtype=np.uint8, mode="r").view(np.ndarray)
    start = _LENGTH + int.from_bytes(whole[:_LENGTH].tobytes(), "little")
    header = json.loads(whole[_LENGTH:start].tobytes())
    texts = header.pop("__metadata__", {})
    tensors: dict[str, Any] = {}
    for name, told in header.items():
        first, last = told["data_offsets"]
        rows, *columns = told["shape"]
        if told["dtype"] == "I8" and len(columns) == 1:
            if last - first != rows * columns[0] or start + last > len(whole):
                raise ValueError("a matrix does not fit in its file")
            tensors[name] = RowsOnDisk(file, start + first, (rows, columns[0]))
        else:
            tensors[name] = whole[start + first : start + last].view(_KINDS[told["dtype"]]).reshape(told["shape"])
    return tensors, texts
