"""Settings in French, and the process itself: listens with nothing to load, says so, ends cleanly."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.base.errors import SettingsError
from bot.base.settings import Settings
from bot.web.server import internal_address, listen

ROOT = Path(__file__).resolve().parents[2]


def test_defaults_are_safe() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings().hosts == () and Settings().per_minute > 0 and Settings().theme == "neutre"


def test_every_setting_is_read() -> None:
    settings = Settings.from_environment(
        {
            "BOT_HOTES": "https://www.lot.gouv.fr, HTTPS://Mairie.example:8443/",
            "BOT_HTTPS": "oui",
            "BOT_MANDATAIRES": "1",
            "BOT_DEBIT_MINUTE": "0",
            "BOT_DEBIT_HEURE": "90",
            "BOT_TAILLE_MAX": "4096",
            "BOT_TAILLE_MAX_LOT": "8192",
            "BOT_CLES": "/srv/cles.json",
            "BOT_SESSION_MINUTES": "5",
            "BOT_SESSIONS_MAX": "10",
            "BOT_DELAI_AGENT": "2,5",
            "BOT_DELAI_ROUTEUR": "8",
            "BOT_THEME": "dsfr",
            "BOT_DSFR": "/opt/dsfr/dist",
            "BOT_REDIS": "redis://10.0.0.1:6379/0",
        }
    )
    assert settings == Settings(
        hosts=("https://www.lot.gouv.fr", "https://mairie.example:8443"),
        https=True,
        proxies=1,
        per_minute=0,
        per_hour=90,
        max_body=4096,
        max_batch_body=8192,
        keys_file="/srv/cles.json",
        session_minutes=5,
        max_sessions=10,
        agent_seconds=2.5,
        router_seconds=8.0,
        theme="dsfr",
        dsfr="/opt/dsfr/dist",
        redis="redis://10.0.0.1:6379/0",
    )


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("BOT_HOTES", "www.lot.gouv.fr", "https://www.exemple.fr"),
        ("BOT_HOTES", "https://a.fr; script-src *", "origine"),
        ("BOT_HOTES", "*", "origine"),
        ("BOT_HTTPS", "peut-être", "oui"),
        ("BOT_DEBIT_MINUTE", "beaucoup", "entier"),
        ("BOT_DEBIT_MINUTE", "-1", "entier"),
        ("BOT_TAILLE_MAX", "1", "entre 1024"),
        ("BOT_SESSION_MINUTES", "0", "entre 1"),
        ("BOT_DELAI_AGENT", "nan", "secondes"),
        ("BOT_DELAI_AGENT", "", "secondes"),
        ("BOT_THEME", "../../etc", "neutre"),
    ],
)
def test_a_bad_setting_says_what_is_expected(variable: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({variable: value})
    assert variable in str(caught.value) and words in str(caught.value)


def test_all_bad_settings_are_told_at_once() -> None:
    with pytest.raises(SettingsError, match=r"\(2\)"):
        Settings.from_environment({"BOT_HTTPS": "?", "BOT_THEME": "?"})


def test_every_setting_is_described_in_french() -> None:
    rows = Settings.describe()
    assert len({variable for variable, _, _ in rows}) == len(Settings.__dataclass_fields__)
    for variable, default, help_ in rows:
        assert re.fullmatch(r"BOT_[A-Z_]+", variable) and help_.endswith(".") and isinstance(default, str)
        assert Settings.from_environment({variable: default}) == Settings()


def test_a_taken_port_is_told_in_french() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError, match="Impossible d'écouter"):
        listen("127.0.0.1", taken.getsockname()[1])
    for host, port in (("127.0.0.1", 99_999_999), ("hote.invalid", 80)):
        with pytest.raises(SettingsError, match="Impossible d'écouter"):
            listen(host, port)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server on an empty tree: no referential, no model, no Rasa."""
    code = "from bot.web.server import run_server; run_server('127.0.0.1', 0, with_agent=False)"
    environment = {**os.environ, "BOT_RACINE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert running.stdout is not None
    found = re.search(r"http://[\d.]+:\d+", running.stdout.readline())
    assert found
    yield running, found.group()
    running.kill()
    running.communicate()


def fetch(url: str, body: dict[str, str] | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_server_stands_without_anything_and_ends_cleanly(process: tuple[subprocess.Popen[str], str]) -> None:
    running, address = process
    assert fetch(address)[0] == 200
    for _ in range(100):
        health = json.loads(fetch(f"{address}/health")[1])
        if health["routeur"] == "echec":
            break
        time.sleep(0.2)
    assert health["etat"] == "degrade" and health["moteur"] == "aucun" and health["modele"] is False
    assert fetch(f"{address}/ready")[0] == 503
    status, problem = fetch(f"{address}/api/chat", {"texte": "motsecret"})
    assert status == 503 and "essayez à nouveau" in json.loads(problem)["detail"]
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=15)
    assert running.returncode == 0
    rows = [json.loads(line) for line in errors.splitlines()]
    assert {"urgences_absentes", "routeur_absent", "requete"} <= {row["evenement"] for row in rows}
    assert "motsecret" not in errors and "127.0.0.1" not in errors and "Traceback" not in errors


def test_the_workshop_has_its_own_listener_and_ends_with_the_rest(tmp_path: Path) -> None:
    code = "from bot.web.server import run_server; run_server('127.0.0.1', 0, with_agent=False, internal='127.0.0.1:0')"
    environment = {**os.environ, "BOT_RACINE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout is not None
    try:
        public, inside = (re.search(r"http://[\d.]+:\d+", running.stdout.readline()) for _ in range(2))
        assert public and inside
        assert "Entrer dans" in fetch(f"{inside.group()}/atelier/")[1]
        assert fetch(f"{public.group()}/atelier/")[0] == 404
        assert 'assistant_requetes_total{methode="GET",route="inconnue",statut="404"} 1.0' in fetch(f"{inside.group()}/metrics")[1]
        assert fetch(f"{public.group()}/metrics")[0] == 404
        running.send_signal(signal.SIGTERM)
        _, errors = running.communicate(timeout=20)
        assert running.returncode == 0 and "Traceback" not in errors
    finally:
        running.kill()
        running.wait()


@pytest.mark.parametrize("address", ["8001", ":8001", "127.0.0.1:", "127.0.0.1:port", "127.0.0.1:999999"])
def test_a_bad_internal_address_is_told(address: str) -> None:
    with pytest.raises(SettingsError, match="--interne attend"):
        internal_address(address)
    assert internal_address("[::1]:8001") == ("::1", 8001)


def test_the_public_is_served_when_the_workshop_cannot_be(tmp_path: Path) -> None:
    code = "from bot.web.server import run_server; run_server('127.0.0.1', 0, with_agent=False, internal='127.0.0.1:0')"
    environment = {**os.environ, "BOT_RACINE": str(tmp_path), "PYTHONPATH": str(ROOT), "BOT_BASE": "sqlite:////proc/interdit/a.db"}
    log = tmp_path / "journal"
    with log.open("w") as errors:
        running = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert running.stdout is not None
        try:
            public = re.search(r"http://[\d.]+:\d+", running.stdout.readline())
            assert public and fetch(public.group())[0] == 200
            inside = re.search(r"http://[\d.]+:\d+", running.stdout.readline())
            for _ in range(100):
                if "coulisses_absentes" in log.read_text() and "interrupteur_illisible" in log.read_text():
                    break
                time.sleep(0.2)
            assert fetch(public.group())[0] == 200
            assert inside and fetch(f"{inside.group()}/metrics")[0] == 200, "who watches must see it"
            running.send_signal(signal.SIGTERM)
            assert running.wait(20) == 0
        finally:
            running.kill()
            running.communicate()
    found = {json.loads(line)["evenement"] for line in log.read_text().splitlines()}
    assert {"coulisses_absentes", "interrupteur_illisible"} <= found and "Traceback" not in log.read_text()
