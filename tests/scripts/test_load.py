"""Increasing rates and the long run, on doors made by hand: what is asked, what is kept, what the page says."""

from __future__ import annotations

import asyncio
import itertools
import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.base.errors import AssistantError
from bot.base.paths import ProjectPaths
from scripts.mesures import load, soak
from scripts.mesures.conversations import FOLLOW_UPS, LENGTHS, Heard, StockServer, Visits, http_client
from scripts.mesures.load import climb, held, last_run, write_page
from scripts.mesures.processes import Results
from scripts.mesures.soak import TOLERANCE, trend

TEXTS = ("mon passeport", "un permis de construire")


class Slow:
    """A door that takes its time, answers one at a time, and may refuse."""

    def __init__(self, seconds: float = 0.0, refuse: int = 0) -> None:
        self._seconds, self._refuse = seconds, refuse
        self._one = asyncio.Lock()
        self._number = itertools.count(1)
        self.heard: list[tuple[str, str, str]] = []

    async def say(self, _client: Any, text: str, conversation: str, choice: str = "") -> Heard | None:
        async with self._one:
            await asyncio.sleep(self._seconds)
        self.heard.append((text, conversation, choice))
        number = next(self._number)
        if self._refuse and number % self._refuse == 0:
            return None
        return Heard(conversation or f"c{number}", ("bouton",), "agent")


# Visits


async def test_visitors_hold_conversations_of_several_turns_and_are_replaced() -> None:
    door = Slow()
    visits = Visits(None, [door], TEXTS)  # type: ignore[arg-type]
    assert all([await visits.turn() for _ in range(2000)])
    by_conversation: dict[str, int] = {}
    for number, (text, conversation, choice) in enumerate(door.heard, start=1):
        assert (text in TEXTS or text in FOLLOW_UPS) and not choice
        assert conversation or text in TEXTS, "one begins with a request"
        name = conversation or f"c{number}"
        by_conversation[name] = by_conversation.get(name, 0) + 1
    assert visits.opened == len(by_conversation) > 300
    assert max(by_conversation.values()) == max(LENGTHS)
    assert visits.engines == {"agent": 2000}


async def test_lively_visitors_press_buttons_and_write_in_their_own_way() -> None:
    door = Slow()
    visits = Visits(None, [door], TEXTS, lively=True)  # type: ignore[arg-type]
    for _ in range(500):
        await visits.turn()
    pressed = [(text, conversation) for text, conversation, choice in door.heard if choice == "bouton"]
    assert len(pressed) > 50 and all(conversation and not text for text, conversation in pressed)
    written = [text for text, _, choice in door.heard if not choice]
    assert len(set(written)) > len(written) / 2


async def test_a_person_who_gets_no_answer_gives_up() -> None:
    visits = Visits(None, [Slow(refuse=2)], TEXTS)  # type: ignore[arg-type]
    assert [await visits.turn() for _ in range(4)] == [True, False, True, False]


async def test_stock_rasa_is_spoken_to_by_its_rest_channel() -> None:
    seen: list[dict[str, Any]] = []

    async def hook(request: web.Request) -> web.Response:
        seen.append(await request.json())
        return web.json_response([] if seen[-1]["message"] == "muet" else [{"text": "bonjour"}])

    app = web.Application()
    app.router.add_post("/webhooks/rest/webhook", hook)
    async with TestServer(app) as server, http_client() as client:
        door = StockServer(str(server.make_url("/webhooks/rest/webhook")), [])
        first = await door.say(client, "bonjour", "")
        assert first is not None
        again = await door.say(client, "merci", first.conversation)
        assert again == first
        assert await door.say(client, "muet", "") is None, "an action that fails answers nothing"
    assert seen[0]["sender"] == seen[1]["sender"] != seen[2]["sender"]


# Rates


async def test_rates_go_up_until_one_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "WARM_TURNS", 2)
    rows = await climb([Slow(0.01)], [os.getpid()], TEXTS, (20, 400, 800), 0.5)
    assert [r["demandes"] for r in rows] == [20, 400], "the last one is not tried"
    assert rows[0]["repondus"] == pytest.approx(20, rel=0.1) and rows[1]["repondus"] < 110
    assert rows[0]["p50"] >= 10 and rows[0]["p50"] <= rows[0]["p95"] <= rows[0]["p99"]
    assert rows[1]["p95"] > 500, "latency counts from the time each turn was due"
    assert rows[0]["octets"] > 1e6 and rows[0]["agent"] == 1.0
    assert held(rows) == 20


async def test_failures_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "WARM_TURNS", 0)
    rows = await climb([Slow(refuse=4)], [], TEXTS, (40, 80), 0.5)
    assert len(rows) == 1 and rows[0]["echecs"] == 5
    assert held(rows) == 0


def level(rate: float, **figures: float) -> dict[str, Any]:
    return {"demandes": rate, "repondus": rate, "p50": 20, "p95": 40, "p99": 60, "echecs": 0, "octets": 4e8, "agent": 1.0, **figures}


@pytest.mark.parametrize("figures", [{"p95": 1200}, {"repondus": 20}, {"echecs": 40}])
def test_a_rate_is_held_only_when_all_is_well(figures: dict[str, float]) -> None:
    assert held([level(10), level(40, **figures)]) == 10
    assert held([level(10), level(40)]) == 40


