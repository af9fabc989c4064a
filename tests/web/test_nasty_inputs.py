"""Messages made to break something, through the page, the chat, the votes and the partner API: an answer each, in time, no trace."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from nasty_inputs import NASTY

from bot.base.settings import Settings
from bot.dialogue.dialogue import Dialogue
from bot.routing.router import Router
from bot.serving.engine import Engine
from bot.web.app import create_app

SECONDS = 5.0
"""Of a machine that does other things: what runs away takes minutes."""


@pytest_asyncio.fixture
async def client(make_router: Any, paths: Any) -> AsyncIterator[Any]:
    from bot.serving.first_aid import FirstAid

    router: Router = make_router({"passeport": {"passeport": 0.95}})
    engine = Engine(lambda: Dialogue(router), lambda: FirstAid(paths), seconds=5.0)
    found: Any = TestClient(TestServer(create_app(Settings(per_minute=0, per_hour=0), engine)))
    await found.start_server()
    await found.post("/api/chat", json={"texte": "passeport"})  # what is loaded at first use is loaded
    await found.post("/api/v1/orientation", json={"texte": "passeport"})
    while (await found.get("/fiche/passeport")).status == 503:
        await asyncio.sleep(0.02)
    yield found
    await found.close()


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


async def test_every_way_in_answers_every_nasty_message(client: Any) -> None:
    conversation = ""
    for name, text in NASTY.items():
        sends: list[tuple[str, dict[str, Any]]] = [
            ("/", {"data": {"message": text.encode("utf-8", "replace").decode(), "envoi": "e"}}),
            ("/api/chat", {"data": encoded({"texte": text, "conversation": conversation, "envoi": text[:100]})}),
            ("/api/chat", {"data": encoded({"choix": text, "conversation": text})}),
            ("/api/avis", {"data": encoded({"reponse": text, "utile": False, "raison": text, "commentaire": text})}),
            ("/api/v1/orientation", {"data": encoded({"texte": text, "commune": text[:50], "id": text[:50]})}),
        ]
        for path, body in sends:
            if "data" in body and isinstance(body["data"], bytes):
                body["headers"] = {"Content-Type": "application/json"}
            started = time.perf_counter()
            async with client.post(path, **body) as answer:
                said = await answer.text()
                kind = answer.content_type
            assert time.perf_counter() - started < SECONDS, (name, path)
            assert answer.status < 500, (name, path, answer.status)
            assert "Traceback" not in said and (path != "/" or "<script>alert" not in said), (name, path)
            if kind == "application/json" and path == "/api/chat" and answer.status == 200:
                conversation = json.loads(said)["conversation"]


@pytest.mark.parametrize("path", ["/", "/api/chat", "/api/avis", "/api/v1/orientation", "/api/v1/orientations", "/partenaires"])
async def test_bytes_that_are_no_message(client: Any, path: str) -> None:
    for body in (
        b"",
        b"\xff\xfe",
        b"[" * 20_000,
        b"{" + b'"a":{' * 5_000,
        b"1e999999",
        b"NaN",
        b'{"texte": 1' + b"0" * 6_000 + b"}",
        b"\0" * 1_000,
    ):
        for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/csv", "x", ""):
            started = time.perf_counter()
            async with client.post(path, data=body, headers={"Content-Type": kind}) as answer:
                said = await answer.text()
            assert time.perf_counter() - started < SECONDS and answer.status < 500, (path, body[:20], kind)
            assert "Traceback" not in said and 'File "' not in said


async def test_nasty_addresses(client: Any) -> None:
    for name, text in NASTY.items():
        short = quote(text.encode("utf-8", "replace")[:1_000], safe="")
        for path in (f"/{short}", f"/fiche/{short}", f"/static/{short}", f"/api/v1/referentiel/sujets/{short}", f"/?lecture={short}"):
            async with client.get(path, headers={"Cookie": f"conversation={short[:200]}"}) as answer:
                assert answer.status < 500, (name, path[:60])
                assert "Traceback" not in await answer.text()
