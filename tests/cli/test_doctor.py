"""Each thing that can be wrong is told with its remedy; nothing wrong hides anything else."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

import pytest

from bot.base.paths import ProjectPaths
from bot.cli.doctor import Finding, Health, examine
from bot.cli.main import main
from bot.staff.storage import Storage, database_url


def about(findings: list[Finding], words: str) -> list[Finding]:
    return [f for f in findings if words in f.about]


@pytest.fixture
def bare(tmp_path: Path) -> ProjectPaths:
    """A tree with nothing in it."""
    return ProjectPaths(tmp_path)


def test_an_empty_tree_is_told_whole(bare: ProjectPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOT_MODELES", raising=False)
    findings = examine(bare, {})
    assert {f.about for f in findings if f.health is Health.BROKEN} == {"référentiel", "fichiers", "modèle du routeur", "archive Rasa"}
    (models,) = about(findings, "modèle du routeur")
    assert "bot train" in models.said
    (files,) = about(findings, "fichiers")
    assert "config.yml" in files.said and "git" in files.said


def test_the_real_referential_is_fine(paths: ProjectPaths) -> None:
    (found,) = about(examine(paths, {}), "référentiel")
    assert found.health is Health.FINE


@pytest.mark.parametrize(
    ("environment", "name", "health", "words"),
    [
        ({"BOT_DEBIT_MINUTE": "abc"}, "réglages", Health.BROKEN, "BOT_DEBIT_MINUTE"),
        ({"BOT_HTTPS": "oui"}, "BOT_MANDATAIRES", Health.WARNING, "BOT_MANDATAIRES=1"),
        ({}, "BOT_HTTPS", Health.WARNING, "HTTPS"),
        ({"BOT_DEBIT_HEURE": "0"}, "BOT_DEBIT_MINUTE", Health.WARNING, "saturer"),
        ({"BOT_REDIS": "redis://127.0.0.1:1/0"}, "Redis", Health.BROKEN, "BOT_REDIS"),
        ({"BOT_BASE": "postgresql://x:y@127.0.0.1:1/z"}, "base de l'atelier", Health.BROKEN, "base"),
    ],
)
def test_a_setting(bare: ProjectPaths, environment: dict[str, str], name: str, health: Health, words: str) -> None:
    (found,) = about(examine(bare, environment), name)
    assert found.health is health and words in found.said


def test_good_settings_say_nothing_more(bare: ProjectPaths) -> None:
    findings = examine(bare, {"BOT_HTTPS": "oui", "BOT_MANDATAIRES": "1"})
    assert about(findings, "BOT_") == []


def test_no_secret_is_shown(bare: ProjectPaths) -> None:
    findings = examine(bare, {"BOT_BASE": "postgresql://moi:motdepasse@127.0.0.1:1/z", "BOT_REDIS": "redis://:motdepasse@127.0.0.1:1/0"})
    assert "motdepasse" not in " ".join(f.said for f in findings)


def test_a_port_that_is_taken(bare: ProjectPaths) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert about(examine(bare, {}, port), "port")[0].health is Health.WARNING
    assert about(examine(bare, {}, port), "port")[0].health is Health.FINE


def kept(paths: ProjectPaths, name: str) -> list[Finding]:
    return about(examine(paths, {}), name)


def test_the_database_file_is_read(bare: ProjectPaths) -> None:
    assert kept(bare, "base de l'atelier")[0].health is Health.FINE
    storage = Storage(database_url("", bare))
    storage.migrate()
    storage.close()
    (found,) = kept(bare, "base de l'atelier")
    assert found.health is Health.FINE and "sans défaut" in found.said
    path = bare.variable / "atelier.db"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 20_000)
    (found,) = kept(bare, "base de l'atelier")
    assert found.health is Health.BROKEN and "sauvegarde" in found.said


def test_events_that_wait_too_long_are_told(bare: ProjectPaths) -> None:
    assert kept(bare, "échanges en attente")[0].said == "rien n'attend"
    (bare.variable / "attente").mkdir(parents=True)
    path = bare.variable / "attente" / "1-aa.attente"
    path.write_text("{}\n")
    path.chmod(0o600)
    assert kept(bare, "échanges en attente")[0].health is Health.FINE
    os.utime(path, (time.time() - 3_600,) * 2)
    (found,) = kept(bare, "échanges en attente")
    assert found.health is Health.WARNING and "dont 1 d'un processus arrêté" in found.said


def test_a_clock_behind_what_was_written_is_told(bare: ProjectPaths) -> None:
    assert kept(bare, "horloge")[0].health is Health.FINE
    bare.config.write_text("")
    os.utime(bare.config, (time.time() + 7_200,) * 2)
    (found,) = kept(bare, "horloge")
    assert found.health is Health.BROKEN and "NTP" in found.said


@pytest.mark.parametrize(("name", "mode"), [("var/atelier.db", 0o644), ("var/attente/1-aa.attente", 0o640), ("models", 0o777)])
def test_what_others_may_read_or_write_is_told(bare: ProjectPaths, name: str, mode: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOT_MODELES", raising=False)
    path = bare.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir() if name == "models" else path.touch()
    path.chmod(mode)
    (found,) = kept(bare, "droits")
    assert found.health is Health.BROKEN and str(path) in found.said and "chmod" in found.said
    path.chmod(0o700)
    assert kept(bare, "droits")[0].health is Health.FINE


def test_the_command(bare: ProjectPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("BOT_RACINE", str(bare.root))
    assert main(["doctor"]) == 1
    assert "[erreur] référentiel" in capsys.readouterr().out
    assert main(["doctor", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert {row["etat"] for row in rows} <= {"bien", "attention", "erreur"}
