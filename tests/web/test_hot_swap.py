"""Another model goes live under a running server: nobody waits, nothing is lost, and a bad one changes nothing."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from bot.base.errors import ModelCorrupt
from bot.dialogue.dialogue import ConversationState, Turn
from bot.dialogue.wording import Reply
from bot.serving import live as live_model
from bot.serving.engine import Engine
from bot.serving.watched import WatchedAgent


class Versioned:
    """Stands for ``bot.dialogue.dialogue.Dialogue``: says which model answers."""

    def __init__(self, name: str) -> None:
        self.router = type("Router", (), {"model": object(), "languages": None})()
        self.name = name

    def reply(self, text: str, state: ConversationState) -> Turn:
        return Turn(Reply(self.name), state)


class SwappingAgent:
    """An agent whose model follows the live one; loading takes a moment."""

    def __init__(self, live: dict[str, Any]) -> None:
        self.live = live
        self.name = ""

    async def load(self) -> None:
        if self.live.get("archive") is False:
            raise ModelCorrupt("abîmée")
        time.sleep(0.3)
        self.name = self.live["name"]

    async def reply(self, text: str, state: ConversationState) -> Turn:
        await asyncio.sleep(0.05)
        return Turn(Reply(f"agent {self.name}"), state)

    choose = reply


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_model, "WATCH_SECONDS", 0.02)


async def until(condition: Any, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "too late"
        await asyncio.sleep(0.01)


async def test_messages_are_answered_all_along_by_the_old_then_by_the_new() -> None:
    live: dict[str, Any] = {"name": "un"}

    def load() -> Any:
        name = live["name"]
        if name != "un":
            time.sleep(0.4)
        return Versioned(name)

    engine = Engine(load, seconds=2.0, mark=lambda: live["name"])
    await engine.start()
    await until(lambda: engine.status()["routeur"] == "pret")
    said: list[str] = []
    longest = 0.0
    live["name"] = "deux"
    while len(said) < 2 or said[-1] != "deux":
        up_to_date = engine.is_up_to_date()
        started = time.perf_counter()
        said.append((await engine.reply("logement")).reply.text)
        assert said[-1] == "deux" or not up_to_date, "staff are told that the public has it when it has"
        longest = max(longest, time.perf_counter() - started)
        await asyncio.sleep(0.01)
        assert len(said) < 500
    assert said[0] == "un" and said == sorted(said, reverse=True) and said.count("un") > 5
    assert longest < 0.35, "a message waited for the loading"
    await until(engine.is_up_to_date)
    await engine.stop()


async def test_a_model_that_cannot_be_read_leaves_the_old_one() -> None:
    live: dict[str, Any] = {"name": "un"}
    tries: list[str] = []

    def load() -> Any:
        tries.append(live["name"])
        if live["name"] == "abîmé":
            raise ModelCorrupt("abîmé")
        return Versioned(live["name"])

    engine = Engine(load, seconds=2.0, mark=lambda: live["name"])
    await engine.start()
    await until(lambda: engine.status()["routeur"] == "pret")
    live["name"] = "abîmé"
    await until(lambda: "abîmé" in tries)
    assert (await engine.reply("logement")).reply.text == "un" and engine.status()["routeur"] == "pret"
    live["name"] = "trois"
    await until(lambda: "trois" in tries)
    await asyncio.sleep(0.05)
    assert (await engine.reply("logement")).reply.text == "trois"
    await engine.stop()


async def test_the_agent_follows_and_the_router_answers_meanwhile() -> None:
    live: dict[str, Any] = {"name": "un"}
    agent = SwappingAgent(live)
    engine = Engine(lambda: Versioned(live["name"]), None, WatchedAgent(lambda: agent, 2.0), seconds=2.0, mark=lambda: str(live))  # type: ignore[arg-type,return-value]
    await engine.start()
    await until(lambda: engine.status()["agent"] == "pret")
    assert (await engine.reply("x")).reply.text == "agent un"
    live["name"] = "deux"
    held = asyncio.create_task(engine.reply("x"))
    said = []
    while not said or said[-1] != "agent deux":
        said.append((await engine.reply("x")).reply.text)
        await asyncio.sleep(0.005)
        assert len(said) < 500
    assert (await held).reply.text in {"agent un", "deux", "agent deux"}
    assert "deux" in said, "the router answers with the new model while the agent loads"
    live["archive"] = False
    await until(lambda: engine.status()["agent"] == "echec")
    assert (await engine.reply("x")).reply.text == "deux"
    live["archive"] = True
    await until(lambda: engine.status()["agent"] == "pret")
    await engine.stop()
