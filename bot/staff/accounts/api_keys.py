"""Keys of the partner API: made, listed and revoked by ``bot cles``; only their hash is kept.

A key is 256 random bits: nobody can guess one from its hash, so a fast hash (SHA-256) is right. A slow one such as argon2
protects short secrets that people choose, and would cost tens of milliseconds at each call for no gain.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from bot.base.errors import AssistantError
from bot.base.files import locked, write_json

PREFIX = "cle"
_KEY = re.compile(rf"{PREFIX}_(?P<id>[0-9a-f]{{8}})_(?P<secret>[A-Za-z0-9_-]{{43}})")
MAX_NAME = 80
MAX_PER_MINUTE = 1_000_000


class KeyStoreError(AssistantError):
    """The keys cannot be read or written."""


@dataclass(frozen=True)
class ApiKey:
    """One key, without its secret.

    Args:
        id: public part, by which it is found and revoked.
        nom: who it was made for.
        empreinte: SHA-256 of the whole key, in hexadecimal.
        par_minute: messages allowed per minute; 0 for no limit.
        cree_le: date and time, ISO 8601, UTC.
        retire_le: the same, empty while the key is valid.
    """

    id: str
    nom: str
    empreinte: str
    par_minute: int
    cree_le: str
    retire_le: str = ""

    @property
    def valid(self) -> bool:
        """Whether it opens."""
        return not self.retire_le


class KeyStore(Protocol):
    """Where keys are kept. A database can take the place of the file."""

    def find(self, identifier: str) -> ApiKey | None:
        """Return the key of that public part, revoked or not."""

    def all(self) -> tuple[ApiKey, ...]:
        """Return every key, oldest first."""

    def add(self, key: ApiKey) -> None:
        """Keep a new key."""

    def revoke(self, identifier: str, when: str) -> ApiKey | None:
        """Mark a key as revoked; return it, or ``None`` when unknown."""


def create_key(store: KeyStore, name: str, per_minute: int, now: datetime) -> tuple[str, ApiKey]:
    """Make a key and keep its hash.

    Args:
        store: where to keep it.
        name: who it is for.
        per_minute: messages allowed per minute; 0 for no limit.
        now: date of creation.

    Returns:
        The whole key, shown once and kept nowhere, and its record.

    Raises:
        KeyStoreError: the name or the limit makes no sense, or the key cannot be kept.
    """
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise KeyStoreError(f'Donnez un nom d\'une à {MAX_NAME} lettres, par exemple --nom "Mairie de Figeac".')
    if not 0 <= per_minute <= MAX_PER_MINUTE:
        raise KeyStoreError(f"Donnez un nombre de messages par minute entre 0 (pas de limite) et {MAX_PER_MINUTE}.")
    identifier = secrets.token_hex(4)
    while store.find(identifier) is not None:
        identifier = secrets.token_hex(4)
    key = f"{PREFIX}_{identifier}_{secrets.token_urlsafe(32)}"
    record = ApiKey(identifier, name, _hash(key), per_minute, _stamp(now))
    store.add(record)
    return key, record


def revoke_key(store: KeyStore, identifier: str, now: datetime) -> ApiKey:
    """Revoke a key; once is enough, twice is no error.

    Raises:
        KeyStoreError: no key has that public part, or the store cannot be written.
    """
    given = _KEY.fullmatch(identifier.strip())
    record = store.revoke(given["id"] if given else identifier.strip().lower(), _stamp(now))
    if record is None:
        raise KeyStoreError(f"Aucune clé ne porte l'identifiant « {identifier.strip()[:20]} ». Voyez « bot cles lister ».")
    return record


def check_key(store: KeyStore, key: str) -> ApiKey | None:
    """Return the record of a valid key, or ``None``; takes the same time for a wrong secret and a revoked key."""
    match = _KEY.fullmatch(key)
    record = store.find(match["id"]) if match else None
    same = hmac.compare_digest(_hash(key), record.empreinte if record else "0" * 64)
    return record if record is not None and same and record.valid else None


class JsonKeyStore:
    """Keys in one JSON file, readable by its owner only; a change made by another process is seen at once.

    Args:
        path: of the file; made at the first key.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._keys: dict[str, ApiKey] = {}

    def find(self, identifier: str) -> ApiKey | None:
        return self._current().get(identifier)

    def all(self) -> tuple[ApiKey, ...]:
        return tuple(self._current().values())

    def add(self, key: ApiKey) -> None:
        with self._locked() as keys:
            keys[key.id] = key

    def revoke(self, identifier: str, when: str) -> ApiKey | None:
        with self._locked() as keys:
            found = keys.get(identifier)
            if found is not None and found.valid:
                keys[identifier] = found = replace(found, retire_le=when)
            return found

    def _current(self) -> dict[str, ApiKey]:
        try:
            state = os.stat(self._path)
        except FileNotFoundError:
            self._seen, self._keys = None, {}
            return self._keys
        except OSError as error:
            raise KeyStoreError(f"Le fichier des clés {self._path} ne peut pas être lu : {error.strerror}.") from error
        seen = (state.st_mtime_ns, state.st_size, state.st_ino)
        if seen != self._seen:
            self._keys, self._seen = self._read(), seen
        return self._keys

    def _read(self) -> dict[str, ApiKey]:
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))["cles"]
            return {row["id"]: _record(row) for row in rows}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise KeyStoreError(f"Le fichier des clés {self._path} ne peut pas être lu : {error.strerror}.") from error
        except (ValueError, TypeError, KeyError) as error:
            raise KeyStoreError(f"Le fichier des clés {self._path} est abîmé. Remettez-le depuis une sauvegarde.") from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[dict[str, ApiKey]]:
        """Read, let the caller change, then replace the file whole; one process at a time."""
        try:
            with locked(self._path.with_name(self._path.name + ".verrou")):
                before = self._read()
                keys = dict(before)
                yield keys
                if keys != before:
                    write_json(self._path, {"cles": [asdict(key) for key in keys.values()]}, 0o600)
        except OSError as error:
            raise KeyStoreError(f"Le fichier des clés {self._path} ne peut pas être écrit : {error.strerror}.") from error


def _record(row: dict[str, Any]) -> ApiKey:
    record = ApiKey(**row)
    if not all(isinstance(v, str) for v in (record.id, record.nom, record.empreinte, record.cree_le, record.retire_le)):
        raise TypeError("not text")
    if not isinstance(record.par_minute, int):
        raise TypeError("not a number")
    return record


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _stamp(now: datetime) -> str:
    return now.astimezone(UTC).isoformat(timespec="seconds")
