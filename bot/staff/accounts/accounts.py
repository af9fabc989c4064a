"""Who may enter the workshop: roles, passwords kept with Argon2id, slowed attempts, sessions kept on the server.

Sources: OWASP Authentication and Session Management cheat sheets; RFC 9106 (Argon2, whose low-memory profile is the
default of ``argon2-cffi``).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import case, delete, func, select, update
from sqlalchemy.engine import Connection

from bot.base.errors import AccountError
from bot.staff.accounts import audit
from bot.staff.schema import accounts, attempts, web_sessions
from bot.staff.storage import Storage

MIN_PASSWORD = 12
MAX_PASSWORD = 200
FREE_ATTEMPTS = 4
FIRST_WAIT = 5.0
LONGEST_WAIT = 900.0
FORGET_ATTEMPTS = 86_400.0
KNOWN_SECONDS = 90 * 86_400.0
"""For how long an address from which an account entered is not slowed by those who try its name elsewhere."""
IDLE_SECONDS = 3_600.0
LONGEST_SESSION = 36_000.0
WRONG = "Nom ou mot de passe incorrect."
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")


class Role(StrEnum):
    """What an account may do; each role may do what those before it may."""

    READER = "lecteur"
    EDITOR = "redacteur"
    ADMINISTRATOR = "administrateur"

    def covers(self, other: Role) -> bool:
        """Whether this role may do what ``other`` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


ROLE_NAMES = {Role.READER: "lecteur", Role.EDITOR: "rédacteur", Role.ADMINISTRATOR: "administrateur"}


@dataclass(frozen=True)
class Account:
    """One person.

    Args:
        id: in the database.
        name: what they type to enter.
        role: what they may do.
        active: whether they may enter.
        created_at: seconds since 1970.
        tour: next step of the guided first session, -1 when it is over.
    """

    id: int
    name: str
    role: Role
    active: bool
    created_at: float
    tour: int


@dataclass(frozen=True)
class StaffSession:
    """One open session.

    Args:
        account: whose.
        csrf: the token every form must carry.
        token: the hash under which the session is kept.
    """

    account: Account
    csrf: str
    token: str


class TooManyAttempts(AccountError):
    """Wait before another attempt.

    Args:
        seconds: to wait.
    """

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        delay = f"{seconds} secondes" if seconds < 120 else f"{round(seconds / 60)} minutes"
        super().__init__(f"Il y a eu plusieurs essais ratés. Attendez {delay}, puis recommencez.")


