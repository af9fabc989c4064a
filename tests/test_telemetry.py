"""Nothing leaves the machine: no connection is tried, and Rasa's telemetry is off."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from bot.cli.main import main
from bot.dialogue.dialogue import ConversationState, Dialogue
from bot.routing.router import Router

ROOT = Path(__file__).resolve().parent.parent
MESSAGES = [
    "je veux un passeport",
    "il y a le feu chez le voisin",
    "https://exemple.fr/page",
    "mon mail est a@exemple.fr",
    "à Figeac",
    "",
    "🙂",
]


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Refuse every connection, and return what was tried."""
    tried: list[str] = []

    def refuse(name: str):  # type: ignore[no-untyped-def]
        def attempt(*arguments: object, **_options: object) -> NoReturn:
            tried.append(f"{name}{arguments[1:]}")
            raise OSError("the network is closed in this test")

        return attempt

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse(name))
    for name in ("create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse(name))
    return tried


def test_the_guard_works(no_network: list[str]) -> None:
    with pytest.raises(OSError, match="closed"):
        socket.create_connection(("127.0.0.1", 9))
    assert no_network


def test_routing_tries_no_connection(no_network: list[str], bare_router: Router, make_router) -> None:  # type: ignore[no-untyped-def]
    for router in (bare_router, make_router({"passeport": {"passeport": 0.95}})):
        router.route_many(MESSAGES)
        for message in MESSAGES:
            Dialogue(router).reply(message, ConversationState())
    assert no_network == []


@pytest.mark.modele
def test_the_trained_model_tries_no_connection(no_network: list[str], router: Router) -> None:
    router.route_many(MESSAGES)
    assert no_network == []


def test_the_command_turns_telemetry_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RASA_TELEMETRY_ENABLED", raising=False)
    with pytest.raises(SystemExit):
        main(["--help"])
    assert os.environ["RASA_TELEMETRY_ENABLED"] == "false"


def test_our_side_of_rasa_turns_telemetry_off() -> None:
    code = "import os; from bot.rasa.quiet import hush_warnings; hush_warnings(); print(os.environ['RASA_TELEMETRY_ENABLED'])"
    environment = {k: v for k, v in os.environ.items() if k != "RASA_TELEMETRY_ENABLED"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, env=environment, cwd=ROOT, timeout=120
    )
    assert done.stdout.strip().endswith("false"), done.stderr


def test_make_turns_telemetry_off() -> None:
    assert re.search(r"^export RASA_TELEMETRY_ENABLED\s*:?=\s*false$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_tests_turn_telemetry_off() -> None:
    assert os.environ["RASA_TELEMETRY_ENABLED"] == "false"


CLIENTS = re.compile(
    r"^\s*(?:import|from)\s+(?:requests|httpx|urllib\.request|urllib3|http\.client|ftplib|smtplib|sentry_sdk|boto3)\b", re.MULTILINE
)


def test_nothing_imports_a_client_of_the_network() -> None:
    files = [p for folder in ("bot", "actions") for p in sorted((ROOT / folder).rglob("*.py"))]
    assert files
    assert [str(p.relative_to(ROOT)) for p in files if CLIENTS.search(p.read_text(encoding="utf-8"))] == []
