"""Keeps events on disk before the person is answered, and feeds the database from there, in a thread of its own.

Each process has one file, appended to by a single system call: once :meth:`Recorder.turn` returns, killing the process loses
nothing. The file is locked while its process lives; the lock of a dead process is free, so the next one delivers what it left.
An event may reach the database twice, where its id counts once. When the disk is full, events wait in memory. Everything is
bounded: beyond, the newest events are dropped and counted, never the answer.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bot.staff.inbox.events import Event, FeedbackEvent, TurnEvent, from_line, to_line, without_useless_words

log = logging.getLogger("bot.staff.inbox.recorder")

HELD = 2_000
"""Events kept in memory when the disk takes nothing more."""
RETRY_SECONDS = 5.0
SPOOL_BYTES = 64 * 1024 * 1024
STOP_SECONDS = 3.0
_BLOCK = 128 * 1024
"""Bytes delivered at once; a line is much shorter (a message is read up to 20,000 characters)."""
_SUFFIX = ".attente"

Deliver = Callable[[Sequence[Event]], None]


class Recorder:
    """Takes events, feeds the database.

    Args:
        open_delivery: makes what writes a batch, on the first one and in the thread; it must accept the same event twice
            without counting it twice.
        spool: folder of the files that wait; on a disk of this machine.
        retry_seconds: between two attempts when the database is away, and between two looks at what dead processes left.
        spool_bytes: size of this process's file beyond which new events are dropped.
        one_in: one sure answer in so many is drawn for staff to check (see :func:`without_useless_words`).
    """

    def __init__(
        self,
        open_delivery: Callable[[], Deliver],
        spool: Path,
        retry_seconds: float = RETRY_SECONDS,
        spool_bytes: int = SPOOL_BYTES,
        one_in: int = 0,
    ) -> None:
        self._one_in = one_in
        self._open = open_delivery
        self._deliver: Deliver | None = None
        self._spool = spool
        self._path = spool / f"{os.getpid()}-{secrets.token_hex(6)}{_SUFFIX}"
        self._retry = retry_seconds
        self._limit = spool_bytes
        self._lock = threading.Lock()
        self._file = -1
        self._size = self._delivered = self._synced = 0
        """Bytes of the file: written, in the database, known to be on the disk whatever happens to the machine."""
        self._held: deque[bytes] = deque()
        self._taken = self._seen = 0
        self._work = threading.Event()
        self._ended = False
        self._next_try = self._next_look = 0.0
        self._thread = threading.Thread(target=self._run, name="atelier", daemon=True)
        self.dropped = 0

    def start(self) -> None:
        """Start the thread; what an earlier process left waiting is delivered first."""
        self._thread.start()

    def stop(self) -> None:
        """Deliver what waits, at most :data:`STOP_SECONDS`; the rest stays on disk for the next process."""
        self._ended = True
        self._work.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
        with self._lock:
            self._write_held()
            if self._held:
                self._drop(len(self._held))
            if self._file >= 0 and not self._size:
                os.close(self._file)
                self._file = -1
                self._path.unlink(missing_ok=True)

    def turn(self, event: TurnEvent) -> None:
        """Take an answered exchange; when it returns, killing this process no longer loses it."""
        self._take(event)

    def feedback(self, event: FeedbackEvent) -> None:
        """Take a vote; when it returns, killing this process no longer loses it."""
        self._take(event)

    def flush(self, seconds: float = 5.0) -> bool:
        """Wait until what was taken so far is delivered, or waits on disk; for tests and commands."""
        end, taken = time.monotonic() + seconds, self._taken
        while self._seen < taken and time.monotonic() < end:
            time.sleep(0.005)
        return self._seen >= taken

    def waiting(self) -> int:
        """Return how many bytes wait on disk, for every process that shares it."""
        return sum(map(size_of, self._spool.glob(f"*{_SUFFIX}"))) if self._spool.exists() else 0

    def _take(self, event: Event) -> None:
        line = (to_line(without_useless_words(event, self._one_in)) + "\n").encode()
        with self._lock:
            self._taken += 1
            self._held.append(line)
            self._write_held()
            while len(self._held) > HELD:
                self._held.pop()
                self._drop(1)
        self._work.set()

    def _drop(self, count: int) -> None:
        self.dropped += count
        log.warning("events dropped", extra={"evenement": "atelier_perte", "perdus": self.dropped})

    def _write_held(self) -> None:
        """Append what is held to the file; what the disk refuses stays held."""
        try:
            if self._file < 0 and self._held:
                self._open_file()
            while self._held:
                line = self._held[0]
                if self._size + len(line) > self._limit:
                    self._drop(1)
                elif os.write(self._file, line) < len(line):
                    raise OSError("cut")
                else:
                    self._size += len(line)
                self._held.popleft()
        except OSError as error:
            if self._file >= 0:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._file, self._size)  # no line cut in two
            if len(self._held) == 1:
                log.error("waiting file cannot be written", extra={"evenement": "atelier_disque"}, exc_info=error)

    def _open_file(self) -> None:
        """Make the file, under a hidden name until it is locked: nobody takes it for one of a dead process."""
        self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        hidden = self._spool / f".{self._path.name}"
        file = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            os.rename(hidden, self._path)
        except OSError:
            os.close(file)
            raise
        self._file, self._size, self._delivered, self._synced = file, 0, 0, 0

    def _run(self) -> None:
        while not self._ended:
            self._round()
            self._work.wait(self._retry)
            self._work.clear()
        self._round()

    def _round(self) -> None:
        taken = self._taken
        try:
            with self._lock:
                self._write_held()
            self._sync()
            if time.monotonic() >= self._next_look:
                self._next_look = time.monotonic() + self._retry
                self._deliver_left()
            self._deliver_ours()
            self._deliver_held()
        except OSError as error:
            log.error("waiting files cannot be read", extra={"evenement": "atelier_disque"}, exc_info=error)
        self._seen = taken

    def _sync(self) -> None:
        size = self._size
        if size > self._synced:
            os.fdatasync(self._file)
            self._synced = size

    @property
    def _available(self) -> bool:
        return time.monotonic() >= self._next_try

    def _deliver_ours(self) -> None:
        if self._size == self._delivered:
            return
        delivered = self._deliver_from(self._file, self._delivered)
        with self._lock:
            self._delivered = delivered
            if delivered >= self._size:
                os.ftruncate(self._file, 0)
                self._size = self._delivered = self._synced = 0

    def _deliver_held(self) -> None:
        """Hand straight to the database what the disk refuses."""
        with self._lock:
            held = list(self._held)
        if held and self._available and self._try(_events(held)):
            done = set(map(id, held))
            with self._lock:
                self._held = deque(line for line in self._held if id(line) not in done)

    def _deliver_left(self) -> None:
        """Deliver the files whose process is gone: the kernel let go of their locks."""
        for path in sorted(self._spool.iterdir()) if self._spool.is_dir() else ():
            if path == self._path or path.name.startswith(".") or not self._available:
                continue
            with contextlib.suppress(OSError), path.open("r+b") as stream:  # its process lives, or another one delivers it
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(stream.fileno()).st_nlink:
                    self._deliver_from(stream.fileno(), 0)
                    if self._available:
                        path.unlink()

    def _deliver_from(self, file: int, start: int) -> int:
        """Deliver the whole lines of a file, from a position; returns the position reached."""
        while self._available and (block := os.pread(file, _BLOCK, start)):
            lines = block[: block.rfind(b"\n") + 1]
            if not lines or not self._try(_events(lines.splitlines())):  # a line cut when the machine stopped
                break
            start += len(lines)
        return start

    def _try(self, batch: Sequence[Event]) -> bool:
        try:
            if self._deliver is None:
                self._deliver = self._open()
            self._deliver(batch)
            return True
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            return self._try_one_by_one(batch, error)
        except Exception as error:
            self._next_try = time.monotonic() + self._retry
            log.error("events wait on disk", extra={"evenement": "atelier_attente"}, exc_info=error)
            return False

    def _try_one_by_one(self, batch: Sequence[Event], error: Exception) -> bool:
        """An event that cannot be written must not keep the others waiting for ever: it is left out and counted."""
        if len(batch) == 1:
            log.error("event cannot be written", extra={"evenement": "atelier_illisible"}, exc_info=error)
            self._drop(1)
            return True
        return all(self._try([event]) for event in batch)


def _events(lines: Iterable[bytes]) -> list[Event]:
    """Read lines again; one that was cut when the machine stopped is no event."""
    events = []
    for line in lines:
        with contextlib.suppress(ValueError):
            events.append(from_line(line.decode("utf-8", "replace")))
    return events


def size_of(path: Path) -> int:
    """Return the bytes of a file; another thread may have delivered and removed it meanwhile."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
