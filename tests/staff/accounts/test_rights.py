"""What is kept of a visit can be seen and erased by its reference; what others said stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.cli.main import main
from bot.staff.accounts.rights import erase, export, waiting_on_disk
from bot.staff.inbox.events import FeedbackEvent, TurnEvent, to_line
from bot.staff.inbox.inbox import EXPIRED
from bot.staff.inbox.intake import Intake
from bot.staff.schema import audit, groups, turns, votes
from bot.staff.storage import Storage

MINE, OTHER = "a" * 24, "b" * 24
DOOR = {"dis": "population", "service": "titres", "sujet": "passeport", "confiance": 0.3}


def told(number: int, conversation: str, text: str) -> TurnEvent:
    return TurnEvent(f"{conversation[0]}{number}", 1_700_000_000.0 + number, text, "clarifier", (DOOR,), conversation=conversation)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    found = Storage(f"sqlite:///{tmp_path}/atelier.db")
    Intake(found)(
        [
            told(1, MINE, "mon passeport est perdu depuis hier"),
            told(2, MINE, "il y a une vache sur la route"),
            told(3, OTHER, "mon passeport est perdu depuis hier"),
            FeedbackEvent("a1", 1_700_000_010.0, False, "autre", "rien compris"),
        ]
    )
    return found


def test_everything_kept_is_exported(storage: Storage) -> None:
    kept = export(storage, MINE)
    assert kept is not None
    assert [e["message"] for e in kept["echanges"]] == ["mon passeport est perdu depuis hier", "il y a une vache sur la route"]
    assert kept["echanges"][0]["avis"]["commentaire"] == "rien compris" and kept["echanges"][0]["portes"] == [DOOR]
    assert json.dumps(kept)
    assert export(storage, "c" * 24) is None


def test_erasing_leaves_counts_and_the_words_of_others(storage: Storage) -> None:
    done = erase(storage, MINE, "essai")
    assert done is not None and (done.exchanges, done.messages, done.comments) == (2, 2, 1)
    assert export(storage, MINE) is None and erase(storage, MINE, "essai") is None
    with storage.read() as connection:
        rows = connection.execute(select(turns).order_by(turns.c.at)).all()
        assert len(rows) == 3 and [r.text for r in rows] == [None, None, "mon passeport est perdu depuis hier"]
        assert len({r.conversation for r in rows}) == 2, "the visit is still counted as one"
        assert connection.execute(select(votes.c.comment)).scalar() is None
        texts = {row.text: row.state for row in connection.execute(select(groups))}
        assert texts == {"mon passeport est perdu depuis hier": "ouvert", None: EXPIRED}
        assert "vache" not in repr(connection.execute(select(audit)).all())


def test_events_that_wait_are_told(tmp_path: Path) -> None:
    spool = tmp_path / "attente"
    assert waiting_on_disk(spool, MINE) == 0
    spool.mkdir()
    (spool / "1-x.attente").write_text(to_line(told(9, MINE, "x")) + "\n" + to_line(told(9, OTHER, "x")) + "\n", encoding="utf-8")
    assert waiting_on_disk(spool, MINE) == 1


def test_the_command(storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("BOT_BASE", f"sqlite:///{tmp_path}/atelier.db")
    monkeypatch.setenv("BOT_RACINE", str(tmp_path))
    assert main(["conversation", "exporter", MINE]) == 0
    assert json.loads(capsys.readouterr().out)["reference"] == MINE
    assert main(["conversation", "effacer", MINE]) == 0
    assert "2 message(s), 1 commentaire(s)" in capsys.readouterr().out
    assert main(["conversation", "exporter", MINE]) == 1
    assert "Rien n'est gardé" in capsys.readouterr().err
    assert main(["conversation", "effacer", "../x"]) == 2
    assert "24 chiffres" in capsys.readouterr().err
