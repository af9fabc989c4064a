"""Vectors are kept by the hash of their text; what is kept is exactly what the encoder gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bot.learning.vector_cache import RememberingEncoder, remembered_vectors
from bot.understanding import encoders


class Counting:
    dimensions = 3

    def __init__(self) -> None:
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.seen.extend(texts)
        return np.array([[len(t), t.count("a"), 1 / 3] for t in texts], dtype=np.float32)


def test_only_new_texts_are_encoded_and_old_ones_leave_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = Counting()
    monkeypatch.setitem(encoders._LOADED, "use", inner)
    for texts, new in ((["a", "bb", "a"], ["a", "bb"]), (["bb", "ccc"], ["ccc"]), (["a"], ["a"])):
        inner.seen.clear()
        with remembered_vectors(tmp_path, ["use"]):
            assert np.array_equal(encoders.get_encoder("use").encode(texts), Counting().encode(texts))
            assert len(encoders.get_encoder("use").encode([])) == 0
        assert sorted(inner.seen) == new
        assert encoders.get_encoder("use") is inner
    assert [p.suffix for p in tmp_path.iterdir()] == [".npz"]


def test_a_broken_file_costs_time_only(tmp_path: Path) -> None:
    file = tmp_path / "v.npz"
    file.write_bytes(b"PK not really")
    inner = Counting()
    encoder = RememberingEncoder(inner, file)
    encoder.encode(["a"])
    encoder.save()
    again = RememberingEncoder(Counting(), file)
    assert np.array_equal(again.encode(["a"]), inner.encode(["a"]))
