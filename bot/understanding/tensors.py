"""Named arrays in one file, in the safetensors format: reading it can run no code, and the bytes checked are the bytes used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[Any]]

_HEADER_SIZE = 8
_TYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "U64": np.dtype("<u8"),
    "F32": np.dtype("<f4"),
    "I32": np.dtype("<i4"),
    "U16": np.dtype("<u2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
}
_NAMES = {dtype: name for name, dtype in _TYPES.items()}


def write_tensors(path: Path, tensors: Tensors, metadata: Mapping[str, str]) -> None:
    """Write arrays and short texts to ``path``.

    Args:
        path: the file, replaced when it exists.
        tensors: name → array of a type of the format (see ``_TYPES``).
        metadata: name → text.
    """
    # Wide types first: every array then starts on a multiple of its item size.
    names = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    offset = 0
    for name in names:
        array = tensors[name]
        header[name] = {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % _HEADER_SIZE)
    with path.open("wb") as stream:
        stream.write(len(text).to_bytes(_HEADER_SIZE, "little") + text)
        for name in names:
            stream.write(np.ascontiguousarray(tensors[name]).data)


def read_tensors(data: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return the arrays (read-only views of ``data``) and the texts of a file.

    Raises:
        ValueError: ``data`` is no such file.
    """
    try:
        start = _HEADER_SIZE + int.from_bytes(data[:_HEADER_SIZE], "little")
        header = json.loads(data[_HEADER_SIZE:start])
        metadata = header.pop("__metadata__", {})
        tensors = {name: _view(data, start, entry) for name, entry in header.items()}
    except (ArithmeticError, AttributeError, KeyError, MemoryError, TypeError) as error:
        raise ValueError("this is no safetensors file") from error
    return tensors, metadata


def _view(data: bytes, start: int, entry: Mapping[str, Any]) -> NDArray[Any]:
    dtype, shape = _TYPES[entry["dtype"]], tuple(entry["shape"])
    begin, end = entry["data_offsets"]
    count = int(np.prod(shape, dtype=np.int64))
    if begin < 0 or end - begin != count * dtype.itemsize:
        raise ValueError("an array does not fill its place")
    array: NDArray[Any] = np.frombuffer(data, dtype, count, start + begin)
    return array.reshape(shape)
