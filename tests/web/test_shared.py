"""Two processes that share a real Redis: threads, double sends and limits hold across them, and without it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from web_fakes import Ear, FakeEngine
from web_redis import RedisServer

from bot.base.settings import Settings
from bot.dialogue.dialogue import ConversationState
from bot.serving import shared
from bot.serving.engine import Answer
from bot.serving.sessions import MemorySessions
from bot.serving.shared import PREFIX, SharedStore
from bot.serving.shared_sessions import SharedSessions
from bot.web.app import create_app
from bot.web.keys import CHAT

pytestmark = pytest.mark.needs("redis-server")

ROOT = Path(__file__).resolve().parents[2]
Client = TestClient[Any, Any]


class CountingEngine(FakeEngine):
    """Remembers how many turns the state has seen, as the real dialogue does."""

    async def reply(self, text: str, state: ConversationState | None = None) -> Answer:
        answer = await super().reply(text, state)
        seen = state.failures if state else 0
        return Answer(answer.reply, ConversationState(destination="passeport", failures=seen + 1), answer.engine)


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.stop()


@pytest_asyncio.fixture
async def workers(
    make: Callable[..., Awaitable[Client]], redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Awaitable[list[Client]]]:
    """Start several applications on the same Redis: ``await workers(2, per_minute=…)``."""
    monkeypatch.setattr(shared, "PAUSE_SECONDS", 0.05)

    async def start(count: int = 2, engine: Any = None, **settings: Any) -> list[Client]:
        return [await make(engine or CountingEngine(), redis=redis_server.url, **settings) for _ in range(count)]

    return start


async def chat(client: Client, **body: Any) -> tuple[int, dict[str, Any]]:
    async with client.post("/api/chat", json=body) as answer:
        return answer.status, json.loads(await answer.text())


async def test_a_conversation_moves_between_processes(workers: Callable[..., Awaitable[list[Client]]]) -> None:
    first, second = await workers()
    _, value = await chat(first, texte="question")
    identifier = value["conversation"]
    status, value = await chat(second, choix="logement", conversation=identifier)
    assert status == 200 and value["reponse"]["cartes"], "a button offered by one process is known to the other"
    await chat(first, texte="merci", conversation=identifier)
    kept = await second.app[CHAT].sessions.get(identifier)
    assert kept is not None and kept.turns == 3 and len(kept.exchanges) == 3
    assert kept.state is not None and kept.state.destination == "passeport"


async def test_a_double_send_on_two_processes_is_answered_once(workers: Callable[..., Awaitable[list[Client]]]) -> None:
    engine = CountingEngine(delay=0.2)
    first, second = await workers(engine=engine)
    _, value = await chat(first, texte="bonjour")
    again = {"texte": "logement", "conversation": value["conversation"], "envoi": "abc"}
    answers = await asyncio.gather(chat(first, **again), chat(second, **again))
    assert [status for status, _ in answers] == [200, 200]
    assert len(engine.heard) == 2


async def test_a_forgotten_conversation_is_forgotten_everywhere(workers: Callable[..., Awaitable[list[Client]]]) -> None:
    first, second = await workers()
    _, value = await chat(first, texte="question")
    async with second.delete("/api/chat", json={"conversation": value["conversation"]}) as answer:
        assert answer.status == 204
    assert await first.app[CHAT].sessions.get(value["conversation"]) is None
    assert (await chat(first, choix="logement", conversation=value["conversation"]))[0] == 410


async def test_redis_goes_away_and_comes_back(workers: Callable[..., Awaitable[list[Client]]], redis_server: RedisServer) -> None:
    first, second = await workers()
    _, value = await chat(first, texte="question")
    identifier = value["conversation"]
    await chat(second, texte="bonjour", conversation=identifier)
    redis_server.stop()
    for client in (second, second):
        status, value = await chat(client, texte="bonjour", conversation=identifier)
        assert (status, value["conversation"]) == (200, identifier), "the process that knows the thread keeps it"
    redis_server.start()
    await asyncio.sleep(0.1)
    status, value = await chat(second, texte="merci", conversation=identifier)
    assert (status, value["conversation"]) == (200, identifier)
    kept = await first.app[CHAT].sessions.get(identifier)
    assert kept is not None and kept.turns == 5, "what was said meanwhile is shared again"


async def test_limits_count_over_all_processes(workers: Callable[..., Awaitable[list[Client]]], redis_server: RedisServer) -> None:
    first, second = await workers(per_minute=3)
    assert [(await chat(c, texte="bonjour"))[0] for c in (first, second, first, second)] == [200, 200, 200, 429]
    redis_server.stop()
    assert (await chat(second, texte="bonjour"))[0] == 200, "without Redis each process counts alone"
    redis_server.start()


async def test_redis_holds_no_address_and_lets_go(workers: Callable[..., Awaitable[list[Client]]], redis_server: RedisServer) -> None:
    first, _ = await workers(session_minutes=1)
    await chat(first, texte="rappelez moi au 06 12 34 56 78")
    store = SharedStore(redis_server.url)
    keys = [key async for key in store.client.scan_iter()]
    lives = [await store.client.ttl(key) for key in keys]
    assert lives and min(lives) > 0, "everything expires"
    held = " ".join(keys) + " ".join([str(await store.client.get(k)) for k in keys if k.startswith(f"{PREFIX}conversation")])
    assert "127.0.0.1" not in held and "06 12" not in held
    await store.close()


@pytest.mark.parametrize("text", ["null", "{", "[]", '{"id": "x"}', '{"id": "x", "tours": "n"}', '"mot"'])
async def test_what_another_version_wrote_is_ignored(redis_server: RedisServer, text: str) -> None:
    store = SharedStore(redis_server.url)
    sessions = SharedSessions(store, MemorySessions(10, 60), 60)
    await store.client.set(f"{PREFIX}conversation:abc", text)
    assert await sessions.get("abc") is None
    assert await sessions.get("x" * 65) is None and await sessions.get(None) is None
    await sessions.close()


async def test_a_vote_on_another_process_joins_its_answer(redis_server: RedisServer) -> None:
    ear = Ear()
    clients: list[Client] = []
    for observer in (None, ear):
        client: Client = TestClient(TestServer(create_app(Settings(redis=redis_server.url), FakeEngine(), observer=observer)))
        await client.start_server()
        clients.append(client)
    _, value = await chat(clients[0], texte="logement")
    body = {"conversation": value["conversation"], "reponse": value["id"], "utile": False, "raison": "autre"}
    for _ in range(2):
        async with clients[1].post("/api/avis", json=body) as answer:
            assert answer.status == 204
    (vote,) = ear.votes
    assert vote.turn is not None and vote.turn.id == value["id"] and vote.turn.text == "logement"
    for client in clients:
        await client.close()


async def test_a_broken_id_is_no_conversation(workers: Callable[..., Awaitable[list[Client]]]) -> None:
    (first,) = await workers(1)
    for identifier in ("\ud800", "é", "a\r\nb", "x" * 65):
        status, value = await chat(first, texte="question", conversation=identifier)
        assert status in (200, 409, 410) and value.get("conversation") != identifier


async def test_a_conversation_is_found_and_erased_by_its_reference(
    workers: Callable[..., Awaitable[list[Client]]], redis_server: RedisServer, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    first, second = await workers()
    _, value = await chat(first, texte="question", conversation="")
    async with second.get("/donnees-personnelles", headers={"Cookie": f"conversation={value['conversation']}"}) as answer:
        page = await answer.text()
    kept = await second.server.app[CHAT].sessions.get(value["conversation"])  # type: ignore[union-attr]
    assert kept is not None and kept.reference in page, "the other process knows the same reference"
    env = {**os.environ, "BOT_REDIS": redis_server.url, "BOT_RACINE": str(tmp_path), "PYTHONPATH": str(ROOT)}

    async def command(action: str) -> tuple[int, str]:
        words = [sys.executable, "-m", "bot", "conversation", action, kept.reference]
        process = await asyncio.create_subprocess_exec(*words, env=env, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    code, said = await command("exporter")
    assert code == 0 and json.loads(said)["en_cours"] == ["question"]
    code, said = await command("effacer")
    assert code == 0 and "est effacée" in said
    assert await second.server.app[CHAT].sessions.get(value["conversation"]) is None  # type: ignore[union-attr]
    assert await first.server.app[CHAT].sessions.get(value["conversation"]) is None  # type: ignore[union-attr]
    assert (await command("exporter"))[0] == 1
