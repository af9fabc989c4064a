"""Files that are never seen half written, alone or several as one, locks between processes, digests, small JSON records."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

NEW_FILE = 0o644
JOURNAL = "journal.json"
"""What a batch is to do, in its folder."""
_RETRY_SECONDS = 0.02


@contextlib.contextmanager
def replacing(path: Path, mode: int | None = None) -> Iterator[IO[bytes]]:
    """Open a stream whose content takes the place of ``path`` at the end, on the disk; an error leaves the old file.

    Args:
        path: the file; its folder is made when it is missing.
        mode: permissions; those of the old file by default, or :data:`NEW_FILE`.

    Raises:
        OSError: the disk refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode is None:
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else NEW_FILE
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(draft, mode)
        os.replace(draft, path)
        sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise


def sync_folder(folder: Path) -> None:
    """Put on the disk which files a folder holds."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str, mode: int | None = None) -> None:
    """Replace the content of a file, all or nothing; see :func:`replacing`."""
    with replacing(path, mode) as stream:
        stream.write(text.encode("utf-8"))


def write_json(path: Path, value: Mapping[str, Any], mode: int | None = None) -> None:
    """Replace a JSON record, all or nothing."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n", mode)


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON record, empty when there is none or it cannot be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write_batch(folder: Path, files: Mapping[Path, str | None], links: Mapping[Path, str] | None = None) -> None:
    """Change several files as one: all change or none, at whatever instant the process or the machine stops.

    The new files are written apart, in ``folder``; then its journal says that they are to take their places, and from then on
    they will: now, or when :func:`finish_batch` is next called. Hold a lock.

    Args:
        folder: of the batch, on the same disk as the files; it goes away at the end.
        files: path → new text, or ``None`` to remove the file.
        links: path → where a symbolic link leads; a folder at that path gives way to it.

    Raises:
        OSError: the disk refuses. Nothing has changed when the journal is not written; otherwise it is to be finished.
    """
    finish_batch(folder)
    steps: list[dict[str, Any]] = []
    try:
        for path, text in files.items():
            if text is not None:
                mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else NEW_FILE
                write_text(folder / str(len(steps)), text, mode)
            steps.append({"fichier": os.path.relpath(path, folder), "garde": text is not None})
        for path, target in (links or {}).items():
            folder.mkdir(parents=True, exist_ok=True)
            os.symlink(target, folder / str(len(steps)))
            steps.append({"fichier": os.path.relpath(path, folder), "garde": True})
        write_json(folder / JOURNAL, {"etapes": steps})
    except OSError:
        if not (folder / JOURNAL).exists():
            shutil.rmtree(folder, ignore_errors=True)
        raise
    finish_batch(folder)


def finish_batch(folder: Path) -> bool:
    """Do what is left of a batch that was stopped, and forget one that had not begun; whether files may have changed."""
    steps = read_json(folder / JOURNAL).get("etapes", [])
    for number, step in enumerate(steps):
        path, draft = Path(os.path.normpath(folder / step["fichier"])), folder / str(number)
        if not step["garde"]:
            path.unlink(missing_ok=True)
        elif os.path.lexists(draft):  # otherwise it took its place before the stop
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir() and not path.is_symlink():
                os.replace(path, folder / f"{number}-avant")
            os.replace(draft, path)
        if path.parent.is_dir():
            sync_folder(path.parent)
    if folder.exists():
        (folder / JOURNAL).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
    return bool(steps)


def swap_folder(waiting: Path, folder: Path, aside: Path) -> None:
    """Put a whole folder in place of another, which is kept aside; called again after a stop, it does what is left."""
    if waiting.exists():
        if folder.exists() and not aside.exists():
            os.replace(folder, aside)
        os.replace(waiting, folder)
        sync_folder(folder.parent)


@contextlib.contextmanager
def drafting(folder: Path) -> Iterator[Path]:
    """Make a folder beside ``folder``, to be filled then moved (see :func:`put_in_place`); what is left of it is removed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def put_in_place(draft: Path, folder: Path) -> None:
    """Move a finished draft to ``folder``: what was there is removed, or only the link when it was one."""
    with drafting(folder) as aside:
        if folder.is_symlink():
            folder.unlink()
        elif folder.exists():
            os.replace(folder, aside / folder.name)
        os.replace(draft, folder)


def try_lock(path: Path) -> IO[str] | None:
    """Take a lock between processes; ``None`` when another holds it. It is given back when the file returned is closed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = open(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600), "a")  # noqa: SIM115
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


@contextlib.contextmanager
def locked(path: Path, seconds: float = float("inf")) -> Iterator[None]:
    """Hold a lock between processes.

    Args:
        path: the file that stands for the lock; it stays, empty.
        seconds: how long to wait for another that holds it.

    Raises:
        TimeoutError: it was not given back in time.
    """
    end = time.monotonic() + seconds
    while (lock := try_lock(path)) is None:
        if time.monotonic() > end:
            raise TimeoutError(path)
        time.sleep(_RETRY_SECONDS)
    with lock:
        yield


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb", buffering=0) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of(paths: Iterable[Path], salt: str = "") -> str:
    """Return one SHA-256 of several files, names included, and of ``salt``."""
    digest = hashlib.sha256(salt.encode())
    for path in paths:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
