"""The database: created once, upgraded in order, safe with several threads, told in French when it is away."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.base.errors import StorageError
from bot.staff import schema
from bot.staff.storage import Storage, civil_day


def test_a_new_database_gets_every_table_and_the_last_version(storage: Storage) -> None:
    assert storage.migrate() == len(schema.MIGRATIONS)
    with storage.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.execute(select(func.count()).select_from(schema.turns)).scalar() == 0
        assert connection.execute(select(func.max(schema.schema_version.c.version))).scalar() == len(schema.MIGRATIONS)


def test_nobody_else_reads_the_file_even_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch(0o644)
    Storage(f"sqlite:///{path}").migrate()
    assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o600}


def test_only_missing_migrations_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    Storage(url).migrate()
    ran: list[str] = []
    extra = (lambda connection: ran.append("deux"), lambda connection: ran.append("trois"))
    monkeypatch.setattr("bot.staff.storage.MIGRATIONS", (*schema.MIGRATIONS, *extra))
    assert Storage(url).migrate() == len(schema.MIGRATIONS) + 2
    Storage(url).migrate()
    assert ran == ["deux", "trois"]


def test_an_older_database_gets_the_new_columns(tmp_path: Path) -> None:
    storage = Storage(f"sqlite:///{tmp_path}/a.db")
    storage.migrate()
    with storage.write() as connection:
        connection.exec_driver_sql("ALTER TABLE groups DROP COLUMN variants")
        connection.execute(schema.schema_version.delete().where(schema.schema_version.c.version > 2))
    assert storage.migrate() == len(schema.MIGRATIONS)
    with storage.read() as connection:
        assert connection.execute(select(schema.groups.c.variants)).all() == []


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    Storage(url).migrate()
    monkeypatch.setattr("bot.staff.storage.MIGRATIONS", ())
    with pytest.raises(StorageError, match="plus récente"):
        Storage(url).migrate()


def test_a_failed_block_is_undone(storage: Storage) -> None:
    row = {"name": "mode", "value": "x", "at": 1.0, "author": "a"}
    with pytest.raises(KeyError), storage.write() as connection:
        connection.execute(schema.switches.insert().values(**row))
        raise KeyError
    with storage.read() as connection:
        assert connection.execute(select(func.count()).select_from(schema.switches)).scalar() == 0


def test_writers_in_several_threads_wait_for_each_other(storage: Storage) -> None:
    storage.migrate()

    def add() -> None:
        for _ in range(20):
            with storage.write() as connection:
                row = connection.execute(select(schema.attempts.c.failures)).first()
                if row is None:
                    connection.execute(schema.attempts.insert().values(key="k", failures=1, last_at=0.0))
                else:
                    connection.execute(schema.attempts.update().values(failures=row.failures + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with storage.read() as connection:
        assert connection.execute(select(schema.attempts.c.failures)).scalar() == 80


@pytest.mark.parametrize("url", ["nulle-part", "mysql+rien://h/b", "sqlite:////proc/interdit/atelier.db"])
def test_a_bad_address_is_told_in_french(url: str) -> None:
    with pytest.raises(StorageError, match="BOT_BASE"):
        Storage(url)


def test_a_database_that_cannot_be_read_is_told_in_french(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"ceci n'est pas une base" * 100)
    with pytest.raises(StorageError, match="ne répond pas"):
        Storage(f"sqlite:///{tmp_path}/a.db").migrate()


def test_days_are_those_of_paris() -> None:
    assert civil_day(1_767_222_000) == "2026-01-01"  # 23:00 UTC on New Year's Eve
