"""The workshop's storage on a real PostgreSQL server, started for the test; skipped where PostgreSQL is not installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select

from bot.base.paths import ProjectPaths
from bot.staff.accounts import audit
from bot.staff.accounts.accounts import Accounts
from bot.staff.inbox.events import FeedbackEvent, TurnEvent
from bot.staff.inbox.inbox import IGNORED, OPEN, Inbox
from bot.staff.inbox.intake import Intake
from bot.staff.inbox.statistics import summarize
from bot.staff.inbox.traffic import cells_between, conversations_between, more_doors
from bot.staff.nearness import CorpusIndex
from bot.staff.schema import MIGRATIONS, accounts, groups, schema_version, turns, votes
from bot.staff.schema import audit as audit_table
from bot.staff.storage import Storage, civil_day
from bot.staff.upkeep import backup
from bot.staff.upkeep.retention import purge
from bot.staff.upkeep.switch import read_notice, write_notice

BINARIES = next((p for p in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True) if (p / "initdb").exists()), None)
pytestmark = pytest.mark.needs("postgresql")
AS_OTHER = ["runuser", "-u", "postgres", "--"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
"""PostgreSQL refuses to run as root."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server on a free port of this machine, gone after the tests."""
    assert BINARIES is not None
    folder = Path(tempfile.mkdtemp(prefix="atelier-pg-"))
    if AS_OTHER:
        shutil.chown(folder, "postgres")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    data = folder / "data"
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    subprocess.run([*AS_OTHER, str(BINARIES / "initdb"), "-D", str(data), "-A", "trust", "-U", "atelier", "-E", "UTF8"], **quiet)
    subprocess.run([*AS_OTHER, str(BINARIES / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start"], **quiet)
    yield f"postgresql://atelier@127.0.0.1:{port}/postgres"
    subprocess.run([*AS_OTHER, str(BINARIES / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"], **quiet)
    shutil.rmtree(folder, ignore_errors=True)


class Silent:
    """A corpus that takes everything."""

    def add_phrases(self, topic: str, texts: object, author: str) -> None:
        """Take."""

    def remove_phrase(self, topic: str, text: str, author: str) -> None:
        """Take back."""

    def phrases(self, topic: str) -> tuple[str, ...]:
        return ()


def test_several_processes_starting_at_once_migrate_once(url: str) -> None:
    storages = [Storage(url) for _ in range(4)]
    threads = [threading.Thread(target=s.migrate) for s in storages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with storages[0].read() as connection:
        assert connection.execute(select(func.count()).select_from(schema_version)).scalar() == len(MIGRATIONS)


def test_the_whole_workshop_works_there(url: str) -> None:
    storage = Storage(url)
    accounts = Accounts(storage, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    accounts.create("ada", "administrateur", "une phrase facile", "test")
    secret, session = accounts.log_in("ada", "une phrase facile", "a")
    accounts.add_flash(session, "ok", "Fait.")
    assert accounts.session(secret) is not None and accounts.take_flashes(session) == [("ok", "Fait.")]

    now = time.time()
    door = {"dis": "territoire", "service": "veterinaire", "sujet": "chien", "confiance": 0.3}
    first = TurnEvent("a1", now, "un chien méchant 🐕", "clarifier", (door, door), arrondissement="Cahors", conversation="v1")
    Intake(storage)(
        [first, first, TurnEvent("a2", now, "vous êtes nuls", "incompris"), FeedbackEvent("a1", now, False, "incomplet", "bof", first)]
    )
    inbox = Inbox(storage, Silent(), {"chien": "Un chien a mordu"})
    inbox.measure_novelty(CorpusIndex([("mon chien", "chien")]))
    nasty = next(g for g in inbox.page(OPEN)[0] if g.text == "vous êtes nuls")
    inbox.ignore(nasty.id, "ada")
    Intake(storage)([TurnEvent("a3", now, "VOUS ETES NULS", "incompris")])
    (dog,) = inbox.page(OPEN)[0]
    assert (dog.down, dog.suggestions, inbox.get(nasty.id).state) == (1, ("chien",), IGNORED)
    inbox.attach(dog.id, "chien", "ada")
    assert [x.action for x in inbox.history(dog.id)] == ["rattacher"]

    day = civil_day(now)
    found = summarize(cells_between(storage, day, day))
    assert (found.exchanges, found.clarified, found.not_understood, found.down) == (3, 1, 2, 1)
    assert conversations_between(storage, day, day) == 2 and more_doors(storage, day, day) == []

    write_notice(storage, True, "Fermé.", "ada")
    assert read_notice(storage).phone_only
    assert purge(storage, 1, "test", now + 2 * 86_400).total >= 3
    verdict = audit.verify(storage)
    assert verdict.broken is None and verdict.lines == audit.entries(storage)[1] > 5


def test_writers_at_once_keep_one_chain(url: str) -> None:
    storage = Storage(url)

    def deeds() -> None:
        for number in range(10):
            with storage.write() as connection:
                audit.record(connection, "ada", "mode", str(number))

    before = audit.verify(storage).lines
    threads = [threading.Thread(target=deeds) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert audit.verify(storage).lines == before + 40 and audit.verify(storage).broken is None


def test_a_backup_goes_from_one_database_to_the_other_and_back(url: str, tmp_path: Path) -> None:
    """Last of this file: it replaces what the others wrote."""

    def rows(storage: Storage) -> list[object]:
        with storage.read() as connection:
            kept = [connection.execute(select(t).order_by(*t.primary_key)).all() for t in (accounts, groups, turns, votes)]
            told = select(audit_table).where(audit_table.c.action != "sauvegarde_restauree").order_by(*audit_table.primary_key)
            return [*kept, connection.execute(told).all()]

    def tree(name: str) -> ProjectPaths:
        (tmp_path / name).mkdir()
        return ProjectPaths(tmp_path / name)

    door = {"dis": "population", "service": "titres", "sujet": "passeport", "confiance": 0.3}
    small = Storage(f"sqlite:///{tmp_path}/un.db")
    Accounts(small, hasher=PasswordHasher(1, 8, 1)).create("ada", "administrateur", "une phrase facile", "test")
    Intake(small)([TurnEvent(f"t{n}", 1.5 + n, f"message {n} é", "clarifier", (door,), conversation="c") for n in range(3)])
    Intake(small)([FeedbackEvent("t1", 9.0, False, "autre", "non")])
    backup.create(tmp_path / "un.tar.gz", small, tree("a"))
    large = Storage(url)
    backup.restore(tmp_path / "un.tar.gz", large, tree("b"), replace=True)
    assert rows(large) == rows(small)
    Accounts(large, hasher=PasswordHasher(1, 8, 1)).create("eva", "lecteur", "une phrase facile", "test")
    Intake(large)([TurnEvent("t9", 20.0, "tout autre chose ici", "clarifier", (door,), conversation="d")])
    assert audit.verify(large).broken is None
    backup.create(tmp_path / "deux.tar.gz", large, tree("c"))
    other = Storage(f"sqlite:///{tmp_path}/deux.db")
    backup.restore(tmp_path / "deux.tar.gz", other, tree("d"))
    assert rows(other) == rows(large)
