"""What the observer is told of each answered exchange, and that nothing it does reaches the citizen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from web_fakes import BROKEN, Ear, FakeEngine

from bot.base.settings import Settings
from bot.dialogue.dialogue import ConversationState
from bot.routing.types import DecisionKind, Destination, RoutingDecision
from bot.serving.chat import NOT_THAT_DOOR
from bot.serving.engine import Answer, Engine
from bot.serving.refusals import Refusal
from bot.web.app import create_app
from bot.web.keys import CHAT

DOOR = {"dis": "population", "service": "titres", "sujet": "passeport", "confiance": 0.9}
DECISION = RoutingDecision(
    DecisionKind.CLARIFIER,
    (Destination("population", "titres", "passeport", 0.9),),
    (Destination("population", "titres", "passeport", 0.1),),
    commune={"nom": "Figeac", "code_insee": "46102", "departement": "46", "arrondissement": "Figeac"},
)


class Decided(FakeEngine):
    """Tells what it decided."""

    async def _say(self, heard: str, reply: Any, state: Any) -> Answer:
        answer = await super()._say(heard, reply, state)
        return Answer(answer.reply, ConversationState(profile="agent"), "agent", DECISION)


@pytest_asyncio.fixture
async def client_and_ear() -> AsyncIterator[tuple[Any, Ear]]:
    ear = Ear()
    client: Any = TestClient(TestServer(create_app(Settings(), Decided(), observer=ear)))
    await client.start_server()
    yield client, ear
    await client.close()
    assert ear.life == ["start", "stop"]


async def post(client: Any, **body: Any) -> dict[str, Any]:
    async with client.post("/api/chat", json=body) as answer:
        return dict(await answer.json(content_type=None))


async def test_an_answer_is_told_masked_with_its_decision(client_and_ear: tuple[Any, Ear]) -> None:
    client, ear = client_and_ear
    value = await post(client, texte="une question, mon courriel est a.b@exemple.fr")
    (event,) = ear.turns
    assert event.id == value["id"] and event.text == "une question, mon courriel est <courriel>"
    assert (event.kind, event.doors, event.confidence) == ("clarifier", (DOOR,), 0.9)
    assert event.alternatives == ({**DOOR, "confiance": 0.1},) and event.arrondissement == "Figeac"
    assert (event.engine, event.profile, event.channel, event.pressed) == ("agent", "agent", "page", False)
    assert event.seconds is not None and value["conversation"] not in repr(event)


async def test_a_button_carries_no_words_and_a_visit_keeps_its_reference(client_and_ear: tuple[Any, Ear]) -> None:
    client, ear = client_and_ear
    value = await post(client, texte="question")
    await post(client, choix="logement", conversation=value["conversation"])
    first, second = ear.turns
    assert second.pressed and second.text == "" and first.conversation == second.conversation


async def test_a_double_send_is_told_once(client_and_ear: tuple[Any, Ear]) -> None:
    client, ear = client_and_ear
    value = await post(client, texte="question", envoi="e1")
    again = await post(client, texte="question", envoi="e1", conversation=value["conversation"])
    assert again["id"] == value["id"] and len(ear.turns) == 1


async def test_a_send_answered_by_a_process_that_died_before_telling_is_told_with_the_same_id(client_and_ear: tuple[Any, Ear]) -> None:
    client, ear = client_and_ear
    value = await post(client, texte="question", envoi="e1")
    client.server.app[CHAT]._told.clear()  # as in another process
    await post(client, texte="question", envoi="e1", conversation=value["conversation"])
    assert ear.turns == [ear.turns[0]] * 2


async def test_a_vote_joins_its_answer_and_is_masked(client_and_ear: tuple[Any, Ear]) -> None:
    client, ear = client_and_ear
    value = await post(client, texte="question")
    chat = client.server.app[CHAT]
    conversation = await chat.sessions.get(value["conversation"])
    await chat.vote(conversation, value["id"], False, "autre", "rappelez le 05 65 00 00 00")
    (vote,) = ear.votes
    assert (vote.answer, vote.helpful, vote.reason, vote.comment) == (value["id"], False, "autre", "rappelez le <telephone>")
    assert vote.turn == ear.turns[0]
    with pytest.raises(Refusal, match="avis"):
        await chat.vote(conversation, "inconnu", True)
    with pytest.raises(Refusal, match="avis"):
        await chat.vote(None, value["id"], True)
    with pytest.raises(Refusal, match="raison"):
        await chat.vote(conversation, value["id"], False, "bidon")


async def test_a_wrong_door_opens_the_choice_again(client_and_ear: tuple[Any, Ear]) -> None:
    client, ear = client_and_ear
    value = await post(client, texte="logement")
    body = {"conversation": value["conversation"], "reponse": value["id"], "utile": False, "raison": "mauvaise_porte"}
    async with client.post("/api/avis", json=body) as answer:
        again = await answer.json()
    assert again["message"] == NOT_THAT_DOOR and again["reponse"]["phrases"]
    async with client.post("/api/avis", json=body) as answer:
        assert answer.status == 204, "one vote an answer"
    assert len(ear.votes) == 1 and ear.turns[-1].pressed


async def test_an_older_answer_is_not_opened_again(client_and_ear: tuple[Any, Ear]) -> None:
    client, _ = client_and_ear
    first = await post(client, texte="logement")
    await post(client, texte="veterinaire", conversation=first["conversation"])
    body = {"conversation": first["conversation"], "reponse": first["id"], "utile": False, "raison": "mauvaise_porte"}
    async with client.post("/api/avis", json=body) as answer:
        assert answer.status == 204


async def test_an_observer_that_fails_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    ear = Ear(RuntimeError("motsecret"))
    client: Any = TestClient(TestServer(create_app(Settings(), FakeEngine(), observer=ear)))
    await client.start_server()
    caplog.set_level(logging.ERROR)
    value = await post(client, texte="logement")
    await client.close()
    assert value["reponse"]["cartes"] and caplog.records


async def test_an_exchange_that_fails_is_not_told() -> None:
    ear = Ear()
    client: Any = TestClient(TestServer(create_app(Settings(), FakeEngine(error=BROKEN), observer=ear)))
    await client.start_server()
    await post(client, texte="logement")
    await client.close()
    assert ear.turns == []


async def test_the_plain_engine_tells_its_decision(make_router: Any) -> None:
    from bot.dialogue.dialogue import Dialogue

    router = make_router({"passeport": {"passeport": 0.97}})
    engine = Engine(lambda: Dialogue(router))
    await engine.start()
    while not engine.loaded.done():
        await asyncio.sleep(0.01)
    answer = await engine.reply("mon passeport")
    await engine.stop()
    assert answer.decision is not None and answer.decision.decision is DecisionKind.ORIENTER


async def test_a_router_without_a_model_misunderstands_nothing(bare_router: Any) -> None:
    from bot.dialogue.dialogue import Dialogue

    engine = Engine(lambda: Dialogue(bare_router))
    await engine.start()
    while not engine.loaded.done():
        await asyncio.sleep(0.01)
    answer = await engine.reply("mon passeport")
    urgent = await engine.reply("au secours mon mari ne respire plus")
    await engine.stop()
    assert answer.decision is None
    assert urgent.decision is not None and urgent.decision.decision is DecisionKind.URGENCE


async def test_a_vote_still_joins_its_answer_after_the_conversation_was_shared(client_and_ear: tuple[Any, Ear]) -> None:
    import json

    from bot.serving.shared_sessions import _as_mapping, _read

    client, ear = client_and_ear
    value = await post(client, texte="question")
    chat = client.server.app[CHAT]
    conversation = _read(json.dumps(_as_mapping(await chat.sessions.get(value["conversation"]))))
    await chat.vote(conversation, value["id"], False)
    assert ear.votes[0].turn == ear.turns[0]
