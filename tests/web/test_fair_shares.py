"""No address, batch or input slows the others: what one takes is counted, done apart, and gives way."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from web_fakes import FakeEngine

from bot.base.settings import Settings
from bot.web.app import create_app

Client = Any
Maker = Callable[..., Awaitable[Client]]


@pytest_asyncio.fixture
async def make() -> AsyncIterator[Maker]:
    """Start an application: ``await make(engine, per_minute=…)``."""
    clients: list[Client] = []

    async def start(engine: Any = None, **settings: Any) -> Client:
        client: Client = TestClient(TestServer(create_app(Settings(**settings), engine or FakeEngine())))
        await client.start_server()
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


async def chat(client: Client, **body: Any) -> tuple[int, dict[str, Any]]:
    async with client.post("/api/chat", json=body) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_long_text_is_read_and_masked_out_of_the_loop(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.language import privacy
    from bot.serving import chat as turns

    here, seen = threading.get_ident(), []
    for module, name in ((privacy, "mask"), (turns, "tidy"), (turns, "clean")):
        plain = getattr(module, name)
        monkeypatch.setattr(module, name, lambda text, plain=plain, name=name: seen.append((name, threading.get_ident())) or plain(text))
    client = await make()
    _, value = await chat(client, texte="logement " * 400)
    vote = {"conversation": value["conversation"], "reponse": value["id"], "utile": False, "commentaire": "trop long " * 200}
    async with client.post("/api/avis", json=vote) as answer:
        assert answer.status == 204
    assert {name for name, _ in seen} == {"mask", "tidy", "clean"} and all(thread != here for _, thread in seen)
