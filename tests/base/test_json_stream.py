"""A huge JSON file is read record by record: wherever the pieces cut it, whatever its size, and broken ones are said."""

from __future__ import annotations

import io
import json
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.base import json_stream
from bot.base.errors import BrokenFile
from bot.base.json_stream import records

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


class Small(io.StringIO):
    """A stream that gives one character at a time: every cut happens."""

    def read(self, size: int | None = -1) -> str:
        return super().read(1 if size else 0)


@given(
    before=st.dictionaries(st.text(max_size=3).filter(lambda key: key != "service"), VALUES, max_size=2), found=st.lists(VALUES, max_size=4)
)
def test_what_is_written_is_read_wherever_it_is_cut(before: dict[str, object], found: list[object]) -> None:
    text = json.dumps({**before, "service": found, "après": 1}, indent=1)
    assert list(records(Small(text), "service")) == list(records(io.StringIO(text), "service")) == found


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", '{"service"', '{"service": [', '{"service": [{"a": 1}', '{"service": [{"a": 1},', '{"service": [{"a": 1', "<html>",
        '{"service": {"a": 1}}', '{"autre": []}', '{"service": [{"a": 1} {"b": 2}]}', '{"service": [tru]}', "[" * 5000,
        '{"service": ' + "[" * 200_000,
    ],
)  # fmt: skip
def test_a_broken_file_is_said(text: str) -> None:
    with pytest.raises(BrokenFile):
        list(records(io.StringIO(text), "service"))


class Endless:
    """A file of many records that is nowhere: it is made as it is read."""

    def __init__(self, record: str, times: int, start: str = '{"service": [') -> None:
        self._left, self._record, self._start = times, record, start

    def read(self, size: int = -1) -> str:
        text, self._start = self._start, ""
        count = min(self._left, max(1, size // len(self._record)))
        self._left -= count
        return text + self._record * count + ("" if self._left else "{}]}" if count else "")


def test_a_huge_file_takes_little_memory_and_time() -> None:
    record = json.dumps({"nom": "Mairie " + "x" * 6000}) + ","
    tracemalloc.start()
    start = time.perf_counter()
    count = sum(1 for _ in records(Endless(record, 10_000), "service"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 10_001 and peak < 16_000_000 and time.perf_counter() - start < 20


def test_a_record_without_end_is_refused_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "LONGEST", 1 << 20)
    endless = Endless("x" * 1000, 1_000_000, '{"service": ["')
    with pytest.raises(BrokenFile, match="trop longue"):
        list(records(endless, "service"))
