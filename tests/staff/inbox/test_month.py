"""The sheet of a month, on a month made by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from bot.referential.hours import PARIS
from bot.staff.accounts import audit
from bot.staff.inbox.events import FeedbackEvent, TurnEvent
from bot.staff.inbox.intake import Intake
from bot.staff.inbox.month import Asked, FellBack, Taught, days_of, fell_back, sheet_of
from bot.staff.inbox.statistics import Cell
from bot.staff.storage import Storage

DOOR = {"dis": "population", "service": "titres", "sujet": "passeport", "confiance": 0.9}


def at(day: int, hour: int = 12, month: int = 10) -> float:
    return datetime(2026, month, day, hour, tzinfo=PARIS).timestamp()


def turn(name: str, day: int, kind: str = "orienter", visit: str = "", text: str = "", month: int = 10, hour: int = 12) -> TurnEvent:
    doors = (DOOR,) if kind == "orienter" else ()
    return TurnEvent(name, at(day, hour, month), text, kind, doors, conversation=visit or name)


@pytest.fixture
def journal(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Any:
    def write(day: int, action: str, target: str = "", month: int = 10, hour: int = 12, **details: Any) -> None:
        monkeypatch.setattr(audit.time, "time", lambda: at(day, hour, month))
        with storage.write() as connection:
            audit.record(connection, "remi", action, target, details)

    return write


def test_each_figure_is_what_its_definition_says(storage: Storage, journal: Any) -> None:
    journal(30, "phrase_ajoutee", "passeport", month=9, phrases=9)  # the month before
    journal(5, "phrase_ajoutee", "passeport", phrases=3)
    journal(9, "phrase_ajoutee", "passeport", phrases=1)
    journal(9, "message_rattache", "passeport", message=1)
    journal(10, "phrase_ajoutee", "ruches", phrases=2)
    journal(11, "lot_publie", "Lot", lot="1", gestes=[["sujet_cree", "ruches"], ["sujet_modifie", "passeport"]])
    journal(12, "lot_publie", "Lot", lot="2", gestes=[["sujet_cree", "drones"]])
    journal(13, "modele_active", "a")
    journal(14, "modele_retour", "b")
    journal(31, "modele_force", "c", hour=23)
    journal(1, "lot_annule", "Lot", month=11, hour=0, lot="2")  # taken back since, but in November
    Intake(storage)(
        [
            turn("avant", 4),  # before it was taught
            turn("aide", 6, visit="v1"), turn("question", 6, "clarifier", "v1", "quelle carte"),
            turn("non", 7, visit="v2"), FeedbackEvent("non", at(7), False),
            turn("redite", 7, visit="v2"), turn("encore_aide", 7, visit="v1"),
            turn("oui", 8, visit="v3"), FeedbackEvent("oui", at(8), True),
            turn("perdu", 20, "incompris", "v4", "des ruches au fond du pré"),
            turn("encore", 21, "incompris", "v5", "des ruches au fond du pré"), FeedbackEvent("encore", at(21), False),
            turn("urgence", 31, "urgence", "v6", hour=23),
            turn("demain", 1, "incompris", "v7", "le prix des nuages", month=11, hour=0),
        ]
    )  # fmt: skip
    m = sheet_of(storage, "2026-10")
    assert (m.phrases, m.attached, m.topics, m.models, m.back) == (6, 1, ("ruches",), 2, 1)
    assert (m.visits, m.helped, m.thanked) == (7, 4, 1)  # avant, v1, v3, v6: not v2, who said no
    assert m.taught == (Taught("passeport", 4, 5, 2, 1, 1), Taught("ruches", 2, 0, 0, 0, 0))  # v1 and v3: twice in v1
    assert m.asked == (Asked(2, "des ruches au fond du pré", 2, 1), Asked(1, "quelle carte", 1, 0)) and m.asked_messages == 3
    assert (m.summary.requests, m.summary.answered, m.before.requests) == (10, 7, 0)
    assert m.fell_back == ()


def test_a_topic_falls_back_with_enough_votes_on_both_sides_and_a_clear_rise() -> None:
    def cells(**votes: tuple[int, int]) -> list[Cell]:
        return [Cell("2026-10-01", "orienter", "d", "s", topic, up=up, down=down) for topic, (up, down) in votes.items()]

    before = cells(a=(9, 1), b=(9, 1), c=(4, 0), d=(5, 5), e=(10, 0))
    after = cells(a=(8, 2), b=(81, 18), c=(1, 4), d=(9, 1), e=(0, 10))
    assert fell_back(before, after) == (FellBack("e", 0.0, 1.0), FellBack("a", 0.1, 0.2))


def test_months_have_their_own_length() -> None:
    assert (days_of("2028-02"), days_of("2026-12")) == (("2028-02-01", "2028-02-29"), ("2026-12-01", "2026-12-31"))
    for wrong in ("2026-13", "2026", "x"):
        with pytest.raises(ValueError, match=r"month|isoformat"):
            days_of(wrong)


def test_a_day_made_by_hand_counts_visits_and_says_so(storage: Storage, journal: Any) -> None:
    """Nine answers, four visits: what helps is a visit, whatever its number of answers."""
    journal(2, "phrase_ajoutee", "passeport", phrases=1, hour=8)
    Intake(storage)(
        [
            *(turn(f"bavard{i}", 2, visit="bavard") for i in range(6)),
            turn("court", 2, visit="court"),
            turn("mécontent", 2, visit="mécontent"), FeedbackEvent("mécontent", at(2), False),
            turn("perdu", 2, "incompris", "perdu", "le prix des nuages"),
        ]
    )  # fmt: skip
    m = sheet_of(storage, "2026-10")
    assert (m.visits, m.helped, m.thanked) == (4, 2, 0)
    assert m.taught == (Taught("passeport", 1, 8, 2, 0, 1),)
    assert m.summary.answered_share == pytest.approx(8 / 9) and m.summary.not_understood_share == pytest.approx(1 / 9)
