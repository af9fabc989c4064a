"""The workshop's database: one file by default, PostgreSQL by a URL. Reads and writes are explicit transactions."""

from __future__ import annotations

import os
import select as waiting
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine, event, func, select, text
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from bot.base.errors import StorageError
from bot.base.paths import ProjectPaths
from bot.staff.schema import MIGRATIONS, metadata, schema_version

PARIS = ZoneInfo("Europe/Paris")
BUSY_SECONDS = 5.0
CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 15.0
"""PostgreSQL gives up a statement, or a wait for a lock, after that."""
SILENCE_SECONDS = 20.0
"""No byte from PostgreSQL for that long, while a statement runs: it hangs, or the network does. The connection is given up."""
_MIGRATION_LOCK = 4_600_046
"""Key of PostgreSQL's advisory lock: one process migrates at a time."""


class Storage:
    """A database, brought up to date on first use.

    Args:
        url: SQLAlchemy URL, such as ``sqlite:///var/atelier.db`` or ``postgresql://…``.

    Raises:
        StorageError: the URL makes no sense.

    Usage::

        storage = Storage("sqlite:////srv/atelier.db")
        with storage.write() as connection:
            connection.execute(insert(votes).values(...))
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
            self.sqlite = parsed.get_backend_name() == "sqlite"
            if self.sqlite and parsed.database and parsed.database != ":memory:":
                _private_file(Path(parsed.database))
            self.engine = _sqlite_engine(url) if self.sqlite else _postgres_engine(url)
        except (ArgumentError, NoSuchModuleError, ImportError, OSError) as error:
            raise StorageError(f"BOT_BASE ne désigne pas une base utilisable ({type(error).__name__}).") from error
        self._migrated = False

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction to read.

        Raises:
            StorageError: the database does not answer.
        """
        with self._transaction(writing=False) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction to write; committed at the end of the block, undone when it raises.

        Raises:
            StorageError: the database does not answer.
        """
        with self._transaction(writing=True) as connection:
            yield connection

    @contextmanager
    def _transaction(self, writing: bool) -> Iterator[Connection]:
        if not self._migrated:
            self.migrate()
        try:
            with self.engine.connect().execution_options(writing=writing) as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            raise StorageError("La base de l'atelier ne répond pas. Réessayez dans un moment.") from error

    def migrate(self) -> int:
        """Apply the migrations that are missing; returns the version reached.

        Raises:
            StorageError: the database does not answer, or comes from a newer version of the assistant.
        """
        try:
            with self.engine.connect().execution_options(writing=True) as connection, connection.begin():
                if not self.sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                metadata.create_all(connection, tables=[schema_version])
                done = connection.execute(select(func.max(schema_version.c.version))).scalar() or 0
                if done > len(MIGRATIONS):
                    raise StorageError("La base de l'atelier vient d'une version plus récente de l'assistant. Mettez-le à jour.")
                for version in range(done + 1, len(MIGRATIONS) + 1):
                    MIGRATIONS[version - 1](connection)
                    connection.execute(schema_version.insert().values(version=version, applied_at=time.time()))
        except SQLAlchemyError as error:
            raise StorageError("La base de l'atelier ne répond pas. Réessayez dans un moment.") from error
        self._migrated = True
        return len(MIGRATIONS)

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


def database_url(base: str, paths: ProjectPaths) -> str:
    """Return the URL of the workshop's database: the setting, or the file of the project tree."""
    return base or f"sqlite:///{paths.variable / 'atelier.db'}"


def civil_day(at: float) -> str:
    """Return the date in Paris of a time in seconds, as ``2026-01-31``."""
    return datetime.fromtimestamp(at, PARIS).date().isoformat()


def _private_file(path: Path) -> None:
    """Make the file of SQLite readable by its owner alone: those it writes beside take the same permissions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


def _postgres_engine(url: str) -> Engine:
    """PostgreSQL with an end to every wait: for a connection, a statement, a lock, a server that says nothing more.

    Source: https://www.psycopg.org/docs/advanced.html#support-for-coroutine-libraries
    """
    milliseconds = int(STATEMENT_SECONDS * 1000)
    engine = create_engine(
        url,
        future=True,
        pool_pre_ping=True,
        pool_size=4,
        pool_timeout=CONNECT_SECONDS,
        connect_args={"options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"},
    )
    if engine.driver == "psycopg2":
        from psycopg2 import extensions

        extensions.set_wait_callback(_wait)
    return engine


def _wait(connection: Any) -> None:
    """Wait for PostgreSQL, not for ever; called by psycopg2 in place of its own wait, which a server that hangs never ends.

    Raises:
        OperationalError: nothing came in time; psycopg2 closes the connection.
    """
    from psycopg2 import OperationalError, extensions

    events = {extensions.POLL_READ: waiting.POLLIN, extensions.POLL_WRITE: waiting.POLLOUT}
    seconds = CONNECT_SECONDS if connection.status == extensions.STATUS_SETUP else SILENCE_SECONDS
    while (state := connection.poll()) != extensions.POLL_OK:
        ready = waiting.poll()
        ready.register(connection.fileno(), events[state])
        if not ready.poll(seconds * 1000):
            raise OperationalError("PostgreSQL says nothing more")


def _sqlite_engine(url: str) -> Engine:
    """SQLite as it should be used by several threads and processes: WAL, a wait instead of an error, real transactions.

    Source: https://docs.sqlalchemy.org/en/14/dialects/sqlite.html#pysqlite-serializable
    """
    engine = create_engine(url, future=True, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begin)
    return engine
