"""A server whose model is missing or corrupt answers at once with what is left, and trains again behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from test_hot_swap import Versioned, until

from bot.base.errors import ModelCorrupt, ModelMissing
from bot.dialogue.dialogue import ConversationState, Turn
from bot.dialogue.wording import Reply
from bot.serving import live
from bot.serving.engine import Engine
from bot.serving.watched import WatchedAgent


class Agent:
    """An agent that loads once its archive is sound."""

    def __init__(self, disk: dict[str, Any]) -> None:
        self.disk = disk

    async def load(self) -> None:
        if self.disk["archive"] is not None:
            raise self.disk["archive"]

    async def reply(self, text: str, state: ConversationState) -> Turn:
        return Turn(Reply("agent"), state)

    choose = reply


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "WATCH_SECONDS", 0.02)


def engine_of(disk: dict[str, Any], with_agent: bool = True) -> Engine:
    """An engine that reads ``disk``: ``model`` (bool), ``archive`` (the error it gives), ``trainable`` (bool)."""

    def load() -> Any:
        dialogue = Versioned("routeur")
        dialogue.router.model = object() if disk["model"] else None
        return dialogue

    async def train() -> bool:
        disk["trainings"] = disk.get("trainings", 0) + 1
        await asyncio.sleep(0.1)
        if disk["trainable"]:
            disk.update(model=True, archive=None)
        return bool(disk["trainable"])

    agent = WatchedAgent(lambda: Agent(disk)) if with_agent else None
    return Engine(load, None, agent, seconds=2.0, mark=lambda: f"{disk['model']} {disk['archive']}", train=train)


@pytest.mark.parametrize("fault", [ModelMissing("absente"), ModelCorrupt("abîmée")], ids=["missing", "corrupt"])
async def test_an_archive_that_cannot_be_read_is_made_again_while_the_router_answers(fault: Exception) -> None:
    disk: dict[str, Any] = {"model": True, "archive": fault, "trainable": True}
    engine = engine_of(disk)
    await engine.start()
    await until(lambda: disk.get("trainings"))
    assert engine.status()["moteur"] == "routeur"
    assert (await engine.reply("bonjour")).reply.text == "routeur"
    await until(lambda: engine.status()["agent"] == "pret")
    assert (await engine.reply("bonjour")).reply.text == "agent"
    assert disk["trainings"] == 1
    await engine.stop()


async def test_a_router_without_a_model_gets_one() -> None:
    disk: dict[str, Any] = {"model": False, "archive": None, "trainable": True}
    engine = engine_of(disk, with_agent=False)
    await engine.start()
    await until(lambda: engine.status()["modele"])
    assert disk["trainings"] == 1
    await engine.stop()


async def test_a_training_that_fails_is_not_tried_for_ever() -> None:
    disk: dict[str, Any] = {"model": True, "archive": ModelCorrupt("abîmée"), "trainable": False}
    engine = engine_of(disk)
    await engine.start()
    await until(lambda: disk.get("trainings"))
    await asyncio.sleep(0.4)
    assert disk["trainings"] == 1
    assert engine.status()["agent"] == "echec"
    assert (await engine.reply("bonjour")).reply.text == "routeur"
    await engine.stop()


@pytest.mark.parametrize(
    "disk", [{"model": True, "archive": None}, {"model": True, "archive": RuntimeError("Rasa")}], ids=["sound", "other fault"]
)
async def test_nothing_is_trained_for_nothing(disk: dict[str, Any]) -> None:
    disk["trainable"] = True
    engine = engine_of(disk)
    await engine.start()
    await until(lambda: engine.status()["agent"] in {"pret", "echec"})
    await asyncio.sleep(0.2)
    assert "trainings" not in disk
    await engine.stop()
