"""Matrices left in their file give the rows that a matrix in memory gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from bot.understanding.tensors import RowsOnDisk, map_tensors

VALUES = np.random.default_rng(0).integers(-127, 128, (50, 7)).astype(np.int8)


@pytest.fixture
def mapped(tmp_path: Path) -> RowsOnDisk:
    save_file({"poids": np.ones((3, 2), np.float32), "table": VALUES}, tmp_path / "m")
    with (tmp_path / "m").open("rb") as file:
        tensors, _ = map_tensors(file)
    assert np.array_equal(tensors["poids"], np.ones((3, 2)))
    assert isinstance(tensors["table"], RowsOnDisk)
    return tensors["table"]


@pytest.mark.parametrize("kept", [[], [0, 3, 49], list(range(50))])
@pytest.mark.parametrize("rows", [[], [3], [49, 0, 3, 3, 12]])
def test_rows_are_those_of_the_matrix(mapped: RowsOnDisk, kept: list[int], rows: list[int]) -> None:
    mapped.keep(np.array(kept, dtype=np.int64))
    assert np.array_equal(mapped.take(np.array(rows, dtype=np.int32)), VALUES[np.array(rows, dtype=np.int64)])
    assert np.array_equal(np.asarray(mapped), VALUES)


def test_the_file_may_be_replaced_but_not_cut(mapped: RowsOnDisk, tmp_path: Path) -> None:
    (tmp_path / "autre").write_bytes(b"")
    (tmp_path / "autre").rename(tmp_path / "m")
    assert np.array_equal(mapped.take(np.array([1, 2])), VALUES[1:3])
    save_file({"table": VALUES}, tmp_path / "n")
    with (tmp_path / "n").open("rb") as file:
        table = map_tensors(file)[0]["table"]
    (tmp_path / "n").write_bytes(b"")
    with pytest.raises(OSError, match="cut"):
        table.take(np.array([1]))


def test_a_matrix_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    save_file({"table": VALUES}, tmp_path / "m")
    (tmp_path / "m").write_bytes((tmp_path / "m").read_bytes()[:-5])
    with (tmp_path / "m").open("rb") as file, pytest.raises(ValueError, match="fit"):
        map_tensors(file)
