"""Faults caused on real processes: people get an answer, nothing stored is lost nor doubled, and it heals by itself."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from web_process import PostgresServer, Served, copy_of
from web_redis import RedisServer
from web_stall import PER_SECOND, Crowd, StallingProxy

from bot.base.errors import StorageError
from bot.base.paths import ProjectPaths
from bot.serving.sessions import MemorySessions
from bot.staff.schema import bands, groups, turns
from bot.staff.storage import Storage
from bot.staff.upkeep.keeper import Keeper
from bot.staff.upkeep.retention import DAY

pytestmark = pytest.mark.modele
ROUNDS = int(os.environ.get("BOT_TOURS", "2"))
"""Times that a server is ended on purpose; ``make faults`` asks for a hundred."""


@contextlib.contextmanager
def serving(
    tree: Path, code: str = "", options: tuple[str, ...] = ("--sans-agent",), ready: bool = True, **settings: str
) -> Iterator[Served]:
    server = Served(tree, settings, code, options)
    server.start()
    try:
        if ready:
            server.wait_ready()
        yield server
    finally:
        server.stop()


def until(check: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "in time"
        time.sleep(0.1)


def written(url: str) -> int:
    storage = Storage(url)
    try:
        with storage.read() as connection:
            return int(connection.execute(select(func.count()).select_from(turns)).scalar() or 0)
    except StorageError:
        return -1
    finally:
        storage.close()


def say(server: Served, count: int) -> None:
    for number in range(count):
        status, value = server.say(f"je veux refaire mon passeport {number}")
        assert status == 200 and value["reponse"]["cartes"]


def waiting(tree: Path) -> int:
    return sum(path.read_text(encoding="utf-8").count("\n") for path in (tree / "var" / "attente").glob("*.attente"))


FAST = (
    "import bot.staff.inbox.recorder as r\nr.RETRY_SECONDS = 0.5\n"
    "r.Recorder.__init__.__defaults__ = (0.5, *r.Recorder.__init__.__defaults__[1:])"
)
"""The recorder tries again every half second, to spare the tests."""


@pytest.fixture
def tree(small_tree: ProjectPaths, tmp_path: Path) -> Path:
    return copy_of(small_tree, tmp_path / "arbre")


@pytest.mark.skipif(os.geteuid() != 0, reason="il faut être administrateur pour monter un petit disque")
def test_the_disk_is_full(tree: Path) -> None:
    disk = tree / "var"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("les disques en mémoire sont refusés ici")
    try:
        filler = disk / "gros"
        with serving(tree, FAST) as server:
            say(server, 3)
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as stream:
                while True:
                    stream.write(b"x" * 4096)
            say(server, 40)
            assert written(f"sqlite:///{disk}/atelier.db") < 43, "the disk is truly full"
            filler.unlink()
            say(server, 2)
            until(lambda: written(f"sqlite:///{disk}/atelier.db") == 45)
            assert "Traceback" not in server.log.read_text(encoding="utf-8")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    server.start()
    yield server
    with contextlib.suppress(subprocess.CalledProcessError):
        server.stop()
    server.remove()


@pytest.mark.needs("postgresql")
def test_the_database_goes_and_comes_back(tree: Path, postgres: PostgresServer) -> None:
    with serving(tree, FAST, BOT_BASE=postgres.url) as server:
        say(server, 5)
        until(lambda: written(postgres.url) == 5)
        postgres.stop()
        say(server, 20)
        until(lambda: waiting(tree) == 20)
        say(server, 5)
        postgres.start()
        say(server, 5)
        until(lambda: written(postgres.url) == 35)
        until(lambda: waiting(tree) == 0)
        assert written(postgres.url) == 35
        log = server.log.read_text(encoding="utf-8")
        assert "Traceback" not in log and "passeport" not in log


@pytest.mark.needs("postgresql")
def test_a_process_killed_while_events_wait(tree: Path, postgres: PostgresServer) -> None:
    before = written(postgres.url)
    nobody = "postgresql://atelier@127.0.0.1:1/postgres"
    with serving(tree, FAST, BOT_BASE=nobody) as server:
        say(server, 10)
        until(lambda: waiting(tree) == 10)
        server.kill()
    with serving(tree, FAST, BOT_BASE=postgres.url):
        until(lambda: written(postgres.url) == before + 10)
    assert waiting(tree) == 0


def every_answer_is_written_once(url: str, crowd: Crowd) -> None:
    """Each exchange that was answered is in the database, none twice, nor counted twice in the inbox."""
    storage = Storage(url)

    def kept() -> set[str]:
        with storage.read() as connection:
            return set(connection.execute(select(turns.c.id)).scalars())

    until(lambda: kept() >= set(crowd.answered), 30)
    with storage.read() as connection:
        grouped = connection.execute(select(func.count()).where(turns.c.group_id.is_not(None))).scalar()
        assert connection.execute(select(func.sum(groups.c.count))).scalar() == grouped
    assert len(crowd.answered) == len(set(crowd.answered)) <= len(kept()) <= crowd.sent, "none doubled"
    storage.close()


def empty(url: str) -> None:
    storage = Storage(url)
    with storage.write() as connection:
        for table in (turns, groups, bands):
            connection.execute(table.delete())
    storage.close()


@pytest.mark.needs("postgresql")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_ended_again_and_again_nothing_answered_is_lost(tree: Path, postgres: PostgresServer, how: signal.Signals) -> None:
    empty(postgres.url)
    with serving(tree, FAST, BOT_BASE=postgres.url) as server:
        with Crowd(server) as crowd:
            for number in range(ROUNDS):
                crowd.talk(0.5 + number % 5 / 5)
                before = len(crowd.answered)
                started = time.monotonic()
                assert server.kill(how) in {0, -signal.SIGKILL}
                assert time.monotonic() - started < 10
                server.start()
                server.wait_ready()
                until(lambda before=before: len(crowd.answered) > before)  # type: ignore[misc]
        every_answer_is_written_once(postgres.url, crowd)
    assert crowd.answered and "atelier_perte" not in server.log.read_text(encoding="utf-8")


HANG = FAST + "\nimport bot.staff.storage\nbot.staff.storage.SILENCE_SECONDS = bot.staff.storage.CONNECT_SECONDS = 2.0"


@pytest.mark.needs("postgresql", "redis-server")
@pytest.mark.parametrize("stuck", [("base",), ("redis",), ("base", "redis")], ids="+".join)
def test_what_hangs_loses_nothing_and_does_not_keep_from_ending(tree: Path, postgres: PostgresServer, stuck: tuple[str, ...]) -> None:
    empty(postgres.url)
    redis = RedisServer()
    redis.start()
    proxies = {"base": StallingProxy(postgres.port), "redis": StallingProxy(redis.port)}
    settings = {
        "BOT_BASE": postgres.url.replace(str(postgres.port), str(proxies["base"].port)),
        "BOT_REDIS": redis.url.replace(str(redis.port), str(proxies["redis"].port)),
    }
    try:
        with serving(tree, HANG, **settings) as server:
            with Crowd(server) as crowd:
                crowd.talk(1)
                for each in stuck:
                    proxies[each].stall()
                crowd.talk(4)
                before = len(crowd.answered)
                assert server.say("je veux refaire mon passeport")[0] == 200
                crowd.sent += 1
                for each in stuck:
                    proxies[each].resume()
                crowd.talk(1)
                assert len(crowd.answered) > before > PER_SECOND
                for each in stuck:
                    proxies[each].stall()
                crowd.talk(1)
                started = time.monotonic()
                assert server.kill(signal.SIGTERM) == 0
                assert time.monotonic() - started < 10
            for each in stuck:
                proxies[each].resume()
            server.start()
            every_answer_is_written_once(postgres.url, crowd)
        assert "atelier_perte" not in server.log.read_text(encoding="utf-8")
    finally:
        for proxy in proxies.values():
            proxy.close()
        redis.stop()


def test_a_corrupt_model_at_start(tree: Path) -> None:
    model = tree / "models" / "routeur" / "modele.safetensors"
    model.write_bytes(model.read_bytes()[:1000])
    with serving(tree, ready=False) as server:
        server.listening()
        status, value = server.say("au feu ma maison brûle")
        assert status == 200 and value["reponse"]["appels"], "emergencies are answered meanwhile"
        until(lambda: server.health()["modele"] is True, 180)
        say(server, 1)


def test_a_corrupt_model_while_serving(tree: Path) -> None:
    folder = tree / "models" / "routeur"
    sound = {path.name: path.read_bytes() for path in folder.iterdir()}
    with serving(tree) as server:
        say(server, 1)
        (folder / "modele.safetensors").write_bytes(b"\x00" * 64)
        manifest = json.loads(sound["manifeste.json"]) | {"sha256": "0" * 64, "date": "2030-01-01T00:00:00"}
        (folder / "manifeste.json").write_text(json.dumps(manifest), encoding="utf-8")
        time.sleep(3)
        say(server, 3)
        assert server.health()["modele"] is True
        for name, content in sound.items():
            (folder / name).write_bytes(content)
        time.sleep(2)
        say(server, 1)


AGENT = """
import asyncio, time, types, sys

