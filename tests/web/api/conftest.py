"""A served application whose router has a hand-made model: real referential, real emergencies, no training."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from bot.base.paths import ProjectPaths
from bot.base.settings import Settings
from bot.dialogue.dialogue import Dialogue
from bot.routing.router import Router
from bot.serving.engine import Engine
from bot.serving.first_aid import FirstAid
from bot.web.app import create_app

Client = TestClient[Any, Any]
Serve = Callable[..., Awaitable[Client]]
TABLE = {
    "toit": {"travaux_abords_monument": 0.97},
    "plu": {"plu_elaboration": 0.96},
    "coqs": {"nuisance_elevage": 0.49, "voisinage_salubrite": 0.49},
    "passeport": {"passeport": 0.98},
    "voter": {"liste_electorale": 0.97},
    "bonjour": {"saluer": 0.97},
}


@pytest.fixture(scope="session")
def api_router(make_router) -> Router:  # type: ignore[no-untyped-def]
    return make_router(TABLE)


@pytest.fixture(scope="session")
def api_dialogue(api_router: Router) -> Dialogue:
    return Dialogue(api_router)


@pytest.fixture(scope="session")
def first_aid(paths: ProjectPaths) -> FirstAid:
    return FirstAid(paths)


@pytest_asyncio.fixture
async def serve(api_dialogue: Dialogue, first_aid: FirstAid) -> AsyncIterator[Serve]:
    """Start an application: ``await serve(per_minute=…)``; ``load`` replaces how the router is loaded."""
    clients: list[Client] = []

    async def start(load: Callable[[], Any] | None = None, wait: bool = True, **settings: Any) -> Client:
        engine = Engine(load or (lambda: api_dialogue), lambda: first_aid)
        client: Client = TestClient(TestServer(create_app(Settings(**{"per_minute": 0, "per_hour": 0, **settings}), engine)))
        await client.start_server()
        clients.append(client)
        if wait:
            await asyncio.wrap_future(engine.loaded)
        return client

    yield start
    for client in clients:
        await client.close()
