"""What ``bot doctor`` looks at in what the running assistant keeps: its database, the events that wait, the clock, permissions."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from bot.base.paths import ProjectPaths
from bot.base.settings import Settings
from bot.cli.doctor import Finding, Health

AHEAD_SECONDS = 600.0
"""How far a file or an event may seem to come from the future."""
LATE_SECONDS = 600.0
"""How long events may wait for the database."""
READ_SECONDS = 5.0


def examine_kept(paths: ProjectPaths, settings: Settings) -> Iterator[Finding]:
    """Look at what is kept on this machine; nothing is changed.

    Args:
        paths: the project tree.
        settings: tell which database, and the file of the keys.
    """
    database = paths.variable / "atelier.db"
    if not settings.base:
        yield _database(database)
    yield _spool(paths.variable / "attente")
    yield _clock(paths, database)
    yield from _permissions(paths, settings)


def _database(path: Path) -> Finding:
    about = "base de l'atelier"
    if not path.exists():
        return Finding(Health.FINE, about, f"pas encore de fichier {path} : il sera fait au premier lancement")
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=READ_SECONDS)) as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        said = str(error)
    if said != "ok":
        return Finding(Health.BROKEN, about, f"{path} est abîmé ({said}). Arrêtez l'assistant, puis « bot sauvegarde restaurer … ».")
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return Finding(Health.BROKEN, about, f"{path} ne peut pas être écrit. Donnez ce droit au compte qui lance l'assistant.")
    return Finding(Health.FINE, about, f"{path} se lit, sans défaut ({path.stat().st_size / 1e6:.1f} Mo)")


def _spool(folder: Path) -> Finding:
    about, now = "échanges en attente", time.time()
    waiting = [(path, found) for path in _inside(folder) if (found := _state(path)) is not None and found.st_size]
    size, late = sum(found.st_size for _, found in waiting), [path for path, found in waiting if now - found.st_mtime > LATE_SECONDS]
    if not late:
        return Finding(Health.FINE, about, f"{size / 1e6:.1f} Mo dans {folder}" if size else "rien n'attend")
    left = sum(not _is_held(path) for path in late)
    return Finding(
        Health.WARNING,
        about,
        f"{len(late)} fichier(s) de {folder} attendent depuis plus de 10 minutes ({size / 1e6:.1f} Mo), dont {left} d'un processus "
        "arrêté. La base répond-elle ? Un serveur lancé les livrera. Ne les effacez pas.",
    )


def _clock(paths: ProjectPaths, database: Path) -> Finding:
    about, now = "horloge", time.time()
    seen = [found.st_mtime for path in (paths.config, paths.root / "pyproject.toml") if (found := _state(path)) is not None]
    seen += [found.st_mtime for path in _inside(paths.variable / "attente") if (found := _state(path)) is not None]
    with suppress(sqlite3.Error, TypeError):
        if database.exists():
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=READ_SECONDS)) as connection:
                seen.append(float(connection.execute("SELECT max(at) FROM turns").fetchone()[0]))
    ahead = max(seen, default=now) - now
    if ahead > AHEAD_SECONDS:
        return Finding(
            Health.BROKEN,
            about,
            f"cette machine retarde d'au moins {ahead / 60:.0f} minutes sur ce qu'elle a elle-même écrit. Réglez l'heure (NTP) : "
            "l'effacement des textes en dépend.",
        )
    return Finding(Health.FINE, about, time.strftime("%d/%m/%Y %H:%M", time.localtime(now)))


def _permissions(paths: ProjectPaths, settings: Settings) -> Iterator[Finding]:
    database = paths.variable / "atelier.db"
    private = [database, *(database.with_name(database.name + end) for end in ("-wal", "-shm")), *_inside(paths.variable / "attente")]
    private += [Path(settings.keys_file)] if settings.keys_file else []
    opened = [path for path in private if _mode(path) & 0o077]
    if opened:
        shown = " ".join(map(str, opened[:5]))
        yield Finding(Health.BROKEN, "droits", f"{shown} se lit par d'autres comptes. Lancez « chmod 600 {shown} », et UMask=0077.")
    writable = [path for path in (paths.models, paths.referential, paths.corpus, paths.variable) if _mode(path) & 0o002]
    if writable:
        shown = " ".join(map(str, writable))
        yield Finding(Health.BROKEN, "droits", f"{shown} s'écrit par n'importe quel compte. Lancez « chmod -R o-w {shown} ».")
    if not opened and not writable:
        yield Finding(Health.FINE, "droits", "ce qui est gardé n'est lisible que par son compte")


def _inside(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(folder.iterdir())
    return []


def _state(path: Path) -> os.stat_result | None:
    with suppress(OSError):
        return path.stat()
    return None


def _mode(path: Path) -> int:
    found = _state(path)
    return stat.S_IMODE(found.st_mode) if found is not None else 0


def _is_held(path: Path) -> bool:
    """Whether a living process holds this waiting file."""
    with suppress(OSError), path.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    return True