class InProcessAgent:
    async def load(self):
        pass
    async def reply(self, text, state):
        from bot.dialogue.dialogue import Turn
        from bot.dialogue.wording import Reply
        if "bloque" in text:
            await asyncio.sleep(3600)
        if "gele" in text:
            time.sleep(9)
        if "plante" in text:
            raise RuntimeError(text)
        return Turn(Reply("agent"), state)
    choose = reply

module = types.ModuleType("bot.rasa.agent")
module.InProcessAgent = InProcessAgent
sys.modules["bot.rasa.agent"] = module
import bot.serving.watched
bot.serving.watched.REST_SECONDS = 1.5
import bot.learning.freshness
bot.learning.freshness.needs_training = lambda paths: False
"""


def test_an_agent_that_raises_or_hangs(tree: Path) -> None:
    with serving(tree, AGENT, (), BOT_DELAI_AGENT="1") as server:
        until(lambda: server.health()["agent"] == "pret")
        assert server.say("bonjour")[1]["moteur"] == "agent"
        for word in ("plante", "bloque", "gele"):
            started = time.monotonic()
            status, value = server.say(f"je veux refaire mon passeport {word}")
            assert (status, value["moteur"]) == (200, "routeur") and value["reponse"]["cartes"], word
            assert time.monotonic() - started < 6, word
        assert server.health()["agent"] == "au_repos", "three failures: it is left alone for a while"
        until(lambda: server.say("bonjour")[1]["moteur"] == "agent")
        log = server.log.read_text(encoding="utf-8")
        assert "Traceback" not in log and "passeport" not in log


def test_the_referential_is_broken(tree: Path) -> None:
    path = tree / "data" / "referentiel" / "guichets.yml"
    sound = path.read_text(encoding="utf-8")
    path.write_text(sound + "\n  - [", encoding="utf-8")
    (tree / "data" / "nlu" / "titres.yml").write_text("nlu: [", encoding="utf-8")
    with serving(tree, ready=False) as server:
        server.listening()
        until(lambda: "guichets.yml" in server.log.read_text(encoding="utf-8"), 60)
        assert server.post("/api/chat", b'{"texte": "mon passeport"}')[0] == 503
        assert "112" in str(server.say("au feu ma maison brûle")[1]["reponse"]["appels"])
        path.write_text(sound, encoding="utf-8")
        until(lambda: server.health()["routeur"] == "pret", 30)
        say(server, 1)
        assert "Traceback" not in server.log.read_text(encoding="utf-8")


def test_an_edited_corpus_never_makes_a_restart_wait(tree: Path) -> None:
    path = tree / "data" / "nlu" / "titres.yml"
    path.write_text(
        path.read_text(encoding="utf-8").rstrip() + "\n    - je voudrais vraiment refaire mon passeport perdu\n", encoding="utf-8"
    )
    before = json.loads((tree / "models" / "routeur" / "manifeste.json").read_text(encoding="utf-8"))["sha256"]
    with serving(tree, ready=False) as server:
        server.listening(20)
        assert server.say("au feu ma maison brûle")[1]["reponse"]["appels"]
        server.wait_ready(30)
        say(server, 1)

        def trained() -> bool:
            manifest = json.loads((tree / "models" / "routeur" / "manifeste.json").read_text(encoding="utf-8"))
            return bool(manifest["sha256"] != before)

        until(trained, 180)
        say(server, 1)


def test_clocks_that_jump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    now = [1_000.0]
    sessions = MemorySessions(10, 60, clock=lambda: now[0])
    conversation = sessions.create()
    now[0] -= 500
    assert asyncio.run(sessions.get(conversation.id)) is conversation
    now[0] += 59
    assert asyncio.run(sessions.get(conversation.id)) is conversation
    now[0] += 10_000
    assert asyncio.run(sessions.get(conversation.id)) is None

    purges: list[float] = []
    monkeypatch.setattr("bot.staff.upkeep.keeper.purge", lambda *_: purges.append(wall[0]))
    monkeypatch.setattr("bot.staff.upkeep.keeper.time.time", lambda: wall[0])
    wall = [1_800_000_000.0]
    keeper = Keeper(Storage(f"sqlite:///{tmp_path}/atelier.db"), ProjectPaths(tmp_path), 90)
    for moved in (0.0, 60.0, 10 * 365 * DAY, -9 * 365 * DAY, 60.0, DAY):
        wall[0] += moved
        keeper.round()
    assert len(purges) == 4, "at start, after the jump forward, after the jump back, a day later"
