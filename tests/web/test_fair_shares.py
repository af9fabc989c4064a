"""No address, batch or input slows the others: what one takes is counted, done apart, and gives way."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from web_fakes import FakeEngine

from bot.base.paths import ProjectPaths
from bot.base.settings import Settings
from bot.dialogue.dialogue import Dialogue
from bot.learning.loading import bare_router
from bot.serving.engine import Engine
from bot.serving.refusals import Refusal
from bot.serving.sessions import MemorySessions
from bot.web.api import bodies
from bot.web.api.handlers import slices
from bot.web.app import create_app

Client = Any
Maker = Callable[..., Awaitable[Client]]


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


async def test_a_text_counts_as_many_messages_as_it_has_thousands_of_characters(make: Maker) -> None:
    client = await make(per_minute=6)
    assert (await chat(client, texte="a " * 2_000))[0] == 200
    assert (await chat(client, texte="b " * 2_000))[0] == 429, "four of six are taken"
    assert [(await chat(client, texte="bonjour"))[0] for _ in range(2)] == [200, 429], "the refused one counted once"


async def test_a_batch_counts_its_lines_and_its_characters(make: Maker) -> None:
    client = await make(per_minute=19)
    assert await lot(client, ["une bête morte"] * 10) == 503, "counted, and no router here"
    assert await lot(client, ["x" * 3_800] * 10) == 429, "38,000 characters are nineteen messages"
    assert await lot(client, ["une bête morte"] * 10) == 503


async def test_large_bodies_of_one_address_are_read_one_after_the_other(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, most = 0, 0
    gather = bodies._gather

    async def watched(request: Any, limit: int) -> bytes:
        nonlocal reading, most
        reading, most = reading + 1, max(most, reading + 1)
        await asyncio.sleep(0.02)
        reading -= 1
        return await gather(request, limit)

    monkeypatch.setattr(bodies, "_gather", watched)
    client = await make(per_minute=0)

    async def send(size: int) -> None:
        async with client.post("/api/v1/orientations", data=b" " * size, headers={"Content-Type": "application/json"}) as answer:
            assert answer.status == 400

    await asyncio.gather(*(send(200_000) for _ in range(4)))
    assert most == 1
    await asyncio.gather(*(send(1_000) for _ in range(4)))
    assert most > 1, "small ones wait for nobody"


async def test_a_refused_request_leaves_nothing_to_the_collector() -> None:
    class Body:
        """Stands for megabytes."""

    left: list[weakref.ref[Body]] = []

    async def handler(_: web.Request) -> web.Response:
        body = Body()
        left.append(weakref.ref(body))
        raise Refusal(422)

    app = create_app(Settings(per_minute=0), FakeEngine())
    app.router.add_post("/api/essai", handler)
    client: Client = TestClient(TestServer(app))
    await client.start_server()
    gc.disable()
    try:
        async with client.post("/api/essai") as answer:
            assert answer.status == 422
        assert left[0]() is None
    finally:
        gc.enable()
        await client.close()


async def test_messages_of_one_address_wait_for_each_other_and_for_nobody_else(make: Maker) -> None:
    engine = FakeEngine(delay=0.2)
    client = await make(engine, proxies=1, per_minute=0)
    crowd = [asyncio.create_task(timed(client, "192.0.2.1")) for _ in range(5)]
    await asyncio.sleep(0.05)
    assert await timed(client, "192.0.2.2") < 0.4
    assert max(await asyncio.gather(*crowd)) > 0.9


async def test_whoever_opens_the_most_conversations_loses_theirs_first() -> None:
    sessions = MemorySessions(50, 60)
    victim = sessions.create("a victim")
    crowd = [sessions.create(f"address {number % 40}") for number in range(2_200)]
    assert await sessions.get(victim.id) is victim and await sessions.count() == 50
    await sessions.drop(victim.id)
    for conversation in crowd:
        await sessions.drop(conversation.id)
    assert await sessions.count() == 0 and not sessions._owned


async def test_the_slices_of_a_batch_give_way_to_conversations(paths: ProjectPaths) -> None:
    order: list[str] = []
    engine = Engine(lambda: Dialogue(bare_router(paths)))
    await engine.start()
    try:
        await engine.reply("bonjour")

        def work(name: str, seconds: float) -> Callable[[object], None]:
            return lambda _: (time.sleep(seconds), order.append(name))[0]

        first, second = (asyncio.create_task(batch(engine, work, name)) for name in "ab")
        await asyncio.sleep(0.02)
        started = time.monotonic()
        await engine.reply("bonjour")
        assert time.monotonic() - started < 0.4, "one slice at most"
        order.append("conversation")
        await asyncio.gather(first, second)
    finally:
        await engine.stop()
    assert order.index("conversation") <= 2 and [name for name in order if name != "conversation"] == list("ababab")


async def batch(engine: Engine, work: Callable[[str, float], Callable[[object], None]], name: str) -> None:
    for _ in range(3):
        await engine.use(work(name, 0.1), behind=True)


def test_a_batch_is_cut_by_lines_and_by_characters() -> None:
    assert list(slices([4_000, 4_000, 10])) == [(0, 1), (1, 2), (2, 3)]
    assert list(slices([50] * 25)) == [(0, 10), (10, 20), (20, 25)]
    assert list(slices([5] * 20)) == [(0, 16), (16, 20)] and list(slices([])) == []


async def lot(client: Client, texts: list[str]) -> int:
    async with client.post("/api/v1/orientations", json=[{"texte": text} for text in texts]) as answer:
        return int(answer.status)


async def timed(client: Client, address: str) -> float:
    started = time.monotonic()
    async with client.post("/api/chat", json={"texte": "bonjour"}, headers={"X-Forwarded-For": address}) as answer:
        assert answer.status == 200
    return time.monotonic() - started
