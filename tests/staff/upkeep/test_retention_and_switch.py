"""Old words go and labels stay; the off switch reaches every reader and is journalled."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.base.errors import StorageError, SwitchError
from bot.base.paths import ProjectPaths
from bot.staff.accounts import audit
from bot.staff.inbox.events import FeedbackEvent, TurnEvent
from bot.staff.inbox.inbox import ATTACHED, EXPIRED, OPEN, Inbox
from bot.staff.inbox.intake import Intake
from bot.staff.schema import groups, labels, turns, votes
from bot.staff.storage import Storage
from bot.staff.upkeep.keeper import Keeper
from bot.staff.upkeep.notice import Notice, Switch
from bot.staff.upkeep.retention import DAY, Purged, purge
from bot.staff.upkeep.switch import read_notice, write_notice

NOW = 1_790_000_000.0
TOPICS = {"vidange_etang": "Vider un étang"}


class Silent:
    """A corpus that takes everything."""

    def add_phrases(self, topic: str, texts: Sequence[str], author: str) -> None:
        """Take."""

    def remove_phrase(self, topic: str, text: str, author: str) -> None:
        """Take back."""

    def phrases(self, topic: str) -> tuple[str, ...]:
        return ()


def turn(identifier: str, text: str, days: float) -> TurnEvent:
    return TurnEvent(identifier, NOW - days * DAY, text, "incompris")


def test_what_was_drawn_to_be_checked_goes_after_a_week(storage: Storage) -> None:
    sure = [TurnEvent(f"s{n}", NOW - n * DAY, f"{word} et son étang", "orienter", drawn=True) for n, word in ((8, "zébu"), (6, "grue"))]
    Intake(storage)([*sure, turn("a1", "permis pour ma tante", 8)])
    assert purge(storage, 90, "atelier", NOW) == Purged(messages=1, comments=0, groups=1)
    with storage.read() as connection:
        assert set(connection.execute(select(turns.c.text)).scalars()) == {None, "grue et son étang", "permis pour ma tante"}
        assert set(connection.execute(select(groups.c.state)).scalars()) == {EXPIRED, "controle", OPEN}


def test_words_older_than_the_limit_go_and_everything_else_stays(storage: Storage) -> None:
    inbox = Inbox(storage, Silent(), TOPICS, clock=lambda: NOW)
    old = turn("a1", "vider mon étang", 91)
    Intake(storage)([old, turn("a2", "zébu et wagon", 91), turn("a3", "permis pour ma grue", 89)])
    Intake(storage)(
        [FeedbackEvent("a1", NOW - 91 * DAY, False, "autre", "un mot de trop"), FeedbackEvent("a3", NOW, False, None, "récent")]
    )
    first = next(g for g in inbox.page()[0] if g.text == "vider mon étang")
    inbox.attach(first.id, "vidange_etang", "remi")
    assert purge(storage, 90, "atelier", NOW) == Purged(messages=2, comments=1, groups=2)
    with storage.read() as connection:
        assert connection.execute(select(turns.c.text).where(turns.c.text.is_not(None))).scalars().all() == ["permis pour ma grue"]
        assert connection.execute(select(votes.c.comment).where(votes.c.comment.is_not(None))).scalars().all() == ["récent"]
        assert connection.execute(select(func.count()).select_from(turns)).scalar() == 3
        assert connection.execute(select(labels.c.author)).scalars().all() == ["remi"]
        assert connection.execute(select(func.count()).select_from(groups)).scalar() == 3
    kept = inbox.get(first.id)
    assert (kept.state, kept.topic, kept.labelled_by, kept.text) == (ATTACHED, "vidange_etang", "remi", None)
    assert inbox.counts()[EXPIRED] == 1 and inbox.counts()[OPEN] == 1
    line = audit.entries(storage)[0][0]
    assert (line.action, line.details["messages"]) == ("purge", 2)
    assert purge(storage, 90, "atelier", NOW).total == 0
    assert audit.entries(storage, action="purge")[1] == 1


def test_no_trace_of_deleted_words_stays_in_the_file(storage: Storage, tmp_path: Path) -> None:
    Intake(storage)([turn("a1", "zorglubique requête", 91)])
    purge(storage, 90, "atelier", NOW)
    with storage.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    storage.close()
    assert b"zorglubique" not in (tmp_path / "atelier.db").read_bytes()


def test_an_expired_message_comes_back_with_the_next_like_it(storage: Storage) -> None:
    inbox = Inbox(storage, Silent(), TOPICS)
    Intake(storage)([turn("a1", "zébu et wagon", 91)])
    purge(storage, 90, "atelier", NOW)
    assert inbox.page()[1] == 0
    Intake(storage)([turn("a2", "wagon et zébu", 0)])
    (group,) = inbox.page()[0]
    assert (group.text, group.count, group.state) == ("wagon et zébu", 2, OPEN)


def test_the_keeper_purges_and_ranks_by_itself(storage: Storage, tmp_path: Path) -> None:
    corpus = tmp_path / "projet" / "data" / "nlu"
    corpus.mkdir(parents=True)
    text = 'version: "3.1"\nnlu:\n- intent: vidange_etang\n  examples: |\n    - vider mon étang\n'
    (corpus / "a.yml").write_text(text, encoding="utf-8")
    inbox = Inbox(storage, Silent(), TOPICS)
    old = TurnEvent("a0", time.time() - 100 * DAY, "très vieux message", "incompris")
    Intake(storage)([old, TurnEvent("a1", time.time(), "vider mon grand étang", "incompris")])
    keeper = Keeper(storage, ProjectPaths(tmp_path / "projet"), 90, lambda: inbox, seconds=0.02, reindex_seconds=0)
    keeper.start()
    end = time.monotonic() + 10
    while time.monotonic() < end and (inbox.counts()[EXPIRED] == 0 or inbox.page()[0][0].novelty is None):
        time.sleep(0.02)
    (group,) = inbox.page()[0]
    assert 0 < (group.novelty or 0) < 1 and group.suggestions == ("vidange_etang",) and inbox.counts()[EXPIRED] == 1
    (corpus / "a.yml").write_text(text + "    - vider mon grand étang\n", encoding="utf-8")
    while time.monotonic() < end and inbox.counts()[ATTACHED] == 0:
        time.sleep(0.02)
    keeper.stop()
    assert inbox.counts()[ATTACHED] == 1


# --- the switch


def test_the_switch_is_off_at_first_and_kept(storage: Storage) -> None:
    assert read_notice(storage) == Notice()
    write_notice(storage, True, "  Guichet   fermé lundi. ", "ada")
    found = read_notice(storage)
    assert (found.phone_only, found.banner, found.author) == (True, "Guichet fermé lundi.", "ada") and found.at > 0


def test_each_change_is_journalled_once(storage: Storage) -> None:
    for phone_only, banner in ((True, ""), (True, "Fermé."), (True, "Fermé."), (False, "")):
        write_notice(storage, phone_only, banner, "ada")
    lines = [(e.action, e.target or e.details.get("texte")) for e in reversed(audit.entries(storage)[0])]
    assert lines == [("mode", "téléphone seulement"), ("bandeau", "Fermé."), ("mode", "normal"), ("bandeau", "(retiré)")]


@pytest.mark.parametrize("banner", ["x" * 281, "appelez le 05 65 00 00 00", "écrivez à a.b@exemple.fr"])
def test_a_banner_that_will_not_do_is_refused(storage: Storage, banner: str) -> None:
    with pytest.raises(SwitchError, match="bandeau"):
        write_notice(storage, False, banner, "ada")
    assert read_notice(storage) == Notice()


def test_every_process_follows_and_keeps_the_last_state_when_the_database_is_away(storage: Storage, monkeypatch: Any) -> None:
    first, second = (Switch(lambda: read_notice(storage), 0.02) for _ in range(2))
    first.start()
    second.start()
    write_notice(storage, True, "Fermé.", "ada")
    end = time.monotonic() + 5
    while time.monotonic() < end and not (first.current.phone_only and second.current.phone_only):
        time.sleep(0.01)
    assert first.current.phone_only and second.current.banner == "Fermé."
    first.stop()
    second.stop()

    def away() -> Any:
        raise StorageError("loin")

    monkeypatch.setattr(storage, "read", away)
    first.refresh()
    assert first.current.phone_only
