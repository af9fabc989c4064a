"""The encoder's weights are the package's, whatever happens to the copy."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from bot.understanding import use_weights
from bot.understanding.use import DIMENSIONS
from bot.understanding.use_weights import MANIFEST, TABLE, WEIGHTS, DiskTable, load_weights

PIECES = np.array([0, 5, 17, 5, 60_000])


@pytest.fixture(scope="module")
def package() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    table, weights = use_weights._unpack()
    return table, dict(weights)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "modeles" / "encodeur"


def same(loaded: tuple[object, object], package: tuple[np.ndarray, dict[str, np.ndarray]]) -> bool:
    table, weights = loaded
    whole, expected = package
    rows = np.array_equal(table[PIECES], whole[PIECES]) and len(table) == len(whole)  # type: ignore[index, arg-type]
    return rows and set(weights) == set(expected) and all(np.array_equal(weights[n], expected[n]) for n in expected)  # type: ignore[call-overload, index]


def test_a_copy_is_made_once_and_is_the_package(folder: Path, package: tuple[np.ndarray, dict[str, np.ndarray]]) -> None:
    folder.parent.mkdir()
    assert same(load_weights(folder), package)
    made = (folder / TABLE).stat().st_mtime_ns
    table, weights = load_weights(folder)
    assert isinstance(table, DiskTable) and same((table, weights), package)
    assert (folder / TABLE).stat().st_mtime_ns == made
    assert [path.name for path in folder.parent.iterdir()] == [folder.name], "no draft is left"


@pytest.mark.parametrize("name", [TABLE, WEIGHTS, MANIFEST])
def test_a_damaged_copy_is_never_used_and_is_made_again(folder: Path, package: tuple[np.ndarray, dict[str, np.ndarray]], name: str) -> None:
    folder.parent.mkdir()
    load_weights(folder)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(bytes(content))
    assert same(load_weights(folder), package)
    assert same(use_weights._read(folder), package)


def test_without_a_folder_to_write_to_the_package_is_read(folder: Path, package: tuple[np.ndarray, dict[str, np.ndarray]]) -> None:
    assert same(load_weights(folder), package)
    assert not folder.exists()
    folder.parent.mkdir()
    folder.write_text("un fichier à la place du dossier", encoding="utf-8")
    assert same(load_weights(folder), package)


def test_a_table_cut_while_it_serves_changes_no_answer(folder: Path, package: tuple[np.ndarray, dict[str, np.ndarray]]) -> None:
    folder.parent.mkdir()
    table, _ = load_weights(folder)
    os.truncate(folder / TABLE, 10 * DIMENSIONS)
    assert np.array_equal(table[PIECES], package[0][PIECES])
