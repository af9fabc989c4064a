"""Shared by the tests of the workshop: a fresh database, a fast hasher, a clock that obeys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from bot.staff.accounts.accounts import Accounts
from bot.staff.storage import Storage

FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    """Seconds that only move when told."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    found = Storage(f"sqlite:///{tmp_path}/atelier.db")
    yield found
    found.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(storage: Storage, clock: Clock) -> Accounts:
    return Accounts(storage, clock, FAST)
