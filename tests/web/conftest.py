"""Shared by the tests of the web side; writes docs/pannes.md when ``BOT_PANNES`` names it (``make faults``)."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from web_fakes import FakeEngine
from web_faults_page import FAULTS, write_page

from bot.base.paths import ProjectPaths
from bot.base.settings import Settings
from bot.web.app import create_app

_SEEN: dict[str, tuple[str, float]] = {}


@pytest.fixture(scope="session")
def small_tree(tmp_path_factory: pytest.TempPathFactory) -> ProjectPaths:
    """A small tree with a small real model, trained once (some seconds); copy it before writing to it."""
    from web_process import trained_tree  # reads the corpus

    return trained_tree(tmp_path_factory.mktemp("petit"))


@pytest_asyncio.fixture
async def make() -> AsyncIterator[Callable[..., Awaitable[TestClient[Any, Any]]]]:
    """Start an application: ``await make(engine, per_minute=…)``."""
    clients: list[TestClient[Any, Any]] = []

    async def start(engine: Any = None, **settings: Any) -> TestClient[Any, Any]:
        app = create_app(Settings(**settings), engine or FakeEngine())
        client: TestClient[Any, Any] = TestClient(TestServer(app))
        await client.start_server()
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    name = report.nodeid.rsplit("::", 1)[-1].split("[")[0]
    if name in FAULTS and (report.when == "call" or report.outcome != "passed"):
        before, seconds = _SEEN.get(name, (report.outcome, 0.0))  # a test of several cases holds when all of them do
        _SEEN[name] = (before if before == "failed" else report.outcome, seconds + report.duration)


def pytest_sessionfinish() -> None:
    page = os.environ.get("BOT_PANNES")
    if page and _SEEN:
        write_page(Path(page), _SEEN, int(os.environ.get("BOT_TOURS", "2")))
