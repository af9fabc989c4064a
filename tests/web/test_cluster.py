"""Two real processes behind the shipped nginx configuration, with a real Redis: a process killed loses nothing."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from web_cluster import ROOT, Assistant, Nginx, Visitor
from web_process import free_port
from web_redis import RedisServer

from bot.base.settings import Settings
from bot.routing.router import Router

pytestmark = pytest.mark.needs("redis-server", "nginx", "openssl")


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def assistants(redis_server: RedisServer, router: Router, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Assistant]]:
    """Two processes, ready; ``router`` is asked for so that the model is trained before."""
    folder = tmp_path_factory.mktemp("assistants")
    settings = {"BOT_REDIS": redis_server.url, "BOT_HTTPS": "oui", "BOT_MANDATAIRES": "1", "BOT_DEBIT_MINUTE": "0", "BOT_DEBIT_HEURE": "0"}
    both = [Assistant(folder, settings) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.wait_ready()
    yield both
    for each in both:
        each.stop()


@pytest.fixture(scope="module")
def nginx(assistants: list[Assistant], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    server = Nginx(tmp_path_factory.mktemp("mandataire"), [each.port for each in assistants])
    server.start()
    yield server
    server.stop()


def exchanges(page: str) -> int:
    return page.count('class="al-message al-message-personne"')


def test_the_shipped_nginx_configuration_is_right(tmp_path: Path) -> None:
    assert "successful" in Nginx(tmp_path, [8101, 8102]).check()


def test_nginx_lets_in_what_the_assistant_takes() -> None:
    shipped = (ROOT / "deploy" / "nginx" / "assistant.conf").read_text(encoding="utf-8")
    found = re.search(r"client_max_body_size (\d+)k;", shipped)
    assert found and 0 <= int(found.group(1)) * 1024 - Settings().max_batch_body <= 16_384
    compose = (ROOT / "deploy" / "compose" / "compose.yml").read_text(encoding="utf-8")
    assert (
        "secours:/etc/nginx/assistant:ro" in compose and '"panne", "secours/secours.html"' in compose and "/etc/nginx/assistant;" in shipped
    )


def test_the_shipped_redis_writes_nothing(tmp_path: Path) -> None:
    port = free_port()
    command = ["redis-server", str(ROOT / "deploy" / "redis" / "assistant.conf"), "--port", str(port), "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            client = Redis(port=port)
            assert client.config_get("save")["save"] == "" and client.config_get("appendonly")["appendonly"] == "no"
            client.mset({str(number): "x" for number in range(20_000)})
            client.close()
        finally:
            server.terminate()
            server.wait(10)
    assert list(tmp_path.iterdir()) == []


def test_when_no_assistant_answers_nginx_gives_the_emergency_numbers(tmp_path: Path) -> None:
    server = Nginx(tmp_path, [free_port(), free_port()])
    server.start()
    try:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        for size, status in ((10, 502), (5_000_000, 413)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{server.url}/", b"x" * size, context=context, timeout=20)
            page = refused.value.read().decode()
            assert refused.value.code == status and "tel:112" in page and "tel:+33" in page
    finally:
        server.stop()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd absent")
@pytest.mark.parametrize("unit", ["assistant@.service", "assistant.target"])
def test_the_shipped_units_are_right(unit: str, tmp_path: Path) -> None:
    text = (ROOT / "deploy" / "systemd" / unit).read_text(encoding="utf-8")
    copy = tmp_path / unit.replace("@", "@8101")
    copy.write_text(text.replace("/srv/assistant/.venv/bin/bot", "/bin/true"), encoding="utf-8")
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, timeout=60).stderr
    assert [line for line in said.splitlines() if copy.name in line] == []


@pytest.mark.modele
def test_a_conversation_goes_from_process_to_process(assistants: list[Assistant], nginx: Nginx) -> None:
    visitor = Visitor(nginx.url)
    for text in ("je veux refaire mon passeport", "il faut quoi comme papiers ?", "et l'adresse ?", "merci", "au revoir", "merci"):
        visitor.say(text)
    assert min(each.served("/api/chat") for each in assistants) >= 1, "both answered"
    assert exchanges(visitor.page()) == 6
    assert "mairie" in visitor.page()


@pytest.mark.modele
def test_a_process_killed_under_load_loses_nothing(assistants: list[Assistant], nginx: Nginx) -> None:
    visitors = [Visitor(nginx.url) for _ in range(6)]
    failures: list[str] = []

    def talk(visitor: Visitor) -> None:
        for number in range(8):
            try:
                visitor.say(f"je veux refaire mon passeport {number}")
            except OSError as error:
                failures.append(repr(error))

    threads = [threading.Thread(target=talk, args=(v,)) for v in visitors]
    for thread in threads:
        thread.start()
    time.sleep(0.4)
    assistants[0].kill(signal.SIGKILL)
    for thread in threads:
        thread.join()
    assert failures == []
    assert [exchanges(v.page()) for v in visitors] == [8] * len(visitors), "none lost, none doubled"
    assistants[0].start()
    assistants[0].wait_ready()


@pytest.mark.modele
def test_a_process_asked_to_stop_ends_what_it_began(assistants: list[Assistant], nginx: Nginx) -> None:
    visitor = Visitor(nginx.url)
    visitor.say("bonjour")
    answered: list[str] = []
    thread = threading.Thread(
        target=lambda: answered.extend(visitor.say("je veux refaire mon passeport")["conversation"] for _ in range(4))
    )
    thread.start()
    assert assistants[1].kill(signal.SIGTERM) == 0
    thread.join()
    assert len(answered) == 4 and exchanges(visitor.page()) == 5
    assistants[1].start()
    assistants[1].wait_ready()


@pytest.mark.modele
def test_redis_away_people_are_still_answered(assistants: list[Assistant], nginx: Nginx, redis_server: RedisServer) -> None:
    visitor = Visitor(nginx.url)
    visitor.say("bonjour")
    redis_server.stop()
    try:
        assert visitor.say("au feu ma maison brûle")["reponse"]["appels"]
        assert visitor.say("je veux refaire mon passeport")["reponse"]["cartes"]
    finally:
        redis_server.start()
    assert visitor.say("merci")["conversation"] == visitor.conversation
