"""Keys of the partner API: hashed, found, revoked at once, kept in a private file."""

from __future__ import annotations

import json
import os
import re
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.staff.accounts.api_keys import JsonKeyStore, KeyStoreError, check_key, create_key, revoke_key

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> JsonKeyStore:
    return JsonKeyStore(tmp_path / "dossier" / "cles.json")


def test_a_key_opens_and_its_secret_is_nowhere(store: JsonKeyStore, tmp_path: Path) -> None:
    key, record = create_key(store, "  Mairie de   Figeac ", 600, NOW)
    assert re.fullmatch(r"cle_[0-9a-f]{8}_[\w-]{43}", key)
    assert (record.nom, record.par_minute, record.cree_le) == ("Mairie de Figeac", 600, "2026-03-01T09:30:00+00:00")
    assert check_key(store, key) == record
    path = tmp_path / "dossier" / "cles.json"
    assert key.split("_", 2)[2] not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_wrong_key_does_not_open(store: JsonKeyStore) -> None:
    key, record = create_key(store, "A", 0, NOW)
    last = "A" if key[-1] != "A" else "B"
    for wrong in ("", "x", key[:-1], key + "A", key[:-1] + last, key.upper(), f"cle_{record.id}_", f"cle_00000000_{key[13:]}", f" {key}"):
        assert check_key(store, wrong) is None, wrong


def test_revoking_takes_effect_for_another_process_at_once(store: JsonKeyStore, tmp_path: Path) -> None:
    key, record = create_key(store, "A", 0, NOW)
    server = JsonKeyStore(tmp_path / "dossier" / "cles.json")
    assert check_key(server, key) is not None
    assert revoke_key(store, record.id, NOW).retire_le
    assert check_key(server, key) is None
    assert revoke_key(store, key, datetime.now(UTC)).retire_le == "2026-03-01T09:30:00+00:00", "the first date stays"
    other, _ = create_key(store, "B", 0, NOW)
    assert check_key(server, other) is not None
    (tmp_path / "dossier" / "cles.json").unlink()
    assert check_key(server, other) is None


def test_keys_made_together_are_all_kept(store: JsonKeyStore, tmp_path: Path) -> None:
    def make() -> None:
        create_key(JsonKeyStore(tmp_path / "dossier" / "cles.json"), "A", 0, NOW)

    threads = [threading.Thread(target=make) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.all()) == 12
    assert [p.name for p in (tmp_path / "dossier").iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("text", ["", "[]", '{"cles": [{"id": "x"}]}', '{"cles": 3}', "\x00"])
def test_a_damaged_file_is_said_and_never_replaced(store: JsonKeyStore, tmp_path: Path, text: str) -> None:
    path = tmp_path / "dossier" / "cles.json"
    path.parent.mkdir()
    path.write_text(text)
    for act in (store.all, lambda: create_key(store, "A", 0, NOW), lambda: revoke_key(store, "00000000", NOW)):
        with pytest.raises(KeyStoreError, match="abîmé"):
            act()
    assert path.read_text() == text


@pytest.mark.parametrize(("name", "per_minute"), [("", 1), ("  ", 1), ("a" * 81, 1), ("A\x07B", 1), ("A", -1), ("A", 1_000_001)])
def test_names_and_limits_are_checked(store: JsonKeyStore, name: str, per_minute: int) -> None:
    with pytest.raises(KeyStoreError):
        create_key(store, name, per_minute, NOW)


def test_an_unknown_identifier_is_said(store: JsonKeyStore) -> None:
    with pytest.raises(KeyStoreError, match="bot cles lister"):
        revoke_key(store, "deadbeef", NOW)


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "fichier").write_text("")
    with pytest.raises(KeyStoreError, match="ne peut pas"):
        create_key(JsonKeyStore(tmp_path / "fichier" / "cles.json"), "A", 0, NOW)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("BOT_CLES", raising=False)
    assert main(["cles", "lister"]) == 2 and "BOT_CLES" in capsys.readouterr().err
    path = tmp_path / "cles.json"
    monkeypatch.setenv("BOT_CLES", str(path))
    assert main(["cles", "lister"]) == 0 and capsys.readouterr().out == "Aucune clé.\n"
    assert main(["cles", "creer", "--nom", "Mairie de Figeac", "--par-minute", "50"]) == 0
    out = capsys.readouterr()
    key = out.out.strip()
    assert "jamais affichée" in out.err and check_key(JsonKeyStore(path), key)
    assert main(["cles", "lister"]) == 0
    listed = capsys.readouterr().out
    assert "Mairie de Figeac  50 par minute" in listed and "valable" in listed and key[13:] not in listed
    assert main(["cles", "retirer", key.split("_")[1]]) == 0 and "retirée" in capsys.readouterr().out
    assert check_key(JsonKeyStore(path), key) is None
    assert main(["cles", "lister"]) == 0 and "retirée le" in capsys.readouterr().out
    assert main(["cles", "retirer", "zz"]) == 2
    assert json.loads(path.read_text())["cles"][0]["nom"] == "Mairie de Figeac" and os.path.exists(path)
