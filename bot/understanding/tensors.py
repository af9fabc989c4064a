"""Named arrays in one file, in the safetensors format: reading it can run no code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import safe_open

Tensors = Mapping[str, NDArray[Any]]


def read_tensors(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return the arrays and the texts of a file written by ``safetensors.numpy.save_file``, copied out of it.

    Raises:
        OSError: it cannot be read.
        safetensors.SafetensorError: it is no such file.
    """
    opened: Any = safe_open(path, "np")  # type: ignore[no-untyped-call]  # nor has its stub a context manager
    with opened as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
