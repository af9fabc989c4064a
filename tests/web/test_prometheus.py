"""Counts by route, decision and vote; nothing a person wrote."""

from __future__ import annotations

from typing import Any

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from web_fakes import FakeEngine

from bot.base.settings import Settings
from bot.staff.inbox.events import FeedbackEvent
from bot.web.app import create_app
from bot.web.keys import METRICS, OBSERVER
from bot.web.metrics import metrics_handler


@pytest_asyncio.fixture
async def served() -> Any:
    app = create_app(Settings(), FakeEngine())
    client: TestClient[Any, Any] = TestClient(TestServer(app))
    await client.start_server()
    yield client
    await client.close()


async def lines(app: web.Application) -> dict[str, float]:
    text = (await app[METRICS].render()).decode()
    rows = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in rows}


async def test_what_is_counted(served: TestClient[Any, Any]) -> None:
    for _ in range(2):
        async with served.post("/api/chat", json={"texte": "logement 06 12 34 56 78"}):
            pass
    async with served.get("/api/rien/06-12-34-56-78"):
        pass
    served.app[OBSERVER].feedback(FeedbackEvent("a1", 0.0, False, "mauvaise_porte"))
    counted = await lines(served.app)
    assert counted['assistant_requetes_total{methode="POST",route="/api/chat",statut="200"}'] == 2
    assert counted['assistant_requetes_total{methode="GET",route="inconnue",statut="404"}'] == 1
    assert counted['assistant_echanges_total{canal="page",decision="sans_decision",delegation="",moteur="routeur"}'] == 2
    assert counted["assistant_echange_secondes_count"] == 2
    assert counted['assistant_avis_total{raison="mauvaise_porte",utile="non"}'] == 1
    assert counted["assistant_conversations"] == 1
    assert counted['assistant_moteur{etat="pret",moteur="routeur"}'] == 1
    assert counted['assistant_moteur{etat="echec",moteur="routeur"}'] == 0
    assert counted["assistant_modele"] == 1
    assert not any("06" in name and "12" in name for name in counted)


async def test_metrics_are_on_their_own_listener_only(served: TestClient[Any, Any]) -> None:
    async with served.get("/metrics") as answer:
        assert answer.status == 404
    inside = web.Application()
    inside.add_routes([metrics_handler(served.app[METRICS])])
    client: TestClient[Any, Any] = TestClient(TestServer(inside))
    await client.start_server()
    async with client.get("/metrics") as answer:
        assert answer.status == 200 and "assistant_requetes" in await answer.text()
        assert answer.content_type == "text/plain"
    await client.close()
