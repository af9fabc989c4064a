"""Products of matrices as a message needs them: a row or a few, where libraries are made for hundreds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FEW = 12
"""Rows up to which each is multiplied by itself: for two or more, OpenBLAS copies the whole matrix first."""


def product(rows: NDArray[Any], matrix: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Return ``rows @ matrix``.

    Args:
        rows: (n_rows, n_inputs).
        matrix: (n_inputs, n_outputs).
        out: where to write it, (n_rows, n_outputs).
    """
    if not 1 < len(rows) <= FEW:
        return np.matmul(rows, matrix, out=out)
    result = np.empty((len(rows), matrix.shape[1]), dtype=matrix.dtype) if out is None else out
    for row, place in zip(rows, result, strict=True):
        np.matmul(row, matrix, out=place)
    return result
