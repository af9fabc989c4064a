"""The OpenAPI document is valid, whole, and true: schemathesis calls every route with what it says."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from aiohttp import web
from hypothesis import Phase, settings
from openapi_spec_validator import openapi_v31_spec_validator
from schemathesis.checks import CHECKS

from bot.base.settings import Settings
from bot.dialogue.dialogue import Dialogue
from bot.serving.engine import Engine
from bot.serving.first_aid import FirstAid
from bot.web.api.handlers import OPERATIONS
from bot.web.api.openapi import build_openapi
from bot.web.api.schemas import Orientation, Referentiel
from bot.web.app import create_app

DOCUMENT = build_openapi(OPERATIONS)
EXAMPLES = 12


def test_the_document_is_valid_openapi_3_1() -> None:
    openapi_v31_spec_validator.validate(DOCUMENT)
    assert DOCUMENT["openapi"] == "3.1.0"
    text = json.dumps(DOCUMENT)
    assert '"nullable"' not in text and "#/definitions/" not in text


def test_every_reference_leads_somewhere() -> None:
    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            for each in value.values():
                yield from references(each)
        elif isinstance(value, list):
            for each in value:
                yield from references(each)

    for reference in set(references(DOCUMENT)):
        place: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
        assert place, reference


def test_every_problem_has_the_one_shape() -> None:
    for path in DOCUMENT["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert answer == {"$ref": f"#/components/responses/Probleme{status}"}
    for answer in DOCUMENT["components"]["responses"].values():
        assert list(answer["content"]) == ["application/problem+json"]


def test_what_may_be_null_says_so() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["Destination"]["properties"]["service"]["type"] == ["string", "null"]
    assert {"type": "null"} in schemas["Orientation"]["properties"]["niveau"]["anyOf"]
    assert "null" not in json.dumps(schemas["Destination"]["properties"]["dis"])
    assert set(schemas["Orientation"]["required"]) == set(Orientation.__fields__)


def test_the_fixed_identifiers_of_the_schema_are_those_of_the_referential(referential: Any) -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert set(schemas["Carte"]["properties"]["dis"]["enum"]) == set(referential.delegations)
    assert set(Referentiel.__fields__) == set(schemas["Referentiel"]["properties"])


def test_it_is_served_as_it_is_built(address: str) -> None:
    import urllib.request

    with urllib.request.urlopen(f"{address}/api/openapi.json", timeout=10) as answer:
        assert json.load(answer) == json.loads(json.dumps(DOCUMENT)) and answer.headers["ETag"]


@pytest.fixture(scope="module")
def address(api_dialogue: Dialogue, first_aid: FirstAid) -> Iterator[str]:
    """The application, served in a thread of its own."""
    ready = threading.Event()
    found: dict[str, Any] = {}

    async def run() -> None:
        engine = Engine(lambda: api_dialogue, lambda: first_aid)
        runner = web.AppRunner(create_app(Settings(per_minute=0, per_hour=0), engine))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        await asyncio.wrap_future(engine.loaded)
        found["loop"], found["stop"] = asyncio.get_running_loop(), asyncio.Event()
        found["address"] = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await found["stop"].wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert ready.wait(30)
    yield found["address"]
    found["loop"].call_soon_threadsafe(found["stop"].set)
    thread.join(10)


@schemathesis.serializer("application/x-ndjson")
def ndjson(ctx: Any, value: Any) -> bytes:
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "replace")


schema = schemathesis.openapi.from_dict(json.loads(json.dumps(DOCUMENT)))


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    phases=(Phase.explicit, Phase.generate),
)
def test_every_route_does_what_the_document_says(case: Any, address: str) -> None:
    """An unknown commune or topic is well formed and yet refused (422, 404); a bad line of a batch does not refuse the batch."""
    left_out = ["positive_data_acceptance", *(["negative_data_rejection"] if case.path == "/api/v1/orientations" else [])]
    case.call_and_validate(base_url=address, excluded_checks=[CHECKS.get_one(name) for name in left_out], timeout=20)


def examples(address: str) -> list[tuple[str, str, str]]:
    """Return (name, language, code) of each example of the documentation page."""
    import html
    import re
    import urllib.request

    with urllib.request.urlopen(f"{address}/api", timeout=10) as answer:
        page = answer.read().decode()
    found = re.findall(r'data-exemple="([^"]+)" data-langage="([^"]+)"[^>]*><code>(.*?)</code>', page, re.DOTALL)
    return [(name, language, html.unescape(code)) for name, language, code in found]


EXPECTED = {
    "message-curl": '"decision":"orienter"',
    "message-python": "orienter\nLe service architecture et patrimoine :",
    "lot-curl": '{"id":"m2"',
    "lot-python": "m1 orienter\nm2 ",
    "liste-curl": "2026-014;course cycliste;",
    "referentiel-python": "rien de nouveau",
}


def test_every_example_of_the_documentation_works(address: str) -> None:
    found = examples(address)
    assert {name for name, _, _ in found} == set(EXPECTED)
    for name, language, code in found:
        command = [sys.executable, "-c", code] if language == "python" else ["bash", "-euo", "pipefail", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{name} : {done.stderr}"
        assert EXPECTED[name] in done.stdout, f"{name} : {done.stdout}"


def test_the_page_lists_every_route(address: str) -> None:
    import urllib.request

    with urllib.request.urlopen(f"{address}/api", timeout=10) as answer:
        page = answer.read().decode()
    for operation in OPERATIONS:
        assert f"{operation.method} {operation.path}" in page
    assert "<script" not in page and " style=" not in page
