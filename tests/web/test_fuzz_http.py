"""Every public address is sent anything, byte by byte: an answer each, never a 5xx nor a trace; ``make fuzz`` sends twenty thousand."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.test_utils import TestServer
from fuzzing import SIZE, Fuzzer

from bot.base.paths import ProjectPaths
from bot.base.settings import Settings
from bot.dialogue.dialogue import Dialogue
from bot.routing.router import Router
from bot.serving.engine import Engine
from bot.serving.first_aid import FirstAid
from bot.web.app import create_app

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
TRACE = re.compile(rb'Traceback|File "|line \d+, in ')
SECONDS = 20.0


async def answer_to(port: int, request: bytes) -> bytes:
    """Send bytes on a connection of their own; returns all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.read(), SECONDS)
    except ConnectionError:
        return b""  # refused before it was read whole
    finally:
        writer.close()


@pytest.mark.modele
@pytest.mark.parametrize("hosts", [(), ("https://exemple.fr",)], ids=["alone", "framed"])
async def test_every_address_takes_anything(
    paths: ProjectPaths, router: Router, hosts: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    engine = Engine(lambda: Dialogue(router), lambda: FirstAid(paths), seconds=SECONDS)
    app: Any = create_app(Settings(per_minute=0, per_hour=0, hosts=hosts, proxies=len(hosts)), engine)
    routes = sorted({(r.method, r.resource.canonical) for r in app.router.routes() if r.resource is not None})
    server = TestServer(app)
    await server.start_server()
    seen: set[int] = set()
    try:
        await engine.reply("bonjour")
        for seed in range(SIZE // 10 or 200):
            request = Fuzzer(f"{hosts}{seed}").request(routes)
            said = await answer_to(int(server.port or 0), request)
            status = STATUS.match(said)
            assert status is None or int(status[1]) < 500, (seed, request[:2_000], said[:500])
            assert not TRACE.search(said), (seed, request[:2_000])
            seen.add(int(status[1]) if status else 0)
        assert b" 200 " in (await answer_to(int(server.port or 0), b"GET /ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))[:20]
    finally:
        await server.close()
    assert {200, 400, 404, 405, 422} <= seen
    raised = [row.exc_info[1] for row in caplog.records if row.exc_info]
    assert [error for error in raised if not isinstance(error, (HttpProcessingError, web.RequestPayloadError))] == []
