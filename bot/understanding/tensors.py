"""Named arrays in one file, in the safetensors format: reading it can run no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
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


def map_tensors(file: IO[bytes]) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return the same, read-only and left in the file: the system reads what is used of them, once for all processes.

    Args:
        file: open, and known to be whole; another may take its place later, but nobody may write in it.

    Raises:
        AttributeError, KeyError, OSError, TypeError, ValueError: it is no such file, or holds other kinds of numbers than a model.
    """
    whole = np.memmap(file, dtype=np.uint8, mode="r").view(np.ndarray)
    start = _LENGTH + int.from_bytes(whole[:_LENGTH].tobytes(), "little")
    header = json.loads(whole[_LENGTH:start].tobytes())
    texts = header.pop("__metadata__", {})
    tensors = {}
    for name, told in header.items():
        first, last = told["data_offsets"]
        tensors[name] = whole[start + first : start + last].view(_KINDS[told["dtype"]]).reshape(told["shape"])
    return tensors, texts
