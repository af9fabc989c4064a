"""Accounts: passwords, slowed attempts, sessions that end, always one administrator."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from bot.base.errors import AccountError
from bot.staff.accounts import audit
from bot.staff.accounts.accounts import (
    FORGET_ATTEMPTS,
    IDLE_SECONDS,
    LONGEST_SESSION,
    LONGEST_WAIT,
    Accounts,
    Role,
    TooManyAttempts,
    check_password,
    wait_after,
)
from bot.staff.schema import accounts as table
from bot.staff.storage import Storage

GOOD = "une phrase facile"


def test_a_password_is_never_kept_as_it_is(accounts: Accounts, storage: Storage) -> None:
    accounts.create("Marie.Durand", "redacteur", GOOD, "console")
    with storage.read() as connection:
        stored = connection.execute(select(table.c.password)).scalar()
    assert stored.startswith("$argon2id$") and GOOD not in stored
    assert accounts.get("marie.durand").role is Role.EDITOR


@pytest.mark.parametrize("password", ["court", "a" * 12, "x" * 201, "avec marie.durand dedans"])
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(AccountError, match="mot de passe"):
        check_password(password, "marie.durand")


@pytest.mark.parametrize(
    ("name", "role", "words"),
    [("m", "lecteur", "nom de compte"), ("Éva", "lecteur", "nom de compte"), ("a" * 41, "lecteur", "nom"), ("eva", "chef", "Rôle inconnu")],
)
def test_a_bad_name_or_role_is_told(accounts: Accounts, name: str, role: str, words: str) -> None:
    with pytest.raises(AccountError, match=words):
        accounts.create(name, role, GOOD, "console")


def test_a_name_is_taken_once(accounts: Accounts) -> None:
    accounts.create("eva", "lecteur", GOOD, "console")
    with pytest.raises(AccountError, match="existe déjà"):
        accounts.create("EVA", "lecteur", GOOD, "console")


def test_the_wait_doubles_and_is_bounded() -> None:
    assert [wait_after(n) for n in range(8)] == [0, 0, 0, 0, 0, 5, 10, 20]
    assert wait_after(1000) == LONGEST_WAIT


def test_attempts_are_slowed_for_the_account_and_for_the_address(accounts: Accounts, clock: Any) -> None:
    accounts.create("eva", "lecteur", GOOD, "console")
    for _ in range(5):
        with pytest.raises(AccountError, match="incorrect"):
            accounts.log_in("eva", "faux mot de passe", "10.0.0.1")
    with pytest.raises(TooManyAttempts) as caught:
        accounts.log_in("eva", GOOD, "10.0.0.9")  # the account, from elsewhere
    assert caught.value.seconds == 5
    with pytest.raises(TooManyAttempts):
        accounts.log_in("autre", GOOD, "10.0.0.1")  # the address, for another account
    clock.now += 6
    secret, session = accounts.log_in("eva", GOOD, "10.0.0.9")
    assert accounts.session(secret) == session


def test_nobody_locks_the_owner_out_from_elsewhere(accounts: Accounts, clock: Any) -> None:
    accounts.create("eva", "lecteur", GOOD, "console")
    accounts.log_in("eva", GOOD, "10.0.0.9")
    clock.now += FORGET_ATTEMPTS + 1
    accounts.forget_old()
    for _ in range(6):
        with pytest.raises(AccountError):
            accounts.log_in("eva", "faux mot de passe", "10.0.0.1")
    with pytest.raises(TooManyAttempts):
        accounts.log_in("eva", GOOD, "10.0.0.2")  # never seen there
    assert accounts.log_in("eva", GOOD, "10.0.0.9"), "the owner enters where they did before"
    for _ in range(5):
        with pytest.raises(AccountError, match="incorrect"):
            accounts.log_in("eva", "faux mot de passe", "10.0.0.9")
    with pytest.raises(TooManyAttempts):
        accounts.log_in("eva", GOOD, "10.0.0.9")  # what is tried there counts there


def test_names_tried_from_an_office_slow_none_of_those_who_work_there(accounts: Accounts, clock: Any) -> None:
    accounts.create("eva", "lecteur", GOOD, "console")
    accounts.log_in("eva", GOOD, "10.0.0.1")
    for _ in range(5):
        with pytest.raises(AccountError, match="incorrect"):
            accounts.log_in("personne", "faux mot de passe", "10.0.0.1")
    with pytest.raises(TooManyAttempts):
        accounts.log_in("quelqu'un", GOOD, "10.0.0.1")
    assert accounts.log_in("eva", GOOD, "10.0.0.1")


def test_attempts_sent_at_once_are_counted_one_by_one(accounts: Accounts) -> None:
    accounts.create("eva", "lecteur", GOOD, "console")

    def attempt(_: int) -> type[Exception]:
        with pytest.raises(AccountError) as caught:
            accounts.log_in("eva", "faux mot de passe", "10.0.0.1")
        return caught.type

    with ThreadPoolExecutor(16) as crowd:
        assert sum(kind is AccountError for kind in crowd.map(attempt, range(32))) == 5


def test_an_unknown_account_is_slowed_the_same(accounts: Accounts) -> None:
    for _ in range(5):
        with pytest.raises(AccountError, match="incorrect"):
            accounts.log_in("personne", GOOD, "10.0.0.1")
    with pytest.raises(TooManyAttempts):
        accounts.log_in("personne", GOOD, "10.0.0.2")


def test_a_session_ends_when_idle_and_anyway_in_the_end(accounts: Accounts, clock: Any) -> None:
    accounts.create("eva", "lecteur", GOOD, "console")
    secret, _ = accounts.log_in("eva", GOOD, "a")
    opened = clock.now
    while clock.now < opened + LONGEST_SESSION - IDLE_SECONDS:
        clock.now += IDLE_SECONDS - 10
        assert accounts.session(secret) is not None
    clock.now = opened + LONGEST_SESSION + 1
    assert accounts.session(secret) is None
    secret, _ = accounts.log_in("eva", GOOD, "a")
    clock.now += IDLE_SECONDS + 1
    assert accounts.session(secret) is None and accounts.session("") is None and accounts.session("x") is None


def test_a_new_password_closes_the_sessions(accounts: Accounts) -> None:
    accounts.create("eva", "lecteur", GOOD, "console")
    secret, _ = accounts.log_in("eva", GOOD, "a")
    accounts.set_password("eva", "une autre phrase", "console")
    assert accounts.session(secret) is None
    assert accounts.log_in("eva", "une autre phrase", "a")


def test_the_last_administrator_stays(accounts: Accounts) -> None:
    accounts.create("ada", "administrateur", GOOD, "console")
    for act in (lambda: accounts.set_active("ada", False, "x"), lambda: accounts.set_role("ada", "lecteur", "x")):
        with pytest.raises(AccountError, match="dernier administrateur"):
            act()
    accounts.create("bob", "administrateur", GOOD, "console")
    accounts.set_role("ada", "lecteur", "bob")
    assert accounts.get("ada").role is Role.READER
    with pytest.raises(AccountError, match="n'existe pas"):
        accounts.set_active("zoe", False, "bob")


def test_a_role_counts_at_once_in_an_open_session(accounts: Accounts) -> None:
    accounts.create("ada", "administrateur", GOOD, "console")
    accounts.create("eva", "redacteur", GOOD, "ada")
    secret, _ = accounts.log_in("eva", GOOD, "a")
    accounts.set_role("eva", "lecteur", "ada")
    session = accounts.session(secret)
    assert session is not None and session.account.role is Role.READER


def test_flashes_show_once_and_old_things_are_forgotten(accounts: Accounts, clock: Any) -> None:
    accounts.create("eva", "lecteur", GOOD, "console")
    secret, session = accounts.log_in("eva", GOOD, "a")
    accounts.add_flash(session, "ok", "Fait.")
    assert accounts.take_flashes(session) == [("ok", "Fait.")] and accounts.take_flashes(session) == []
    clock.now += IDLE_SECONDS + 1
    accounts.forget_old()
    clock.now -= IDLE_SECONDS
    assert accounts.session(secret) is None


def test_every_deed_is_in_the_journal_without_any_secret(accounts: Accounts, storage: Storage) -> None:
    accounts.create("ada", "administrateur", GOOD, "console")
    with pytest.raises(AccountError):
        accounts.log_in("ada", "faux mot de passe", "10.0.0.1")
    with pytest.raises(AccountError):
        accounts.log_in("motdepassetapeici", "faux mot de passe", "10.0.0.1")
    lines, total = audit.entries(storage)
    assert total == 3 and [(e.actor, e.action) for e in lines] == [
        ("inconnu", "connexion_refusee"),
        ("ada", "connexion_refusee"),
        ("console", "compte_cree"),
    ]
    assert not any(word in repr(lines) for word in (GOOD, "faux", "motdepassetapeici", "10.0.0.1"))
