"""The off switch: a "phone only" mode and a public banner, the same for every process within two seconds.

The state is in the database. Each process keeps it in memory and reads it again from a thread: the public page never waits
for the database, and keeps the last state known when it is away.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from sqlalchemy import delete, select

from bot.atelier import audit
from bot.atelier.schema import switches
from bot.atelier.storage import Storage
from bot.errors import SwitchError
from bot.privacy import holds_personal_data

POLL_SECONDS = 2.0
LONGEST_BANNER = 280
_NAME = "public"
log = logging.getLogger("bot.atelier.switch")


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


def read_notice(storage: Storage) -> Notice:
    """Return the state in the database."""
    with storage.read() as connection:
        row = connection.execute(select(switches).where(switches.c.name == _NAME)).first()
    if row is None:
        return Notice()
    values = json.loads(row.value)
    return Notice(bool(values.get("phone_only")), str(values.get("banner") or ""), row.author, row.at)


def write_notice(storage: Storage, phone_only: bool, banner: str, author: str) -> Notice:
    """Change the state, and journal what changed.

    Args:
        storage: the database.
        phone_only: the mode.
        banner: a sentence, or empty.
        author: account.

    Raises:
        SwitchError: the banner is too long, or holds something personal.
    """
    banner = " ".join(banner.split())
    if len(banner) > LONGEST_BANNER:
        raise SwitchError(f"Le bandeau est trop long : {len(banner)} caractères, {LONGEST_BANNER} au plus.")
    if holds_personal_data(banner):
        raise SwitchError("Le bandeau semble contenir une donnée personnelle ou un numéro. Les numéros sont dans les guichets.")
    before = read_notice(storage)
    notice = Notice(phone_only, banner, author, time.time())
    with storage.write() as connection:
        value = json.dumps({k: v for k, v in asdict(notice).items() if k in {"phone_only", "banner"}}, ensure_ascii=False)
        connection.execute(delete(switches).where(switches.c.name == _NAME))
        connection.execute(switches.insert().values(name=_NAME, value=value, at=notice.at, author=author))
        if before.phone_only != phone_only:
            audit.record(connection, author, "mode", "téléphone seulement" if phone_only else "normal")
        if before.banner != banner:
            audit.record(connection, author, "bandeau", "", {"texte": banner or "(retiré)"})
    return notice


class Switch:
    """The state as one process sees it.

    Args:
        open_storage: opens the database, in the thread.
        seconds: between two readings.
    """

    def __init__(self, open_storage: Callable[[], Storage], seconds: float = POLL_SECONDS) -> None:
        self._open = open_storage
        self._seconds = seconds
        self._storage: Storage | None = None
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
        """Read the state now; when the database is away, the last one known stays."""
        try:
            if self._storage is None:
                self._storage = self._open()
            self.current = read_notice(self._storage)
        except Exception as error:
            log.warning("switch cannot be read", extra={"evenement": "interrupteur_illisible"}, exc_info=error)

    def _run(self) -> None:
        while not self._ended.is_set():
            self.refresh()
            self._ended.wait(self._seconds)
