"""From a citizen's message to the inbox: the public page, the recorder, the database, and what staff then see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from web_fakes import FakeEngine

from bot.base.settings import Settings
from bot.routing.types import DecisionKind, Destination, RoutingDecision
from bot.serving.engine import Answer
from bot.staff.inbox.intake import Intake
from bot.staff.inbox.recorder import Recorder
from bot.web.app import create_app
from bot.web.keys import CHAT

DECISIONS = {
    "passeport": RoutingDecision(DecisionKind.ORIENTER, (Destination("population", "titres", "passeport", 0.97),)),
    "flou": RoutingDecision(DecisionKind.CLARIFIER, (Destination("population", "titres", "passeport", 0.4),)),
}
NOT_UNDERSTOOD = RoutingDecision(DecisionKind.INCOMPRIS)


class Deciding(FakeEngine):
    """Decides by a word of the message; the rest is not understood."""

    async def reply(self, text: str, state: Any = None) -> Answer:
        answer = await super().reply(text, state)
        return Answer(answer.reply, None, "routeur", next((d for w, d in DECISIONS.items() if w in text), NOT_UNDERSTOOD))


@pytest_asyncio.fixture
async def public(workshop: Any, tmp_path: Any) -> AsyncIterator[tuple[Any, Recorder]]:
    recorder = Recorder(lambda: Intake(workshop.storage), tmp_path / "attente", 0.05)
    client: Any = TestClient(TestServer(create_app(Settings(), Deciding(), observer=recorder)))
    await client.start_server()
    yield client, recorder
    await client.close()


async def say(client: Any, words: str) -> dict[str, Any]:
    async with client.post("/api/chat", json={"texte": words}) as answer:
        return dict(await answer.json(content_type=None))


async def test_only_what_teaches_reaches_the_staff_and_masked(enter: Any, public: tuple[Any, Recorder]) -> None:
    client, recorder = public
    await say(client, "mon passeport, je suis au 06 12 34 56 78")
    await say(client, "zinzolin truc, écrivez à jean.dupont@exemple.fr")
    await say(client, "une demande flou")
    assert recorder.flush()
    staff = await enter("lea")
    page = await staff.get("/atelier/boite")
    assert "zinzolin truc, écrivez à &lt;courriel&gt;" in page and "une demande flou" in page and "jean.dupont" not in page
    assert "je suis au" not in page and 'À traiter <span class="at-compteur">2</span>' in page
    page = await staff.get("/atelier/tableau")
    assert "<dt>Demandes</dt><dd>3</dd>" in page and "<dt>Visites</dt><dd>1</dd>" in page


async def test_a_thumbs_down_brings_a_sure_answer_to_the_inbox(enter: Any, public: tuple[Any, Recorder]) -> None:
    client, recorder = public
    value = await say(client, "mon passeport tout de suite")
    assert recorder.flush()
    staff = await enter("lea")
    assert "tout de suite" not in await staff.get("/atelier/boite")
    chat = client.server.app[CHAT]
    await chat.vote(await chat.sessions.get(value["conversation"]), value["id"], False, "mauvaise_porte")
    assert recorder.flush()
    page = await staff.get("/atelier/boite")
    assert "mon passeport tout de suite" in page and "1 « pas utile »" in page


async def test_the_public_is_served_while_the_database_is_away(workshop: Any, tmp_path: Any, enter: Any) -> None:
    def away() -> Any:
        raise OSError("away")

    recorder = Recorder(away, tmp_path / "attente", 0.05)
    client: Any = TestClient(TestServer(create_app(Settings(), Deciding(), observer=recorder)))
    await client.start_server()
    assert (await say(client, "zinzolin truc"))["id"]
    assert recorder.flush() and recorder.waiting() > 0
    await client.close()
    recorder.stop()
    for path in list((tmp_path / "attente").iterdir()):  # a copy holds no lock, as if the process that wrote it were gone
        path.with_name(f"999999999-{path.name}").write_bytes(path.read_bytes())
        path.unlink()
    later = Recorder(lambda: Intake(workshop.storage), tmp_path / "attente", 0.05)
    later.start()
    for _ in range(100):
        await asyncio.sleep(0.05)
        if not later.waiting():
            break
    later.stop()
    assert "zinzolin truc" in await (await enter("lea")).get("/atelier/boite")
