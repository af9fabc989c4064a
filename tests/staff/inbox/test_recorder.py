"""Events: never lost when the database is away, never counted twice, never in the way of a citizen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.staff.inbox import recorder as module
from bot.staff.inbox.events import Event, FeedbackEvent, TurnEvent, from_line, to_line
from bot.staff.inbox.recorder import Recorder, size_of

DOOR = {"dis": "population", "service": "titres", "sujet": "passeport", "confiance": 0.9}


def turn(number: int) -> TurnEvent:
    return TurnEvent(f"a{number}", 1.0 + number, "mon passeport", "orienter", (DOOR,), ({**DOOR, "confiance": 0.05},))


class Database:
    """Keeps what it is given, once per id; may be away or stuck."""

    def __init__(self) -> None:
        self.away = False
        self.kept: dict[str, Event] = {}
        self.go = threading.Event()
        self.go.set()

    def __call__(self, batch: Sequence[Event]) -> None:
        self.go.wait(5)
        if self.away:
            raise RuntimeError("away")
        for event in batch:
            self.kept[getattr(event, "id", "") or f"vote-{event.answer}"] = event  # type: ignore[union-attr]


def wait(check: object) -> None:
    end = time.monotonic() + 5
    while not check() and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.01)
    assert check()  # type: ignore[operator]


def test_an_event_survives_its_line() -> None:
    vote = FeedbackEvent("a1", 2.0, False, "autre", "bof", turn(1))
    assert from_line(to_line(turn(1))) == turn(1) and from_line(to_line(vote)) == vote
    for bad in ("", "{", "[]", '{"evenement": "turn"}', '{"evenement": "feedback", "x": 1}'):
        with pytest.raises(ValueError, match=r"not an event|Expecting|double quotes"):
            from_line(bad)
    assert turn(1).confidence == 0.9 and TurnEvent("a", 0, "", "incompris").confidence is None


def test_events_reach_the_database(tmp_path: Path) -> None:
    database = Database()
    recorder = Recorder(lambda: database, tmp_path, 0.02)
    recorder.start()
    for number in range(50):
        recorder.turn(turn(number))
    recorder.feedback(FeedbackEvent("a1", 2.0, True))
    assert recorder.flush()
    assert len(database.kept) == 51 and recorder.waiting() == 0
    recorder.stop()


def test_words_of_sure_or_helpful_answers_are_written_nowhere(tmp_path: Path) -> None:
    database = Database()
    database.away = True
    recorder = Recorder(lambda: database, tmp_path, 5.0)
    recorder.start()
    sure, doubtful = turn(1), TurnEvent("a2", 2.0, "zinzolin", "incompris")
    for event in (sure, doubtful):
        recorder.turn(event)
    for number, helpful in ((1, True), (2, False)):
        recorder.feedback(FeedbackEvent(f"a{number}", 3.0, helpful, turn=sure if number == 1 else doubtful))
    assert recorder.flush()
    waiting = "".join(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())
    assert "mon passeport" not in waiting and waiting.count("zinzolin") == 2
    recorder.stop()


def test_events_wait_on_disk_and_are_delivered_later_in_order(tmp_path: Path) -> None:
    database = Database()
    database.away = True
    recorder = Recorder(lambda: database, tmp_path / "attente", 0.02)
    recorder.start()
    for number in range(10):
        recorder.turn(turn(number))
    assert recorder.flush() and recorder.waiting() > 0 and database.kept == {}
    database.away = False
    recorder.feedback(FeedbackEvent("a1", 2.0, False))
    wait(lambda: len(database.kept) == 11)
    assert list(database.kept)[-1] == "vote-a1"
    wait(lambda: recorder.waiting() == 0)
    recorder.stop()


def test_what_a_dead_process_left_is_delivered_by_the_next(tmp_path: Path) -> None:
    lines = to_line(turn(1)) + "\n" + to_line(turn(2)) + "\n" + to_line(turn(3))[:20]
    (tmp_path / "999999999-aa.attente").write_text(lines, encoding="utf-8")
    (tmp_path / "999999998-bb.livraison").write_text(to_line(turn(4)) + "\n", encoding="utf-8")
    database = Database()
    recorder = Recorder(lambda: database, tmp_path, 0.02)
    recorder.start()
    wait(lambda: set(database.kept) == {"a1", "a2", "a4"})
    wait(lambda: not list(tmp_path.iterdir()))
    recorder.stop()


def test_a_citizen_never_waits_and_what_overflows_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD", 5)
    (tmp_path / "attente").write_text("the folder cannot be made", encoding="utf-8")
    database = Database()
    database.go.clear()
    recorder = Recorder(lambda: database, tmp_path / "attente", 0.02)
    recorder.start()
    started = time.perf_counter()
    for number in range(30):
        recorder.turn(turn(number))
    assert time.perf_counter() - started < 5, "the database would have kept it for ever"
    assert recorder.dropped >= 20
    database.go.set()
    recorder.flush()
    recorder.stop()


def test_the_waiting_file_is_bounded(tmp_path: Path) -> None:
    database = Database()
    database.away = True
    recorder = Recorder(lambda: database, tmp_path, 0.02, spool_bytes=600)
    recorder.start()
    for number in range(10):
        recorder.turn(turn(number))
        recorder.flush()
    assert 0 < recorder.waiting() <= 600 and recorder.dropped > 0
    recorder.stop()


def test_events_wait_in_memory_when_the_disk_is_full_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database, spool = Database(), tmp_path / "attente"
    database.away = True
    recorder = Recorder(lambda: database, spool, 0.02)
    recorder.start()
    spool.write_text("the folder cannot be made", encoding="utf-8")
    for number in range(30):
        recorder.turn(turn(number))
    assert recorder.flush() and recorder.dropped == 0
    monkeypatch.setattr(module, "HELD", 20)
    recorder.turn(turn(99))
    wait(lambda: recorder.dropped == 11)
    database.away = False
    wait(lambda: len(database.kept) == 20)
    recorder.stop()
    assert recorder.dropped == 11


def test_stopping_writes_what_is_queued(tmp_path: Path) -> None:
    database = Database()
    recorder = Recorder(lambda: database, tmp_path, 5.0)
    recorder.start()
    for number in range(20):
        recorder.turn(turn(number))
    recorder.stop()
    assert len(database.kept) == 20


def test_an_event_that_cannot_be_written_does_not_hold_the_others_back(tmp_path: Path) -> None:
    database = Database()

    def deliver(batch: Sequence[Event]) -> None:
        if any(getattr(event, "id", "") == "a3" for event in batch):
            raise AttributeError("mangled")
        database(batch)

    recorder = Recorder(lambda: deliver, tmp_path, 0.02)
    recorder.start()
    for number in range(6):
        recorder.turn(turn(number))
    assert recorder.flush()
    assert set(database.kept) == {"a0", "a1", "a2", "a4", "a5"} and recorder.dropped == 1 and recorder.waiting() == 0
    recorder.stop()


KILLED = """
import os, signal, sys
from pathlib import Path
from test_recorder import turn
from bot.staff.inbox.recorder import Recorder

