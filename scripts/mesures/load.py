"""Real conversations over HTTP at increasing rates, for one process and for several, then a long run: docs/charge.md.

Arrivals are open-loop: a turn starts when its time comes, whether or not those before are answered, and its latency counts
from that time. A closed loop would slow down with the server and hide the wait (« coordinated omission »).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bot.corpus import read_jsonl
from bot.errors import AssistantError
from bot.paths import ProjectPaths

RATES = (5, 10, 20, 40, 80, 160)
SECONDS = 10.0
VISITORS = 60
TURNS_A_VISIT = 5
SOAK_VISITORS = 8
SOAK_SAMPLES = 20
WARM_TURNS = 50
READY_SECONDS = 180.0
FAILED_SHARE = 0.01
"""Share of failed turns above which a rate is too much: the higher ones are not tried."""


@dataclass(frozen=True)
class Level:
    """What one rate gave.

    Args:
        asked: turns a second that were asked.
        done: turns a second that were answered.
        latencies: milliseconds, from the time each turn was due.
        failures: turns without an answer.
        memory: bytes, over all processes.
    """

    asked: float
    done: float
    latencies: Sequence[float]
    failures: int
    memory: float


class Server:
    """One ``bot serve`` process.

    Args:
        paths: the project tree.
        agent: whether to load the Rasa agent.
        settings: ``BOT_…`` variables.
    """

    def __init__(self, paths: ProjectPaths, agent: bool, settings: dict[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "bot", "serve", "--port", str(self.port), *([] if agent else ["--sans-agent"])]
        environment = {**os.environ, "BOT_DEBIT_MINUTE": "0", "BOT_DEBIT_HEURE": "0", **settings}
        self._wanted = "agent" if agent else "routeur"
        self._process = subprocess.Popen(command, cwd=paths.root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    async def wait(self) -> None:
        """Wait until the wanted engine answers.

        Raises:
            AssistantError: it does not in time.
        """
        deadline = time.monotonic() + READY_SECONDS
        async with aiohttp.ClientSession() as client:
            while time.monotonic() < deadline:
                try:
                    async with client.get(f"{self.url}/health") as answer:
                        status = await answer.json()
                        if status[self._wanted] == "pret":
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.2)
        raise AssistantError(f"Le serveur n'est pas prêt après {READY_SECONDS:.0f} s. Lancez « bot doctor ».")

    def memory(self) -> float:
        """Return the proportional set size, in bytes: pages shared by several processes count once."""
        rollup = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text(encoding="ascii")
        line = next(row for row in rollup.splitlines() if row.startswith("Pss:"))
        return float(line.split()[1]) * 1024

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()


class Visits:
    """Visitors who each hold a conversation of a few turns, then are replaced by another.

    Args:
        client: HTTP client.
        urls: of the processes, taken in turn: a conversation moves from one to the next.
        texts: what people write.
    """

    def __init__(self, client: aiohttp.ClientSession, urls: Sequence[str], texts: Sequence[str]) -> None:
        self._client = client
        self._urls = itertools.cycle(urls)
        self._texts = texts
        self._random = random.Random(46)
        self._open: list[list[Any]] = []

    async def turn(self) -> bool:
        """Say one thing; tells whether it was answered."""
        visit = self._open.pop(0) if len(self._open) >= VISITORS else [None, 0]
        body = {"texte": self._random.choice(self._texts), "conversation": visit[0]}
        try:
            async with self._client.post(f"{next(self._urls)}/api/chat", json=body) as answer:
                value = await answer.json()
                if answer.status != 200:
                    return False
        except (aiohttp.ClientError, TimeoutError):
            return False
        if visit[1] + 1 < TURNS_A_VISIT:
            self._open.append([value["conversation"], visit[1] + 1])
        return True


async def climb(servers: Sequence[Server], texts: Sequence[str], rates: Sequence[float], seconds: float) -> list[Level]:
    """Try each rate in turn, and stop at the first that is too much."""
    levels: list[Level] = []
    async with _client() as client:
        visits = Visits(client, [s.url for s in servers], texts)
        for _ in range(WARM_TURNS):
            await visits.turn()
        for rate in rates:
            level = await _level(servers, visits, rate, seconds)
            levels.append(level)
            if level.failures > FAILED_SHARE * len(level.latencies) or level.done < 0.8 * rate:
                break
    return levels


async def _level(servers: Sequence[Server], visits: Visits, rate: float, seconds: float) -> Level:
    latencies: list[float] = []
    failures = 0

    async def one(due: float) -> None:
        nonlocal failures
        if await visits.turn():
            latencies.append((time.perf_counter() - due) * 1000)
        else:
            failures += 1

    begun = time.perf_counter()
    tasks = []
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    done = len(latencies) / (time.perf_counter() - begun)
    return Level(rate, done, latencies, failures, sum(s.memory() for s in servers))


async def soak(server: Server, texts: Sequence[str], turns: int) -> tuple[list[tuple[int, float]], float, int]:
    """Hold conversations one after the other for a long time.

    Returns:
        (turns done, bytes) samples, turns a second, failures.
    """
    samples = []
    failures = 0
    async with _client() as client:
        visits = Visits(client, [server.url], texts)
        begun = time.perf_counter()
        for part in range(SOAK_SAMPLES):
            share = turns // SOAK_SAMPLES

            async def work(count: int) -> int:
                return sum([not await visits.turn() for _ in range(count)])

            failures += sum(await asyncio.gather(*(work(share // SOAK_VISITORS) for _ in range(SOAK_VISITORS))))
            samples.append(((part + 1) * share, server.memory()))
    return samples, turns / (time.perf_counter() - begun), failures


def run(paths: ProjectPaths, quick: bool, redis: str, soak_turns: int) -> None:
    """Measure, print, and write ``docs/charge.md`` unless ``quick``.

    Args:
        paths: the project tree.
        quick: a few seconds only, nothing written.
        redis: URL of a Redis for the runs with several processes; without one they are left out.
        soak_turns: turns of the long run.
    """
    texts = [str(row["texte"]) for path in sorted(paths.test_sets.glob("demandes_*.jsonl")) for row in read_jsonl(path)]
    rates, seconds, turns = ((5, 10), 2.0, 800) if quick else (RATES, SECONDS, soak_turns)
    setups: list[tuple[str, int, bool]] = [("un processus, routeur seul", 1, False), ("un processus, agent Rasa", 1, True)]
    if redis:
        setups.append(("deux processus, routeur seul, Redis", 2, False))
    lines = [
        "# Tenue à la charge",
        "",
        "Régénéré par `make charge`. De vraies conversations par HTTP, sur la machine de l'essai (le générateur prend aussi du processeur).",
        "Chaque tour part à son heure, que les précédents soient répondus ou non ; sa durée compte depuis cette heure.",
        "",
    ]
    for title, count, agent in setups:
        with ExitStack() as stack:
            servers = []
            for _ in range(count):
                server = Server(paths, agent, {"BOT_REDIS": redis} if count > 1 else {})
                stack.callback(server.stop)
                servers.append(server)
            lines += asyncio.run(_measure(title, servers, texts, rates, seconds))
    with ExitStack() as stack:
        server = Server(paths, False, {})
        stack.callback(server.stop)
        lines += asyncio.run(_endure(server, texts, turns))
    print("\n".join(lines))
    if not quick:
        (paths.docs / "charge.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


async def _measure(title: str, servers: Sequence[Server], texts: Sequence[str], rates: Sequence[float], seconds: float) -> list[str]:
    await asyncio.gather(*(server.wait() for server in servers))
    rows = [
        f"## {title[0].upper()}{title[1:]}",
        "",
        "| tours demandés par seconde | répondus par seconde | p50 (ms) | p95 (ms) | p99 (ms) | échecs | mémoire (Mo) |",
        "|---|---|---|---|---|---|---|",
    ]
    for level in await climb(servers, texts, rates, seconds):
        cuts = statistics.quantiles(level.latencies, n=100) if len(level.latencies) > 1 else [float("nan")] * 99
        rows.append(
            f"| {level.asked:g} | {level.done:.1f} | {cuts[49]:.0f} | {cuts[94]:.0f} | {cuts[98]:.0f} | {level.failures} | {level.memory / 1e6:.0f} |"
        )
    return [*rows, ""]


async def _endure(server: Server, texts: Sequence[str], turns: int) -> list[str]:
    await server.wait()
    samples, rate, failures = await soak(server, texts, turns)
    quarter = len(samples) // 4
    early = statistics.mean(memory for _, memory in samples[quarter : 2 * quarter])
    late = statistics.mean(memory for _, memory in samples[-quarter:])
    return [
        "## Endurance",
        "",
        f"{turns} tours de suite, {SOAK_VISITORS} visiteurs à la fois : {rate:.0f} tours par seconde, {failures} échecs.",
        f"Mémoire : {early / 1e6:.0f} Mo au deuxième quart, {late / 1e6:.0f} Mo au dernier ({(late - early) / early:+.1%}).",
        "",
    ]


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=30)
    )
