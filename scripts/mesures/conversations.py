"""Real-like conversations over HTTP, with our server or with stock Rasa: visitors come, say a few things, and leave."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from bot.base.paths import ProjectPaths
from bot.learning.corpus import read_jsonl
from bot.measure.noise import NOISES
from scripts.mesures.processes import free_port, memory, stop, wait_for

READY_SECONDS = 180.0
SEED = 46
VISITORS = 60
"""Conversations going on at once: what one says comes between what others say."""
LENGTHS = (1, 1, 2, 3, 4, 4, 5, 6, 8, 10)
"""Turns of a conversation, each as likely: 4.4 on average."""
FOLLOW_UPS = (
    "il faut quoi comme papiers ?",
    "c'est où exactement ?",
    "c'est ouvert quand ?",
    "et si je ne peux pas me déplacer ?",
    "je ne suis pas sûr d'avoir compris",
    "merci",
    "merci beaucoup, au revoir",
)


@dataclass(frozen=True)
class Heard:
    """What came back for one turn.

    Args:
        conversation: names it, to go on.
        choices: buttons offered.
        engine: who answered, "" when the server does not say.
    """

    conversation: str
    choices: tuple[str, ...] = ()
    engine: str = ""


class Door(Protocol):
    """A server that people talk to."""

    async def say(self, client: aiohttp.ClientSession, text: str, conversation: str, choice: str = "") -> Heard | None:
        """Say ``text`` (or press ``choice``) in a conversation, "" to open one; ``None`` when it is not answered."""


class Assistant:
    """One ``bot serve`` process.

    Args:
        paths: the project tree.
        agent: whether to load the Rasa agent.
        settings: ``BOT_…`` variables.
    """

    def __init__(self, paths: ProjectPaths, agent: bool, settings: Mapping[str, str]) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "bot", "serve", "--port", str(port), *([] if agent else ["--sans-agent"])]
        environment = {**os.environ, "BOT_DEBIT_MINUTE": "0", "BOT_DEBIT_HEURE": "0", **settings}
        self._wanted = "agent" if agent else "routeur"
        self._process = subprocess.Popen(command, cwd=paths.root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes = [self._process.pid]

    def stop(self) -> None:
        """End the process."""
        stop(self._process)

    def wait(self) -> None:
        """Wait until the wanted engine answers.

        Raises:
            AssistantError: it does not in time.
        """
        wait_for(
            lambda: self.health().get(self._wanted) == "pret", READY_SECONDS, "Le serveur n'est pas prêt (« bot doctor » dit pourquoi)"
        )

    def health(self) -> dict[str, Any]:
        """Return what ``/health`` says, empty when nothing listens yet."""
        import json
        import urllib.request

        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=10) as answer:
                value: dict[str, Any] = json.load(answer)
                return value
        except OSError:
            return {}

    async def say(self, client: aiohttp.ClientSession, text: str, conversation: str, choice: str = "") -> Heard | None:
        body = {"choix": choice} if choice else {"texte": text}
        value = await _post(client, f"{self.url}/api/chat", {**body, "conversation": conversation or None})
        if not isinstance(value, dict):
            return None
        choices = tuple(c["id"] for c in value["reponse"]["choix"])
        return Heard(value["conversation"], choices, value["moteur"])


class StockServer:
    """Stock Rasa, through its REST channel.

    Args:
        url: of the channel.
        processes: its server and its action server.
    """

    def __init__(self, url: str, processes: Sequence[int]) -> None:
        self._url = url
        self.processes = list(processes)
        self._number = itertools.count()

    async def say(self, client: aiohttp.ClientSession, text: str, conversation: str, choice: str = "") -> Heard | None:
        sender = conversation or f"visiteur-{next(self._number)}"
        answers = await _post(client, self._url, {"sender": sender, "message": text})
        return Heard(sender) if answers else None  # an action that fails gives an empty list


async def _post(client: aiohttp.ClientSession, url: str, body: Mapping[str, Any]) -> Any:
    try:
        async with client.post(url, json=body) as answer:
            return await answer.json() if answer.status == 200 else None
    except (aiohttp.ClientError, TimeoutError):
        return None


@contextmanager
def assistants(paths: ProjectPaths, count: int, agent: bool, settings: Mapping[str, str]) -> Iterator[list[Assistant]]:
    """Start ``count`` servers, ready, whose exchanges go to a database of their own: never to that of the staff."""
    with ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory())
        servers = []
        for _ in range(count):
            server = Assistant(paths, agent, {"BOT_BASE": f"sqlite:///{Path(place) / 'atelier.db'}", **settings})
            stack.callback(server.stop)
            servers.append(server)
        for server in servers:
            server.wait()
        yield servers


def http_client() -> aiohttp.ClientSession:
    """Return a client without a limit of its own on connections, and without cookies: each visitor is another person."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=30)
    )


def requests(paths: ProjectPaths) -> list[str]:
    """Return real-size requests that no engine has learnt."""
    return [str(row["texte"]) for path in sorted(paths.test_sets.glob("demandes_*.jsonl")) for row in read_jsonl(path)]


def memory_of(processes: Sequence[int]) -> float:
    """Return what processes hold together, in bytes: shared pages count once."""
    return sum(memory(process)["pss"] for process in processes)


@dataclass
class _Visit:
    left: int
    conversation: str = ""
    choices: tuple[str, ...] = ()


@dataclass
class Visits:
    """Visitors who each hold a conversation of a few turns, then are replaced by another.

    Args:
        client: HTTP client.
        doors: processes, taken in turn: a conversation moves from one to the next.
        texts: what people ask.
        lively: whether they use the buttons they are offered, and each write in their own way: hardly ever twice the same words.
    """

    client: aiohttp.ClientSession
    doors: Sequence[Door]
    texts: Sequence[str]
    lively: bool = False
    opened: int = 0
    engines: dict[str, int] = field(default_factory=dict)
    """How many turns each engine answered."""

    def __post_init__(self) -> None:
        self._next = itertools.cycle(self.doors)
        self._random = random.Random(SEED)
        self._going: list[_Visit] = []

    async def turn(self) -> bool:
        """Say one thing; tells whether it was answered."""
        visit = self._going.pop(0) if len(self._going) >= VISITORS else self._arrive()
        text, choice = self._words(visit)
        heard = await next(self._next).say(self.client, text, visit.conversation, choice)
        if heard is None:
            return False  # this person gives up
        self.engines[heard.engine] = self.engines.get(heard.engine, 0) + 1
        visit.left -= 1
        if visit.left:
            visit.conversation, visit.choices = heard.conversation, heard.choices
            self._going.append(visit)
        return True

    def leave(self) -> None:
        """Everybody leaves."""
        self._going.clear()

    def _arrive(self) -> _Visit:
        self.opened += 1
        return _Visit(self._random.choice(LENGTHS))

    def _words(self, visit: _Visit) -> tuple[str, str]:
        if self.lively and visit.choices and self._random.random() < 0.5:
            return "", self._random.choice(visit.choices)
        ask = not visit.conversation or self._random.random() < 0.5
        text = self._random.choice(self.texts if ask else FOLLOW_UPS)
        return (self._in_own_words(text) if self.lively else text), ""

    def _in_own_words(self, text: str) -> str:
        write = self._random.choice([str, *NOISES.values()])
        return f"{write(text)} (dossier n° {self._random.randrange(10**6)})" if self._random.random() < 0.5 else write(text)