recorder = Recorder(lambda: lambda batch: None, Path(sys.argv[1]))
for number in range(40):
    recorder.turn(turn(number))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_taken_survives_a_kill_and_the_file_of_a_live_process_is_left_alone(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent}:{os.getcwd()}"}
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=environment).returncode == -signal.SIGKILL
    database, other = Database(), Database()
    live = Recorder(lambda: other, tmp_path, 0.02)
    live.turn(turn(99))
    recorder = Recorder(lambda: database, tmp_path, 0.02)
    recorder.start()
    wait(lambda: len(database.kept) == 40)
    recorder.stop()
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600], "only the one of the live process"
    live.stop()
    assert "a99" not in database.kept and live.waiting() > 0 and live.dropped == 0


def test_stopping_with_a_stuck_database_leaves_everything_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.1)
    stuck = Database()
    stuck.go.clear()
    recorder = Recorder(lambda: stuck, tmp_path, 0.02)
    recorder.start()
    for number in range(300):
        recorder.turn(turn(number))
    recorder.stop()
    assert recorder.dropped == 0
    lines = b"".join(path.read_bytes() for path in tmp_path.iterdir()).splitlines()
    assert {from_line(line.decode()).id for line in lines} == {f"a{number}" for number in range(300)}  # type: ignore[union-attr]
    stuck.go.set()


def test_a_file_delivered_meanwhile_weighs_nothing(tmp_path: Path) -> None:
    assert size_of(tmp_path / "parti") == 0
    (tmp_path / "là").write_bytes(b"abc")
    assert size_of(tmp_path / "là") == 3
