"""The off switch as citizens see it: a phone number at once, emergencies still answered, a banner on every page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from web_fakes import FakeEngine

from bot.base.settings import Settings
from bot.serving.engine import PAUSED_WITHOUT_PHONE, Engine, EngineError
from bot.staff.upkeep.notice import Notice, OpenSwitch
from bot.web.app import create_app


class Lever(OpenSwitch):
    """A switch moved by the test."""

    def __init__(self) -> None:
        self.current = Notice()


@pytest_asyncio.fixture
async def client_and_lever() -> AsyncIterator[tuple[Any, Lever]]:
    lever = Lever()
    client: Any = TestClient(TestServer(create_app(Settings(), FakeEngine(switch=lever))))
    await client.start_server()
    yield client, lever
    await client.close()


async def say(client: Any, **body: Any) -> dict[str, Any]:
    async with client.post("/api/chat", json=body) as answer:
        return dict(await answer.json(content_type=None))


def words(value: dict[str, Any]) -> str:
    return " ".join(run["texte"] for phrase in value["reponse"]["phrases"] for run in phrase).replace("\u00a0", " ")


async def test_a_pause_gives_the_phone_number_at_once(client_and_lever: tuple[Any, Lever]) -> None:
    client, lever = client_and_lever
    value = await say(client, texte="logement")
    assert value["reponse"]["cartes"]
    lever.current = Notice(phone_only=True)
    value = await say(client, texte="logement", conversation=value["conversation"])
    assert not value["reponse"]["cartes"] and "en pause" in words(value) and "05 65 00 00 00" in words(value)
    assert value["moteur"] == "pause"
    lever.current = Notice()
    assert (await say(client, texte="logement"))["reponse"]["cartes"]


async def test_emergencies_are_still_answered(client_and_lever: tuple[Any, Lever]) -> None:
    client, lever = client_and_lever
    lever.current = Notice(phone_only=True)
    value = await say(client, texte="au feu !")
    assert value["reponse"]["appels"][0]["numero"] == "18" and "en pause" not in words(value)


async def test_buttons_offered_before_the_pause_lead_to_the_phone(client_and_lever: tuple[Any, Lever]) -> None:
    client, lever = client_and_lever
    value = await say(client, texte="question")
    lever.current = Notice(phone_only=True)
    assert "en pause" in words(await say(client, choix="logement", conversation=value["conversation"]))


async def test_the_banner_is_on_every_page_and_escaped(client_and_lever: tuple[Any, Lever]) -> None:
    client, lever = client_and_lever
    lever.current = Notice(banner="Fermé lundi <script>")
    for path in ("/", "/accessibilite", "/nulle-part"):
        async with client.get(path) as answer:
            page = await answer.text()
            assert "Fermé lundi &lt;script&gt;" in page and 'class="annonce"' in page
    lever.current = Notice(phone_only=True)
    async with client.get("/") as answer:
        assert "L&#39;assistant est en pause" in (text := await answer.text()) or "L'assistant est en pause" in text
    async with client.get("/health") as answer:
        assert (await answer.json())["mode"] == "telephone"
    lever.current = Notice()
    async with client.get("/") as answer:
        assert 'class="annonce"' not in await answer.text()


async def test_the_router_is_not_used_by_other_ways_either() -> None:
    lever = Lever()
    engine = Engine(lambda: pytest.fail("loaded"), switch=lever)
    lever.current = Notice(phone_only=True)
    with pytest.raises(EngineError, match="en pause"):
        await engine.use(lambda dialogue: None)


async def test_without_a_known_number_the_pause_still_says_where_to_go() -> None:
    class Bare:
        router = None

        def reply(self, *_: Any) -> None:
            """Never asked."""

    lever = Lever()
    engine = Engine(lambda: Bare(), switch=lever)  # type: ignore[arg-type,return-value]
    await engine.start()
    lever.current = Notice(phone_only=True)
    assert (await engine.reply("bonjour")).reply.text == PAUSED_WITHOUT_PHONE
    await engine.stop()