class Accounts:
    """The accounts of the workshop.

    Args:
        storage: where they are.
        clock: seconds since 1970.
        hasher: of the passwords.
    """

    def __init__(self, storage: Storage, clock: Callable[[], float] = time.time, hasher: PasswordHasher | None = None) -> None:
        self._storage = storage
        self._clock = clock
        self._hasher = hasher or PasswordHasher()
        self._one_at_a_time = threading.Lock()
        """Held from the count of the attempts to the next: a hundred sent at once are counted, and hashed, one by one."""
        self._decoy = self._hasher.hash(secrets.token_hex(16))

    def create(self, name: str, role: str, password: str, actor: str) -> Account:
        """Create an account.

        Raises:
            AccountError: a bad name, role or password, or the name is taken.
        """
        name, checked = _checked_name(name), _checked_role(role)
        check_password(password, name)
        with self._storage.write() as connection:
            if self._row(connection, name) is not None:
                raise AccountError(f"Le compte « {name} » existe déjà.")
            values = {"name": name, "role": checked.value, "password": self._hasher.hash(password), "active": True}
            connection.execute(accounts.insert().values(**values, created_at=self._clock(), tour=0))
            audit.record(connection, actor, "compte_cree", name, {"rôle": checked.value})
            return _account(self._known(connection, name))

    def all(self) -> Sequence[Account]:
        """Return every account, by name."""
        with self._storage.read() as connection:
            return [_account(row) for row in connection.execute(select(accounts).order_by(accounts.c.name))]

    def get(self, name: str) -> Account:
        """Return one account.

        Raises:
            AccountError: unknown.
        """
        with self._storage.read() as connection:
            return _account(self._known(connection, name))

    def set_active(self, name: str, active: bool, actor: str) -> None:
        """Let an account in again, or close it and its sessions at once.

        Raises:
            AccountError: unknown, or the last active administrator.
        """
        with self._storage.write() as connection:
            row = self._known(connection, name)
            if not active:
                self._keep_one_administrator(connection, row)
                connection.execute(delete(web_sessions).where(web_sessions.c.account_id == row.id))
            connection.execute(update(accounts).where(accounts.c.id == row.id).values(active=active))
            audit.record(connection, actor, "compte_reactive" if active else "compte_desactive", row.name)

    def set_role(self, name: str, role: str, actor: str) -> None:
        """Change a role; it counts from the next page on.

        Raises:
            AccountError: unknown account or role, or the last active administrator.
        """
        checked = _checked_role(role)
        with self._storage.write() as connection:
            row = self._known(connection, name)
            if checked is not Role.ADMINISTRATOR:
                self._keep_one_administrator(connection, row)
            connection.execute(update(accounts).where(accounts.c.id == row.id).values(role=checked.value))
            audit.record(connection, actor, "compte_role", row.name, {"rôle": checked.value, "avant": row.role})

    def set_password(self, name: str, password: str, actor: str) -> None:
        """Change a password, and close every session of the account.

        Raises:
            AccountError: unknown account, or a bad password.
        """
        check_password(password, name)
        with self._storage.write() as connection:
            row = self._known(connection, name)
            connection.execute(update(accounts).where(accounts.c.id == row.id).values(password=self._hasher.hash(password)))
            connection.execute(delete(web_sessions).where(web_sessions.c.account_id == row.id))
            connection.execute(delete(attempts).where(attempts.c.key == _attempt_key("compte", row.name)))
            audit.record(connection, actor, "compte_mot_de_passe", row.name)

    def change_own_password(self, session: StaffSession, current: str, new: str, address: str) -> None:
        """Change the password of the person who asks, and close every session of the account.

        Raises:
            AccountError: the current password is wrong, or the new one will not do.
            TooManyAttempts: wait first.
        """
        name = session.account.name
        with self._one_at_a_time:
            with self._storage.read() as connection:
                keys = self._attempt_keys(connection, name, address)
                self._check_wait(connection, keys)
                row = self._known(connection, name)
            if not self._verify(row.password, current):
                with self._storage.write() as connection:
                    self._count_failure(connection, keys)
                raise AccountError("Votre mot de passe actuel n'est pas celui-là.")
        self.set_password(name, new, name)

    def set_tour(self, account: Account, step: int) -> None:
        """Remember where the guided first session is; -1 ends it."""
        with self._storage.write() as connection:
            connection.execute(update(accounts).where(accounts.c.id == account.id).values(tour=step))

    def log_in(self, name: str, password: str, address: str) -> tuple[str, StaffSession]:
        """Open a session.

        Attempts are counted for the account and for the address, known or not: after :data:`FREE_ATTEMPTS` failures each
        one doubles the wait. From an address where the account entered before, only the attempts made there count: nobody
        locks the owner out from elsewhere (OWASP, "device cookies"). An unknown name takes as long and says the same as a
        wrong password.

        Returns:
            The secret of the cookie, and the session.

        Raises:
            AccountError: wrong name or password.
            TooManyAttempts: wait first.
        """
        with self._one_at_a_time:
            return self._log_in(name.strip().lower(), password, address)

    def _log_in(self, name: str, password: str, address: str) -> tuple[str, StaffSession]:
        with self._storage.read() as connection:
            keys = self._attempt_keys(connection, name, address)
            self._check_wait(connection, keys)
            row = self._row(connection, name)
        fine = self._verify(row.password if row is not None else self._decoy, password) and row is not None and row.active
        with self._storage.write() as connection:
            if not fine:
                self._count_failure(connection, keys)
                audit.record(connection, name if row is not None else "inconnu", "connexion_refusee")
            else:
                known = _attempt_key("connue", f"{name}\0{address}")
                connection.execute(delete(attempts).where(attempts.c.key.in_([keys[0], known])))
                connection.execute(attempts.insert().values(key=known, failures=0, last_at=self._clock()))
                if self._hasher.check_needs_rehash(row.password):
                    connection.execute(update(accounts).where(accounts.c.id == row.id).values(password=self._hasher.hash(password)))
                secret, session = self._open(connection, row)
                audit.record(connection, row.name, "connexion")
        if not fine:
            raise AccountError(WRONG)
        return secret, session

    def session(self, secret: str) -> StaffSession | None:
        """Return the living session of a cookie, and push back its end, or ``None``."""
        if not secret:
            return None
        now, token = self._clock(), _hash(secret)
        with self._storage.read() as connection:
            row = connection.execute(select(web_sessions).where(web_sessions.c.token == token)).first()
            if row is None or now - row.seen_at > IDLE_SECONDS or now - row.created_at > LONGEST_SESSION:
                return None
            owner = connection.execute(select(accounts).where(accounts.c.id == row.account_id)).first()
        if owner is None or not owner.active:
            return None
        if now - row.seen_at > 60:
            with self._storage.write() as connection:
                connection.execute(update(web_sessions).where(web_sessions.c.token == token).values(seen_at=now))
        return StaffSession(_account(owner), row.csrf, token)

    def log_out(self, session: StaffSession) -> None:
        """Close a session."""
        with self._storage.write() as connection:
            connection.execute(delete(web_sessions).where(web_sessions.c.token == session.token))
            audit.record(connection, session.account.name, "deconnexion")

    def add_flash(self, session: StaffSession, kind: str, sentence: str) -> None:
        """Keep a sentence for the next page of this session."""
        with self._storage.write() as connection:
            row = connection.execute(select(web_sessions.c.flashes).where(web_sessions.c.token == session.token)).first()
            if row is not None:
                kept = [*json.loads(row.flashes), [kind, sentence]][-5:]
                values = {"flashes": json.dumps(kept, ensure_ascii=False)}
                connection.execute(update(web_sessions).where(web_sessions.c.token == session.token).values(**values))

    def take_flashes(self, session: StaffSession) -> list[tuple[str, str]]:
        """Return the sentences kept for this page, once."""
        with self._storage.read() as connection:
            row = connection.execute(select(web_sessions.c.flashes).where(web_sessions.c.token == session.token)).first()
        if row is None or row.flashes == "[]":
            return []
        with self._storage.write() as connection:
            connection.execute(update(web_sessions).where(web_sessions.c.token == session.token).values(flashes="[]"))
        return [(kind, sentence) for kind, sentence in json.loads(row.flashes)]

    def forget_old(self) -> None:
        """Delete sessions that are over and attempts that no longer count."""
        now = self._clock()
        with self._storage.write() as connection:
            over = (web_sessions.c.seen_at < now - IDLE_SECONDS) | (web_sessions.c.created_at < now - LONGEST_SESSION)
            connection.execute(delete(web_sessions).where(over))
            kept = case((attempts.c.failures == 0, KNOWN_SECONDS), else_=FORGET_ATTEMPTS)
            connection.execute(delete(attempts).where(attempts.c.last_at < now - kept))

    def _open(self, connection: Connection, row: Any) -> tuple[str, StaffSession]:
        secret, csrf, now = secrets.token_urlsafe(32), secrets.token_urlsafe(24), self._clock()
        token = _hash(secret)
        connection.execute(
            web_sessions.insert().values(token=token, account_id=row.id, csrf=csrf, created_at=now, seen_at=now, flashes="[]")
        )
        return secret, StaffSession(_account(row), csrf, token)

    def _attempt_keys(self, connection: Connection, name: str, address: str) -> list[str]:
        """Return what attempts are counted under: the account and the address; or, where it entered before, the account here alone.

        Someone who tries names from an office then slows none of those who work there.
        """
        here = f"{name}\0{address}"
        found = connection.execute(select(attempts.c.last_at).where(attempts.c.key == _attempt_key("connue", here))).scalar()
        known = found is not None and self._clock() - found < KNOWN_SECONDS
        return [_attempt_key("ici", here)] if known else [_attempt_key("compte", name), _attempt_key("adresse", address)]

    def _check_wait(self, connection: Connection, keys: Sequence[str]) -> None:
        now, wait = self._clock(), 0.0
        for row in connection.execute(select(attempts).where(attempts.c.key.in_(keys))):
            wait = max(wait, row.last_at + wait_after(row.failures) - now)
        if wait > 0:
            raise TooManyAttempts(max(1, round(wait)))

    def _count_failure(self, connection: Connection, keys: Sequence[str]) -> None:
        now = self._clock()
        for key in keys:
            row = connection.execute(select(attempts).where(attempts.c.key == key)).first()
            if row is None:
                connection.execute(attempts.insert().values(key=key, failures=1, last_at=now))
            else:
                failures = 1 if now - row.last_at > FORGET_ATTEMPTS else row.failures + 1
                connection.execute(update(attempts).where(attempts.c.key == key).values(failures=failures, last_at=now))

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password[:MAX_PASSWORD])
        except (VerificationError, InvalidHashError):
            return False

    def _row(self, connection: Connection, name: str) -> Any:
        return connection.execute(select(accounts).where(accounts.c.name == name)).first()

    def _known(self, connection: Connection, name: str) -> Any:
        row = self._row(connection, name.strip().lower())
        if row is None:
            raise AccountError(f"Le compte « {name} » n'existe pas. « bot compte lister » donne la liste.")
        return row

    def _keep_one_administrator(self, connection: Connection, row: Any) -> None:
        if row.role != Role.ADMINISTRATOR.value or not row.active:
            return
        condition = (accounts.c.role == Role.ADMINISTRATOR.value) & accounts.c.active & (accounts.c.id != row.id)
        if not connection.execute(select(func.count()).select_from(accounts).where(condition)).scalar():
            raise AccountError(f"« {row.name} » est le dernier administrateur : créez-en un autre d'abord.")


