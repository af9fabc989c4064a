"""Backups: one ``.tar.gz`` with the workshop's database, ``data/``, events that wait, and the manifest of the live model.

The database is written row by row as JSON, so that a backup of SQLite can be restored in PostgreSQL and the other way round.
Every file has its SHA-256 in the manifest: a backup that was cut or changed is refused before anything is touched. The model
itself is not in it, ``bot train`` makes it again from ``data/``; open sessions of staff and password attempts are left out.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import secrets
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot.base.errors import ModelError, StorageError
from bot.base.files import drafting, locked, read_json, replacing, write_json
from bot.base.paths import ProjectPaths
from bot.learning.freshness import read_manifest
from bot.learning.loading import RESTORED, finish_restored_files
from bot.staff.accounts import audit
from bot.staff.schema import MIGRATIONS, attempts, metadata, schema_version, web_sessions
from bot.staff.schema import audit as journal
from bot.staff.storage import Storage

DEED = "sauvegarde_restauree"
"""In the journal: with the rows of the backup, so that a restoration is never done twice."""
MANIFEST = "manifeste.json"
FORMAT = 1
ROWS = 500
_TABLES = [table for table in metadata.sorted_tables if table not in (schema_version, web_sessions, attempts)]
_NOT_ONE = "Ce fichier n'est pas une sauvegarde de l'assistant, ou il est abîmé"


@dataclass(frozen=True)
class Saved:
    """What is in a backup.

    Args:
        rows: of the database.
        files: of ``data/`` and of the events that wait.
        model: SHA-256 of the model that was live, or "".
        made_at: ISO date.
    """

    rows: int
    files: int
    model: str
    made_at: str


def create(target: Path, storage: Storage, paths: ProjectPaths, replace: bool = False) -> Saved:
    """Write a backup, all or nothing, readable by its owner only.

    Args:
        target: the file to write.
        storage: the workshop's database, read as it is at one moment.
        paths: the project tree.
        replace: whether an existing file may be overwritten.

    Raises:
        StorageError: the file exists or cannot be written, or the database does not answer.
    """
    if target.exists() and not replace:
        raise StorageError(f"« {target} » existe déjà. Choisissez un autre nom, ou ajoutez --remplacer.")
    digests: dict[str, str] = {}
    rows = 0
    try:
        with (
            tempfile.TemporaryDirectory(prefix=".sauvegarde-", dir=target.resolve().parent) as folder,
            replacing(target, 0o600) as raw,
            tarfile.open(fileobj=raw, mode="w:gz") as archive,
        ):
            with _snapshot(storage) as connection:
                for table in _TABLES:
                    dump = Path(folder) / "table"
                    rows += _dump(connection, table, dump)
                    _add(archive, f"base/{table.name}.jsonl", dump.read_bytes(), digests)
            for name, path in _files(paths):
                with contextlib.suppress(FileNotFoundError):  # delivered meanwhile
                    _add(archive, name, path.read_bytes(), digests)
            files = sum(not name.startswith("base/") for name in digests)
            saved = Saved(rows, files, _live_model(paths), datetime.now(UTC).isoformat(timespec="seconds"))
            manifest = {
                "format": FORMAT,
                "date": saved.made_at,
                "schema": len(MIGRATIONS),
                "lignes": rows,
                "modele": saved.model,
                "sha256": digests,
            }
            _add(archive, MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode(), {})
    except OSError as error:
        raise StorageError(f"La sauvegarde ne peut pas être écrite dans « {target.parent} » ({error.strerror}).") from error
    return saved


def restore(source: Path, storage: Storage, paths: ProjectPaths, replace: bool = False) -> tuple[Saved, Path | None]:
    """Check a backup from end to end, then put it back; returns what it held, and where the former ``data/`` was put aside.

    The files and the database change as one: what a stop leaves undone is done by :func:`finish_restore`.

    Args:
        source: the backup.
        storage: the database to fill.
        paths: the project tree.
        replace: whether a database or a ``data/`` that hold something may be replaced.

    Raises:
        StorageError: the file is damaged or newer than this version, something would be overwritten, or the database fails.
    """
    if not source.is_file():
        raise StorageError(f"« {source} » n'existe pas.")
    finish_restore(storage, paths)
    with drafting(paths.restoring) as draft:
        manifest = _unpack(source, draft)
        data = paths.root / "data"
        if not replace and (_holds_rows(storage) or (data.exists() and any(data.iterdir()))):
            raise StorageError("La base ou le dossier data/ contiennent déjà quelque chose. Pour les remplacer, ajoutez --remplacer.")
        former = f"data.avant-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        write_json(draft / RESTORED, {"avant": former})
        new_data, aside = paths.restoring / "data", None
        has_files = (draft / "data").exists()
        with locked(paths.editing_lock):
            try:
                with storage.write() as connection:
                    _fill(connection, draft / "base")
                    _note(connection, former)
                    os.replace(draft, paths.restoring)  # from here on, a stop leaves it to be finished
                    aside = finish_restored_files(paths)
                _put_away(paths)
            except (OSError, StorageError, SQLAlchemyError, ValueError, KeyError) as error:
                if has_files and paths.restoring.exists() and not new_data.exists():
                    os.replace(data, new_data)
                if aside is not None:
                    os.replace(aside, data)
                shutil.rmtree(paths.restoring, ignore_errors=True)
                raise StorageError("La restauration a échoué ; rien n'a été changé.") from error
    return Saved(manifest["lignes"], len([n for n in manifest["sha256"] if n[:5] != "base/"]), manifest["modele"], manifest["date"]), aside


def finish_restore(storage: Storage, paths: ProjectPaths) -> None:
    """Do what is left of a restoration that was stopped; a stop before its files were ready left nothing to do."""
    if not paths.restoring.exists():
        return
    with locked(paths.editing_lock):
        if not paths.restoring.exists():
            return
        former = str(read_json(paths.restoring / RESTORED)["avant"])
        with storage.write() as connection:
            done = select(journal.c.id).where(journal.c.action == DEED, journal.c.target == former)
            if connection.execute(done).first() is None:
                _fill(connection, paths.restoring / "base")
                _note(connection, former)
        finish_restored_files(paths)
        _put_away(paths)


def _note(connection: Connection, former: str) -> None:
    audit.record(connection, "bot sauvegarde", DEED, former)


def _put_away(paths: ProjectPaths) -> None:
    _put_back_waiting(paths.restoring / "attente", paths.variable / "attente")
    with drafting(paths.restoring) as aside:
        os.replace(paths.restoring, aside / "fini")


@contextlib.contextmanager
def _snapshot(storage: Storage) -> Iterator[Connection]:
    """One view of all tables: SQLite's read transaction is one, PostgreSQL's must be asked for."""
    storage.migrate()
    options: dict[str, Any] = {"writing": False} if storage.sqlite else {"isolation_level": "REPEATABLE READ"}
    try:
        with storage.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection
    except SQLAlchemyError as error:
        raise StorageError("La base de l'atelier ne répond pas. Réessayez dans un moment.") from error


def _dump(connection: Connection, table: Any, target: Path) -> int:
    count = 0
    with target.open("w", encoding="utf-8") as stream:
        for row in connection.execute(select(table)).mappings():
            stream.write(json.dumps({k: _plain(v) for k, v in row.items()}, ensure_ascii=False) + "\n")
            count += 1
    return count


def _plain(value: Any) -> Any:
    return {"base64": base64.b64encode(bytes(value)).decode()} if isinstance(value, (bytes, memoryview)) else value


def _value(value: Any) -> Any:
    return base64.b64decode(value["base64"]) if isinstance(value, Mapping) else value


def _files(paths: ProjectPaths) -> Iterator[tuple[str, Path]]:
    for name, folder in (("data", paths.root / "data"), ("attente", paths.variable / "attente")):
        for path in sorted(folder.rglob("*")) if folder.exists() else ():
            if path.is_file() and not path.is_symlink():
                yield f"{name}/{path.relative_to(folder).as_posix()}", path


def _add(archive: tarfile.TarFile, name: str, content: bytes, digests: dict[str, str]) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(content), 0o600, int(time.time())
    archive.addfile(member, io.BytesIO(content))
    digests[name] = hashlib.sha256(content).hexdigest()


def _unpack(source: Path, folder: Path) -> dict[str, Any]:
    """Write the members under ``folder`` and check each against the manifest; names that point elsewhere are refused."""
    found: dict[str, str] = {}
    try:
        with tarfile.open(source, "r:gz") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                stream = archive.extractfile(member)
                if stream is None or name.is_absolute() or ".." in name.parts or name.parts[0] not in {"base", "data", "attente", MANIFEST}:
                    raise ValueError(member.name)
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                content = stream.read()
                target.write_bytes(content)
                found[member.name] = hashlib.sha256(content).hexdigest()
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        found.pop(MANIFEST)
        if manifest["sha256"] != found:
            raise ValueError("digests")
        newer = manifest["format"] > FORMAT or manifest["schema"] > len(MIGRATIONS)
        if not (isinstance(manifest["lignes"], int) and isinstance(manifest["modele"], str) and isinstance(manifest["date"], str)):
            raise ValueError("manifest")
    except (tarfile.TarError, OSError, EOFError, ValueError, KeyError, TypeError, IndexError) as error:
        raise StorageError(f"{_NOT_ONE} ({type(error).__name__}). Rien n'a été changé.") from error
    if newer:
        raise StorageError("Cette sauvegarde vient d'une version plus récente de l'assistant. Mettez-le à jour d'abord.")
    return manifest


def _holds_rows(storage: Storage) -> bool:
    with storage.read() as connection:
        return any(connection.execute(select(func.count()).select_from(table)).scalar() for table in _TABLES)


def _fill(connection: Connection, folder: Path) -> None:
    for table in reversed([*_TABLES, web_sessions, attempts]):
        connection.execute(table.delete())
    for table in _TABLES:
        source = folder / f"{table.name}.jsonl"
        batch: list[dict[str, Any]] = []
        with source.open(encoding="utf-8") if source.exists() else io.StringIO() as stream:
            for line in stream:
                batch.append({k: _value(v) for k, v in json.loads(line).items() if k in table.columns})
                if len(batch) >= ROWS:
                    connection.execute(table.insert(), batch)
                    batch = []
        if batch:
            connection.execute(table.insert(), batch)
        counter = next((column for column in table.primary_key if column.autoincrement is True), None)
        if connection.dialect.name == "postgresql" and counter is not None:
            last = connection.execute(select(func.max(counter))).scalar()
            if last is not None:
                sequence = "SELECT setval(pg_get_serial_sequence(:table, :column), :last)"
                connection.execute(text(sequence), {"table": table.name, "column": counter.name, "last": last})


def _put_back_waiting(source: Path, spool: Path) -> None:
    for path in sorted(source.glob("*")) if source.exists() else ():
        spool.mkdir(parents=True, exist_ok=True)
        shutil.move(path, spool / f"restauration-{secrets.token_hex(4)}.attente")


def _live_model(paths: ProjectPaths) -> str:
    try:
        return str(read_manifest(paths.router_model).get("sha256", ""))
    except ModelError:
        return ""
