"""The workshop's commands, as an administrator types them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bot.cli.main import main


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_BASE", f"sqlite:///{tmp_path}/atelier.db")


def run(monkeypatch: pytest.MonkeyPatch, *words: str, typed: str = "une phrase facile\n") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return main(list(words))


def test_accounts_from_creation_to_closing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "compte", "creer", "ada", "--role", "administrateur") == 0
    assert run(monkeypatch, "compte", "creer", "eva") == 0
    assert run(monkeypatch, "compte", "role", "eva", "--role", "redacteur") == 0
    assert run(monkeypatch, "compte", "mot-de-passe", "eva", typed="une autre phrase\n") == 0
    assert run(monkeypatch, "compte", "desactiver", "eva") == 0
    capsys.readouterr()
    assert run(monkeypatch, "compte", "lister") == 0
    assert capsys.readouterr().out == "ada\tadministrateur\tactif\neva\tredacteur\tdésactivé\n"
    assert run(monkeypatch, "compte", "reactiver", "eva") == 0
    assert run(monkeypatch, "journal", "verifier") == 0
    assert "Journal intact : 6 ligne(s)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("compte", "creer", "eva"), "court\n", "au moins 12 caractères"),
        (("compte", "creer"), "", "Il manque le nom"),
        (("compte", "role", "eva"), "", "Il manque --role"),
        (("compte", "mot-de-passe", "zoe"), "une phrase facile\n", "n'existe pas"),
    ],
)
def test_mistakes_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], typed: str, said: str
) -> None:
    assert run(monkeypatch, *words, typed=typed) == 2
    assert said in capsys.readouterr().err


def test_a_journal_tampered_with_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import sqlite3

    run(monkeypatch, "compte", "creer", "ada")
    with sqlite3.connect(tmp_path / "atelier.db") as connection:
        connection.execute("UPDATE audit SET actor = 'personne'")
    connection.close()
    assert run(monkeypatch, "journal", "verifier") == 1
    assert "casse à la ligne 1" in capsys.readouterr().err


def test_purge_says_what_it_deleted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from bot.staff.inbox.events import TurnEvent
    from bot.staff.inbox.intake import Intake
    from bot.staff.storage import Storage

    Intake(Storage(f"sqlite:///{tmp_path}/atelier.db"))([TurnEvent("a1", 1_600_000_000.0, "un vieux message", "incompris")])
    monkeypatch.setenv("BOT_CONSERVATION_JOURS", "30")
    assert run(monkeypatch, "purge") == 0
    assert "plus de 30 jours effacés : 1 message(s), 0 commentaire(s), 1 groupe(s)" in capsys.readouterr().out
    assert run(monkeypatch, "purge") == 0
    assert "0 message(s)" in capsys.readouterr().out


def test_models_are_listed_and_a_name_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("BOT_MODELES", str(tmp_path))
    assert run(monkeypatch, "modele", "lister") == 0
    assert run(monkeypatch, "modele", "activer") == 2
    assert "Il manque le modèle : bot modele activer" in capsys.readouterr().err
