"""Writes events to the database from a thread of its own: a citizen's turn only puts a value in a queue.

When the database is away, events wait in append-only files (one JSON line each) and are delivered later, once each. When the
disk is full too, they wait in memory. Everything is bounded: the queue, the files, the memory. Beyond the bounds the newest
events are dropped and counted, never the answer.
"""

from __future__ import annotations

import logging
import os
import queue
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.staff.inbox.events import Event, FeedbackEvent, TurnEvent, from_line, to_line, without_useless_words

log = logging.getLogger("bot.staff.inbox.recorder")

QUEUE = 2_000
BATCH = 200
RETRY_SECONDS = 5.0
SPOOL_BYTES = 64 * 1024 * 1024
STOP_SECONDS = 3.0
_SUFFIX = ".attente"
_CLAIMED = ".livraison"

Deliver = Callable[[Sequence[Event]], None]


class Recorder:
    """Takes events, writes them later.

    Args:
        open_delivery: makes what writes a batch, on the first one and in the thread; it must accept the same event twice
            without counting it twice.
        spool: folder of the files that wait.
        retry_seconds: between two attempts when the database is away.
        spool_bytes: size of this process's waiting file beyond which new events are dropped.
    """

    def __init__(
        self, open_delivery: Callable[[], Deliver], spool: Path, retry_seconds: float = RETRY_SECONDS, spool_bytes: int = SPOOL_BYTES
    ) -> None:
        self._open = open_delivery
        self._deliver: Deliver | None = None
        self._spool = spool
        self._retry = retry_seconds
        self._limit = spool_bytes
        self._file = spool / f"{os.getpid()}-{secrets.token_hex(4)}{_SUFFIX}"
        self._queue: queue.Queue[Event | None] = queue.Queue(QUEUE)
        self._thread = threading.Thread(target=self._run, name="atelier", daemon=True)
        self._next_try = 0.0
        self._held: list[Event] = []
        """What neither the database nor the disk took."""
        self.dropped = 0

    def start(self) -> None:
        """Start the thread; what an earlier process left waiting is delivered first."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is queued, at most :data:`STOP_SECONDS`; the rest waits on disk."""
        if self._thread.is_alive():
            try:
                self._queue.put(None, timeout=STOP_SECONDS)
            except queue.Full:
                return
            self._thread.join(STOP_SECONDS)

    def turn(self, event: TurnEvent) -> None:
        """Take an answered exchange; returns at once and never raises."""
        self._put(event)

    def feedback(self, event: FeedbackEvent) -> None:
        """Take a vote; returns at once and never raises."""
        self._put(event)

    def flush(self, seconds: float = 5.0) -> bool:
        """Wait until what was taken so far is written or waits on disk; for tests and commands."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._queue.unfinished_tasks == 0:
                return True
            time.sleep(0.005)
        return False

    def waiting(self) -> int:
        """Return how many bytes wait on disk."""
        return sum(map(size_of, self._spool.glob(f"*{_SUFFIX}"))) if self._spool.exists() else 0

    def _put(self, event: Event) -> None:
        try:
            self._queue.put_nowait(without_useless_words(event))
        except queue.Full:
            self._drop(1)

    def _drop(self, count: int) -> None:
        self.dropped += count
        log.warning("events dropped", extra={"evenement": "atelier_perte", "perdus": self.dropped})

    def _run(self) -> None:
        ended = False
        while not ended:
            batch, ended = self._next_batch()
            if batch:
                self._write(batch)
                for _ in batch:
                    self._queue.task_done()
            elif not ended and time.monotonic() >= self._next_try:
                self._deliver_waiting()
                if self._held:
                    self._write([])
        if self._held:
            self._write([])
        if self._held:
            self._drop(len(self._held))

    def _next_batch(self) -> tuple[list[Event], bool]:
        batch: list[Event] = []
        try:
            event = self._queue.get(timeout=self._retry)
            while True:
                if event is None:
                    self._queue.task_done()
                    return batch, True
                batch.append(event)
                if len(batch) >= BATCH:
                    return batch, False
                event = self._queue.get_nowait()
        except queue.Empty:
            return batch, False

    def _write(self, batch: Sequence[Event]) -> None:
        batch, self._held = [*self._held, *batch], []
        if time.monotonic() >= self._next_try:
            if self._file.exists():  # order: a vote comes after the answer it is about
                self._deliver_waiting()
            if time.monotonic() >= self._next_try and self._try(batch):
                return
        self._append(batch)

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

    def _append(self, batch: Sequence[Event]) -> None:
        lines = "".join(to_line(event) + "\n" for event in batch)
        try:
            self._spool.mkdir(parents=True, exist_ok=True)
            size = self._file.stat().st_size if self._file.exists() else 0
            if size + len(lines.encode()) > self._limit:
                self._drop(len(batch))
                return
            try:
                with self._file.open("a", encoding="utf-8") as stream:
                    stream.write(lines)
            except OSError:
                os.truncate(self._file, size)  # no line cut in two
                raise
        except OSError as error:
            log.error("waiting file cannot be written", extra={"evenement": "atelier_disque"}, exc_info=error)
            self._held = list(batch[:QUEUE])
            if len(batch) > QUEUE:
                self._drop(len(batch) - QUEUE)

    def _deliver_waiting(self) -> None:
        """Deliver every waiting file of a process that is gone, and ours; a file is claimed by renaming it."""
        if not self._spool.exists():
            return
        self._reclaim()
        for path in sorted(self._spool.glob(f"*{_SUFFIX}")):
            if path != self._file and _alive(path):
                continue
            claimed = path.with_name(f"{path.stem}-{secrets.token_hex(3)}{_CLAIMED}")
            try:
                os.replace(path, claimed)
            except OSError:
                continue  # another process took it
            if not self._deliver_file(claimed):
                os.replace(claimed, path if not path.exists() else path.with_name(f"{claimed.stem}{_SUFFIX}"))
                return

    def _deliver_file(self, path: Path) -> bool:
        batch: list[Event] = []
        with path.open(encoding="utf-8", errors="replace") as stream:
            for line in stream:
                try:
                    batch.append(from_line(line))
                except ValueError:  # cut by a crash
                    continue
                if len(batch) >= BATCH:
                    if not self._try(batch):
                        return False
                    batch = []
        if batch and not self._try(batch):
            return False
        path.unlink(missing_ok=True)
        return True

    def _reclaim(self) -> None:
        """Put back the files that a process was delivering when it died."""
        for path in self._spool.glob(f"*{_CLAIMED}"):
            if not _alive(path):
                os.replace(path, path.with_suffix(_SUFFIX))


def _alive(path: Path) -> bool:
    """Whether the process that writes this file still runs; ours never counts as another."""
    number = path.name.split("-")[0]
    if not number.isdigit() or int(number) == os.getpid():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def size_of(path: Path) -> int:
    """Return the bytes of a file; another thread may have delivered and removed it meanwhile."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
