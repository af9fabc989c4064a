"""What one address can take from the others: how long they wait, and what the process holds, while it does its worst."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from bot.base.paths import ProjectPaths
from scripts.mesures.longest import LENGTH, crafted
from scripts.mesures.pages import write_between

START, END = "<!-- partage:début -->", "<!-- partage:fin -->"
SECONDS, VISITORS = 12.0, 10
"""How long each attack lasts, and how many people come each second."""
SLOWEST = {"mots inventés courts", "lettres accentuées", "phrases de quatre mots", "mon fils"}
"""Of the kinds of :mod:`scripts.mesures.longest`."""
MESSAGE = "je voudrais refaire ma carte grise à Figeac"
PER_SECOND = 20
"""Requests that nginx lets one address send (``deploy/nginx/assistant.conf``)."""
Attack = tuple[int, Callable[[ClientSession, str], Awaitable[object]]]
"""How many requests, sent at once."""


@dataclass(frozen=True)
class Share:
    """What the others saw.

    Args:
        half, most: milliseconds that half of them waited at most, and 95 % of them.
        failed: how many got no answer.
        megabytes: the most that the process held.
    """

    half: float
    most: float
    failed: int
    megabytes: float


async def _post(session: ClientSession, address: str, path: str, body: bytes, kind: str = "application/json") -> int:
    try:
        async with session.post(path, data=body, headers={"Content-Type": kind, "X-Forwarded-For": address}) as answer:
            await answer.read()
            return answer.status
    except (ClientError, OSError, TimeoutError):
        return 0


def _chat(text: str) -> bytes:
    return json.dumps({"texte": text}).encode()


def attacks(paths: ProjectPaths) -> dict[str, Attack]:
    """Return what an address does, again and again, as often as nginx lets it."""
    slow = [text for name, text in crafted(paths) if name in SLOWEST]
    line = json.dumps([{"texte": (slow[0] * 2)[:3_900]}] * 1_000).encode()
    short = json.dumps([{"texte": MESSAGE}] * 1_000).encode()
    bomb = ("objet" + ";" * 200_000 + "\n" + "x\n" * 990).encode()

    async def long_ones(session: ClientSession, address: str) -> None:
        await asyncio.gather(*(_post(session, address, "/api/chat", _chat(slow[i % len(slow)])) for i in range(54)))

    async def huge_ones(session: ClientSession, address: str) -> None:
        await asyncio.gather(*(_post(session, address, "/api/chat", _chat("a" * 20_000)) for _ in range(20)))

    async def batch(session: ClientSession, address: str) -> None:
        await _post(session, address, "/api/v1/orientations", line)

    async def batches(session: ClientSession, address: str) -> None:
        await asyncio.gather(*(_post(session, f"{address}{i}", "/api/v1/orientations", short) for i in range(5)))

    async def bombs(session: ClientSession, address: str) -> None:
        await asyncio.gather(*(_post(session, address, "/api/v1/orientations.csv", bomb, "text/csv") for _ in range(5)))

    async def bodies(session: ClientSession, address: str) -> None:
        await asyncio.gather(*(_post(session, address, "/api/v1/orientations", b" " * 4_000_000) for _ in range(10)))

    return {
        f"54 messages de {LENGTH} caractères faits pour être lents, à la fois": (54, long_ones),
        "20 messages de 20 000 caractères à la fois": (20, huge_ones),
        "un lot de 1 000 lignes de 3 900 caractères": (1, batch),
        "cinq lots de 1 000 lignes courtes, de cinq adresses": (5, batches),
        "cinq listes piégées (200 000 colonnes, 990 lignes)": (5, bombs),
        "dix corps de 4 Mo à la fois": (10, bodies),
    }


async def _others(session: ClientSession, seconds: float) -> tuple[list[float], int]:
    """Send people, each with an address, and time their answers."""
    waits: list[float] = []
    failed = 0

    async def one(number: int) -> None:
        nonlocal failed
        started = time.perf_counter()
        status = await _post(session, f"10.1.{number // 250 % 250}.{number % 250}", "/api/chat", _chat(MESSAGE))
        failed += status != 200
        waits.append(1000 * (time.perf_counter() - started))

    people = []
    for _ in range(int(seconds * VISITORS)):
        people.append(asyncio.create_task(one(next(_NUMBERS))))
        await asyncio.sleep(1 / VISITORS)
    await asyncio.gather(*people)
    return sorted(waits), failed


_NUMBERS = iter(range(1_000_000))


async def measure(url: str, pid: int, attack: Attack | None, address: str, seconds: float = SECONDS) -> Share:
    """Hold an attack while people come."""
    async with ClientSession(url, connector=TCPConnector(limit=0), timeout=ClientTimeout(60)) as session:
        held = [_megabytes(pid)]

        async def again() -> None:
            while attack is not None:
                count, send = attack
                await asyncio.gather(send(session, address), asyncio.sleep(count / PER_SECOND))

        async def watch() -> None:
            while True:
                held.append(_megabytes(pid))
                await asyncio.sleep(0.05)

        tasks = [asyncio.create_task(work()) for work in (again, watch)]
        waits, failed = await _others(session, seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return Share(waits[len(waits) // 2], waits[len(waits) * 95 // 100], failed, max(held))


def _megabytes(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def run(paths: ProjectPaths) -> None:
    """Write the table between the markers of ``docs/menaces.md``, and print it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {**os.environ, "BOT_MANDATAIRES": "1", "BOT_RACINE": str(paths.root), "PYTHONPATH": str(paths.root)}
    command = [sys.executable, "-m", "bot", "serve", "--sans-agent", "--port", str(port)]
    server = subprocess.Popen(command, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        rows = asyncio.run(_all(paths, f"http://127.0.0.1:{port}", server.pid))
    finally:
        server.terminate()
        server.wait(20)
    table = ["| pendant ce temps, une adresse envoie | 50 % des autres | 95 % des autres | sans réponse | mémoire |"]
    table += ["|---|---|---|---|---|"]
    table += [f"| {name} | {s.half:.0f} ms | {s.most:.0f} ms | {s.failed} | {s.megabytes:.0f} Mo |" for name, s in rows.items()]
    print("\n".join(table))
    write_between(paths.docs / "menaces.md", START, END, table)


async def _all(paths: ProjectPaths, url: str, pid: int) -> dict[str, Share]:
    await _ready(url)
    await measure(url, pid, None, "10.0.0.1", 5)  # what is loaded at first use is loaded
    rows = {"rien": await measure(url, pid, None, "10.0.0.1")}
    for number, (name, attack) in enumerate(attacks(paths).items(), start=2):
        rows[name] = await measure(url, pid, attack, f"10.0.0.{number}")
    rows["rien, après"] = await measure(url, pid, None, "10.0.0.1")
    return rows


async def _ready(url: str) -> None:
    async with ClientSession(url) as session:
        for _ in range(600):
            try:
                async with session.get("/ready") as answer:
                    if answer.status == 200:
                        return
            except (ClientError, OSError):
                pass
            await asyncio.sleep(0.2)
    raise TimeoutError(url)
