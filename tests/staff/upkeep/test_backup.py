"""A backup comes back whole, in another tree and another database; a damaged one touches nothing."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.base.errors import StorageError
from bot.base.paths import ProjectPaths
from bot.cli.main import main
from bot.staff.accounts.accounts import Accounts, Role
from bot.staff.accounts.audit import verify
from bot.staff.inbox.events import FeedbackEvent, TurnEvent
from bot.staff.inbox.intake import Intake
from bot.staff.schema import accounts, groups, turns, votes, web_sessions
from bot.staff.storage import Storage
from bot.staff.upkeep import backup
from bot.staff.upkeep.backup import create, restore

DOOR = {"dis": "population", "service": "titres", "sujet": "passeport", "confiance": 0.3}


def tree(folder: Path) -> tuple[ProjectPaths, Storage]:
    folder.mkdir(exist_ok=True)
    return ProjectPaths(folder), Storage(f"sqlite:///{folder}/atelier.db")


@pytest.fixture
def living(tmp_path: Path) -> tuple[ProjectPaths, Storage]:
    paths, storage = tree(tmp_path / "vivant")
    (paths.root / "data" / "nlu").mkdir(parents=True)
    (paths.root / "data" / "nlu" / "é.yml").write_text("bonjour é\n", encoding="utf-8")
    (paths.variable / "attente").mkdir(parents=True)
    (paths.variable / "attente" / "1-a.attente").write_text("{}\n", encoding="utf-8")
    Accounts(storage).create("ada", Role.ADMINISTRATOR, "une phrase facile", "essai")
    Intake(storage)([TurnEvent(f"t{n}", 1.0 + n, f"message {n} é", "clarifier", (DOOR,), conversation="c") for n in range(3)])
    Intake(storage)([FeedbackEvent("t1", 9.0, False, "autre", "non")])
    return paths, storage


def rows(storage: Storage) -> list[object]:
    with storage.read() as connection:
        return [connection.execute(select(table).order_by(*table.primary_key)).all() for table in (accounts, groups, turns, votes)]


def test_a_backup_comes_back_whole_elsewhere(living: tuple[ProjectPaths, Storage], tmp_path: Path) -> None:
    saved = create(tmp_path / "s.tar.gz", living[1], living[0])
    assert (tmp_path / "s.tar.gz").stat().st_mode & 0o077 == 0
    paths, storage = tree(tmp_path / "neuf")
    back, aside = restore(tmp_path / "s.tar.gz", storage, paths)
    assert back == saved and aside is None
    assert rows(storage) == rows(living[1])
    assert (paths.root / "data" / "nlu" / "é.yml").read_text(encoding="utf-8") == "bonjour é\n"
    assert len(list((paths.variable / "attente").glob("restauration-*.attente"))) == 1
    assert verify(storage).broken is None
    Accounts(storage).create("eva", Role.READER, "une phrase facile", "essai")
    assert list(paths.root.glob(".restauration-*")) == []


def test_nothing_is_overwritten_without_asking(living: tuple[ProjectPaths, Storage], tmp_path: Path) -> None:
    target = tmp_path / "s.tar.gz"
    create(target, living[1], living[0])
    with pytest.raises(StorageError, match="existe déjà"):
        create(target, living[1], living[0])
    create(target, living[1], living[0], replace=True)
    (living[0].root / "data" / "nlu" / "é.yml").write_text("changé", encoding="utf-8")
    with pytest.raises(StorageError, match="--remplacer"):
        restore(target, living[1], living[0])
    assert (living[0].root / "data" / "nlu" / "é.yml").read_text(encoding="utf-8") == "changé"
    before = rows(living[1])
    with living[1].write() as connection:
        connection.execute(turns.delete())
    _, aside = restore(target, living[1], living[0], replace=True)
    assert rows(living[1]) == before and aside is not None
    assert (aside / "nlu" / "é.yml").read_text(encoding="utf-8") == "changé"
    with living[1].read() as connection:
        assert connection.execute(select(web_sessions)).all() == []


def changed(source: Path, target: Path, name: str, content: bytes, add: str = "") -> None:
    """Copy an archive with one member changed, or one more."""
    with tarfile.open(source) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            data = content if member.name == name else old.extractfile(member).read()  # type: ignore[union-attr]
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
        if add:
            member = tarfile.TarInfo(add)
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize("how", ["cut", "changed", "outside", "link", "text", "missing", "newer"])
def test_a_damaged_backup_is_refused_and_touches_nothing(how: str, living: tuple[ProjectPaths, Storage], tmp_path: Path) -> None:
    good, bad = tmp_path / "s.tar.gz", tmp_path / "mauvais.tar.gz"
    create(good, living[1], living[0])
    if how == "cut":
        bad.write_bytes(good.read_bytes()[:-200])
    elif how == "changed":
        changed(good, bad, "base/turns.jsonl", b"{}\n")
    elif how == "outside":
        changed(good, bad, "", b"x", add="data/../../evade.txt")
    elif how == "link":
        with tarfile.open(bad, "w:gz") as archive:
            member = tarfile.TarInfo("data/lien")
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(member)
    elif how == "text":
        bad.write_text("bonjour", encoding="utf-8")
    elif how == "newer":
        with tarfile.open(good) as archive:
            manifest = archive.extractfile("manifeste.json").read()  # type: ignore[union-attr]
        changed(good, bad, "manifeste.json", manifest.replace(b'"format": 1', b'"format": 9'))
    before = rows(living[1])
    with pytest.raises(StorageError):
        restore(bad, living[1], living[0], replace=True)
    assert rows(living[1]) == before
    assert not (tmp_path / "evade.txt").exists()
    assert (living[0].root / "data" / "nlu" / "é.yml").exists()


def test_a_folder_that_cannot_be_moved_leaves_the_database(
    living: tuple[ProjectPaths, Storage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(tmp_path / "s.tar.gz", living[1], living[0])
    with living[1].write() as connection:
        connection.execute(turns.delete())

    def refuse(_: Path) -> Path:
        raise PermissionError(13, "refusé")

    monkeypatch.setattr(backup, "finish_restored_files", refuse)
    with pytest.raises(StorageError, match="rien n'a été changé"):
        restore(tmp_path / "s.tar.gz", living[1], living[0], replace=True)
    with living[1].read() as connection:
        assert connection.execute(select(turns)).all() == []


def test_the_command(
    living: tuple[ProjectPaths, Storage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOT_RACINE", str(living[0].root))
    monkeypatch.setenv("BOT_BASE", f"sqlite:///{living[0].root}/atelier.db")
    target = str(tmp_path / "s.tar.gz")
    assert main(["sauvegarde", "creer", target]) == 0
    assert main(["sauvegarde", "restaurer", target]) == 2
    assert "--remplacer" in capsys.readouterr().err
    assert main(["sauvegarde", "restaurer", target, "--remplacer"]) == 0
    assert "data.avant-" in capsys.readouterr().out
    assert main(["sauvegarde", "restaurer", str(tmp_path / "absent")]) == 2
    shutil.rmtree(tmp_path / "vivant")