def wait_after(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row: none at first, then doubled each time, bounded."""
    extra = failures - FREE_ATTEMPTS
    return 0.0 if extra <= 0 else min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(extra - 1, 20))


def check_password(password: str, name: str) -> None:
    """Check a new password.

    Raises:
        AccountError: too short, too long, or it holds the name. Length matters, composition does not (NIST SP 800-63B).
    """
    if len(password) < MIN_PASSWORD:
        raise AccountError(f"Le mot de passe doit avoir au moins {MIN_PASSWORD} caractères. Une phrase courte convient.")
    if len(password) > MAX_PASSWORD:
        raise AccountError(f"Le mot de passe ne doit pas dépasser {MAX_PASSWORD} caractères.")
    if len(set(password)) < 5 or (len(name) > 2 and name.lower() in password.lower()):
        raise AccountError("Ce mot de passe est trop facile à deviner. Choisissez une phrase sans votre nom.")


def same(left: str, right: str) -> bool:
    """Whether two secrets are equal, in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def _checked_name(name: str) -> str:
    name = name.strip().lower()
    if not _NAME.fullmatch(name):
        raise AccountError("Un nom de compte a de 2 à 40 lettres sans accent, chiffres, points ou tirets (exemple : marie.durand).")
    return name


def _checked_role(role: str) -> Role:
    try:
        return Role(role)
    except ValueError:
        raise AccountError(f"Rôle inconnu : « {role} ». Choix possibles : {', '.join(r.value for r in Role)}.") from None


def _account(row: Any) -> Account:
    return Account(row.id, row.name, Role(row.role), bool(row.active), row.created_at, row.tour)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _attempt_key(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind}\0{value}".encode()).hexdigest()
