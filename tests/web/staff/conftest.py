"""Shared by the tests of the workshop's pages: an internal application on a fresh database, and a logged-in client."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer
from atelier_demo import PASSWORD, staffed

from bot.base.paths import ProjectPaths
from bot.web.internal import create_internal_app
from bot.web.staff.framework import Workshop

ROOT = Path(__file__).resolve().parents[3]
TOKEN = re.compile(r'name="jeton" value="([^"]+)"')


def plain(page: str) -> str:
    """Return a page with its apostrophes and spaces as people type them; what could be markup stays escaped."""
    return page.replace("\u00a0", " ").replace("&nbsp;", " ").replace("&#39;", "'")


class Staff:
    """A client of the workshop, as one account."""

    def __init__(self, client: Any, workshop: Workshop) -> None:
        self.client = client
        self.workshop = workshop
        self.token = ""

    async def get(self, path: str, status: int = 200) -> str:
        """Return a page, no-break spaces made plain, and remember its token."""
        async with self.client.get(path) as answer:
            text = plain(await answer.text())
            assert answer.status == status, text
            found = TOKEN.search(text)
            self.token = found.group(1) if found else self.token
            return text

    async def post(self, path: str, status: int = 200, **fields: Any) -> str:
        """Send a form with the last token and follow the redirect."""
        async with self.client.post(path, data={"jeton": self.token, **fields}) as answer:
            text = plain(await answer.text())
            assert answer.status == status, text
            found = TOKEN.search(text)
            self.token = found.group(1) if found else self.token
            return text

    async def enter(self, name: str, password: str = PASSWORD, status: int = 200) -> str:
        """Log in by the form."""
        await self.get("/atelier/connexion")
        return await self.post("/atelier/connexion", status, nom=name, mot_de_passe=password)


Enter = Callable[..., Awaitable[Staff]]


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """A workshop on the real referential."""
    with staffed(tmp_path, ProjectPaths(ROOT)) as found:
        yield found


@pytest_asyncio.fixture
async def enter(workshop: Workshop) -> AsyncIterator[Enter]:
    """Open a client as an account: ``await enter("remi")``; with no name, nobody is logged in."""
    clients = []

    async def start(name: str = "", **_: Any) -> Staff:
        client: Any = TestClient(TestServer(create_internal_app(workshop)), cookie_jar=CookieJar(unsafe=True))
        await client.start_server()
        clients.append(client)
        staff = Staff(client, workshop)
        if name:
            await staff.enter(name)
        return staff

    yield start
    for client in clients:
        await client.close()
