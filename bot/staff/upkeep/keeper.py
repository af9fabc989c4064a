"""What the workshop does by itself, in a background thread: delete old words every day, keep the inbox ranked, repair."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from bot.base.paths import ProjectPaths
from bot.staff.accounts import audit
from bot.staff.accounts.accounts import Accounts
from bot.staff.editing.drafts import Drafts
from bot.staff.editing.workspace import Workspace
from bot.staff.inbox.inbox import Inbox
from bot.staff.nearness import CorpusIndex, index_of
from bot.staff.storage import Storage
from bot.staff.upkeep.backup import finish_restore
from bot.staff.upkeep.retention import DAY, purge

log = logging.getLogger("bot.staff.upkeep.keeper")
ROUND_SECONDS = 15.0
REINDEX_SECONDS = 600.0
MEASURED_AGAIN = 300
"""Best ranked groups measured again when the corpus changes: about ten milliseconds of processor each."""
ACTOR = "atelier"


class Keeper:
    """Runs the chores.

    Args:
        storage: the database.
        paths: of the project tree.
        retention_days: texts are kept that long.
        inbox: builds the inbox to rank; ``None`` ranks nothing (a process without the workshop's pages).
        nightly: asks for the training of the night when it is due; ``None`` as for the inbox.
        seconds: between two rounds.
        reindex_seconds: at least that long between two readings of a corpus that changes (seconds of processor each).
    """

    def __init__(
        self,
        storage: Storage,
        paths: ProjectPaths,
        retention_days: int,
        inbox: Callable[[], Inbox] | None = None,
        nightly: Callable[[], None] | None = None,
        seconds: float = ROUND_SECONDS,
        reindex_seconds: float = REINDEX_SECONDS,
    ) -> None:
        self._storage = storage
        self._paths = paths
        self._days = retention_days
        self._build_inbox = inbox
        self._nightly = nightly
        self._seconds = seconds
        self._reindex_seconds = reindex_seconds
        self._indexed_at = -reindex_seconds
        self._index: CorpusIndex | None = None
        self._next_purge = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="intendance", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after what it is doing."""
        self._ended.set()

    def round(self) -> None:
        """Do what is due now."""
        finish_restore(self._storage, self._paths)
        Workspace(self._paths).recover()
        Drafts(self._paths).recover()
        audit.deliver(self._storage, self._paths)
        now = time.time()
        if not self._next_purge - DAY <= now < self._next_purge:  # due, or the clock of the machine was put back
            purge(self._storage, self._days, ACTOR)
            Accounts(self._storage).forget_old()
            self._next_purge = now + DAY
        if self._nightly is not None:
            self._nightly()
        if self._build_inbox is not None:
            self._rank(self._build_inbox())

    def _rank(self, inbox: Inbox) -> None:
        waiting = inbox.counts()["ouvert"]
        if not waiting:
            return
        index = self._index
        if index is None or time.monotonic() - self._indexed_at >= self._reindex_seconds:
            self._indexed_at = time.monotonic()
            self._index = index_of(self._paths)
        assert self._index is not None
        inbox.measure_novelty(self._index, again=0 if self._index is index else MEASURED_AGAIN)

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            try:
                self.round()
            except Exception as error:
                log.error("chore failed", extra={"evenement": "intendance_erreur"}, exc_info=error)
