"""What the off switch makes the public page say; light, because the page is drawn with it from the first second."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

POLL_SECONDS = 2.0
log = logging.getLogger("bot.staff.upkeep.notice")


@dataclass(frozen=True)
class Notice:
    """What the public page must say.

    Args:
        phone_only: whether the assistant only gives the phone number of the front desk.
        banner: a sentence shown at the top of every page, or empty.
        author: who set it last.
        at: when, in seconds since 1970.
    """

    phone_only: bool = False
    banner: str = ""
    author: str = ""
    at: float = 0.0


class OpenSwitch:
    """A switch that nobody touches."""

    current = Notice()

    def start(self) -> None:
        """Start reading the state."""

    def stop(self) -> None:
        """Stop reading it."""


class Switch(OpenSwitch):
    """The state as one process sees it: read again and again from a thread, so that the public page never waits for the
    database; when it is away, the last state known stays.

    Args:
        read: reads the state, in the thread.
        seconds: between two readings.
    """

    def __init__(self, read: Callable[[], Notice], seconds: float = POLL_SECONDS) -> None:
        self._read = read
        self._seconds = seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="interrupteur", daemon=True)
        self.current = Notice()

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading."""
        self._ended.set()

    def refresh(self) -> None:
        """Read the state now."""
        try:
            self.current = self._read()
        except Exception as error:
            log.warning("switch cannot be read", extra={"evenement": "interrupteur_illisible"}, exc_info=error)

    def _run(self) -> None:
        while not self._ended.is_set():
            self.refresh()
            self._ended.wait(self._seconds)