def run_rows(run_id: str, closed: bool = True) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for title, top, octets in (("un processus, agent Rasa", 40, 5e8), (load.STOCK, 16, 2e9)):
        rows += [{"essai": run_id, "titre": title, "par_agent": "agent" in title, **level(rate, octets=octets)} for rate in (8, top)]
    return [*rows, {"essai": run_id, "fin": "2026-11-26", "coeurs": 2, "echantillon": 800}] if closed else rows


def test_the_page_shows_the_last_whole_run_next_to_stock_rasa(tmp_path: Path) -> None:
    rows = [*run_rows("1"), *run_rows("2", closed=False)]
    by_title, closing = last_run(rows)
    assert closing["essai"] == "1" and [len(r) for r in by_title.values()] == [2, 2]
    text = write_page(rows, [], tmp_path)
    assert "| un processus, agent Rasa | 40 |" in text and "| Rasa d'origine | 16 |" in text
    assert "un processus, agent Rasa : 2,5 fois" in text and "un processus, agent Rasa : 25 % de la sienne" in text
    assert "800 messages" in text and "Endurance" not in text and "croissance.md" not in text
    assert (tmp_path / "charge.md").read_text(encoding="utf-8") == text
    ET.parse(tmp_path / "images" / "charge.svg")


def test_nothing_measured_yet(tmp_path: Path) -> None:
    assert "Débits" not in write_page(run_rows("1", closed=False), [], tmp_path)


def test_a_stale_model_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "needs_training", lambda _paths: True)
    with pytest.raises(AssistantError, match="bot train"):
        load.run(ProjectPaths(tmp_path), False, "", 100, "paliers")


# The long run


def memories(slope: float, noise: float = 1e5, level_: float = 6e8) -> tuple[list[float], list[float]]:
    turns = list(range(20_000, 50_001, 500))
    rng = np.random.default_rng(1)
    return [float(x) for x in turns], [level_ + slope * x + noise * rng.normal() for x in turns]


def test_the_verdict_is_read_on_the_interval() -> None:
    flat = trend(*memories(0.0))
    assert flat.verdict == "plate" and flat.low < 0 < flat.high < TOLERANCE * flat.level
    leak = trend(*memories(1000.0))
    assert leak.verdict == "monte" and leak.growth == pytest.approx(5e7, rel=0.1)
    assert leak.low < leak.growth < leak.high
    assert trend(*memories(0.0, noise=1e8)).verdict == "indecis"
    small = trend(*memories(50.0, noise=1e3))
    assert small.low > 0 and small.verdict == "plate", "2,5 Mo of 600 in 50 000 turns"
    assert trend(*memories(-1000.0)).verdict == "plate"


def soak_rows(slope: float, closed: bool = True, expired: float | None = 70.0) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    common = {"essai": "1", "conversations": [500, 480], "redis": 1.5e7}
    for wave in range(3):
        for turns in range(wave * 2000 + 100, wave * 2000 + 2001, 100):
            octets = [4e8 + slope * turns + 1e3 * (turns % 300), 4e8]
            rows.append({**common, "phase": "charge", "vague": wave, "tours": turns, "secondes": turns / 50, "octets": octets})
        rows.append({**rows[-1], "phase": "pause", "attente": expired, "conversations": [0, 0]})
    end = {"essai": "1", "fin": "2026-11-26", "tours": 6000, "conversations_ouvertes": 1400, "echecs": 0, "debit": 51.2, "processus": 2}
    return [*rows, {**end, "gardees": 500, "minutes": 1, "agent": 0.97}] if closed else rows


def test_the_page_says_whether_memory_is_flat(tmp_path: Path) -> None:
    text = "\n".join(soak.page(soak_rows(0.0), tmp_path / "endurance.svg"))
    assert "**La mémoire est plate" in text and "6 000 tours, 1 400 conversations, 2 processus" in text
    assert "| 3 | 6 000 |" in text and "| 500 + 480 | 70 |" in text and "97 % par l'agent Rasa" in text
    ET.parse(tmp_path / "endurance.svg")
    assert "**La mémoire monte" in "\n".join(soak.page(soak_rows(2e4), tmp_path / "endurance.svg"))
    assert "**jamais**" in "\n".join(soak.page(soak_rows(0.0, expired=None), tmp_path / "endurance.svg"))


def test_a_run_that_stopped_is_not_shown(tmp_path: Path) -> None:
    assert soak.page(soak_rows(0.0, closed=False), tmp_path / "endurance.svg") == []


async def test_a_batch_is_shared_between_clients() -> None:
    door = Slow(refuse=5)
    visits = Visits(None, [door], TEXTS)  # type: ignore[arg-type]
    assert await soak._batch(visits, 50, 7) == 10
    assert len(door.heard) == 50


def test_results_survive_a_crash(tmp_path: Path) -> None:
    results = Results(tmp_path / "a" / "mesures.jsonl")
    assert results.rows() == []
    results.add({"a": 1})
    results.add({"b": "é"})
    with (tmp_path / "a" / "mesures.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('{"c": ')
    assert results.rows() == [{"a": 1}, {"b": "é"}]
