"""The dashboard's measures, on a table made by hand."""

from __future__ import annotations

import pytest

from bot.staff.inbox.events import FeedbackEvent, TurnEvent
from bot.staff.inbox.intake import Intake
from bot.staff.inbox.statistics import Cell, by_day, by_place, daily_rows, days_between, doors_given, open_rows, share, summarize
from bot.staff.inbox.traffic import cells_between, conversations_between, more_doors
from bot.staff.storage import Storage

DAY1, DAY2 = "2026-03-01", "2026-03-03"
TABLE = (
    # day, kind, dis, service, topic, place, pressed, count, up, down
    Cell(DAY1, "orienter", "population", "titres", "passeport", "Cahors", False, 10, 3, 1),
    Cell(DAY1, "hors_perimetre", "hors_perimetre", "mairie", "etat_civil", "Figeac", False, 4),
    Cell(DAY1, "clarifier", "population", "titres", "passeport", "Cahors", False, 3, 0, 1),
    Cell(DAY1, "incompris", count=2),
    Cell(DAY1, "conversation", count=5),
    Cell(DAY2, "orienter", "territoire", "veterinaire", "chien", "Figeac", True, 3),
    Cell(DAY2, "orienter", "territoire", "", "", "", False, 1),
    Cell(DAY2, "urgence", count=1),
    Cell(DAY2, "sans_decision", count=7),
)


def test_the_summary_of_the_table() -> None:
    found = summarize(TABLE)
    assert (found.exchanges, found.messages) == (36, 33)  # 3 buttons pressed
    assert (found.requests, found.answered, found.clarified, found.not_understood) == (21, 16, 3, 2)
    assert found.doors == 10 + 4 + 3 + 1 and found.emergencies == 1
    assert found.answered_share == pytest.approx(16 / 21)
    assert found.satisfaction == pytest.approx(3 / 5)
    assert sum((found.answered_share or 0, found.clarified_share or 0, found.not_understood_share or 0)) == pytest.approx(1)


def test_nothing_divides_by_nothing() -> None:
    empty = summarize([])
    assert empty.answered_share is empty.satisfaction is None and share(0, 0) is None and share(1, 4) == 0.25


def test_every_day_is_there_even_without_traffic() -> None:
    days = by_day(TABLE, "2026-02-28", "2026-03-03")
    assert [(day, s.requests) for day, s in days.items()] == [("2026-02-28", 0), (DAY1, 19), ("2026-03-02", 0), (DAY2, 2)]
    assert days_between("2026-03-02", "2026-03-01") == [] and len(days_between("2024-02-28", "2024-03-01")) == 3


def test_places_come_by_traffic_and_unknown_last() -> None:
    assert {place: s.exchanges for place, s in by_place(TABLE).items()} == {"Cahors": 13, "Figeac": 7, "": 16}
    assert list(by_place(TABLE)) == ["Cahors", "Figeac", ""]


def test_doors_are_counted_at_each_level() -> None:
    assert doors_given(TABLE, "dis") == {"population": 10, "hors_perimetre": 4, "territoire": 4}
    assert doors_given(TABLE, "service") == {"titres": 10, "mairie": 4, "veterinaire": 3}
    assert doors_given(TABLE, "topic") == {"passeport": 10, "etat_civil": 4, "chien": 3}


def test_the_daily_file_adds_up() -> None:
    heading, *rows = daily_rows(by_day(TABLE, DAY1, DAY2))
    assert heading[0] == "jour" and len({len(heading), *map(len, rows)}) == 1
    assert rows[0] == ("2026-03-01", "24", "24", "19", "14", "3", "2", "14", "0", "3", "2")


def test_small_cells_are_never_published() -> None:
    heading, *rows = open_rows(TABLE, {"titres": "Le service des titres"})
    assert heading == ("mois", "arrondissement", "delegation", "service", "nom_du_service", "decision", "nombre")
    assert ("2026-03", "Cahors", "population", "titres", "Le service des titres", "orienter", "10") in rows
    small = [row for row in rows if row[-1] == "< 5"]
    assert len(small) == len(rows) - 1 and all(row[-1] == "< 5" or int(row[-1]) >= 5 for row in rows)
    assert not any("conversation" in row or "passeport" in row for row in rows)


def test_cells_below_five_are_added_before_being_hidden() -> None:
    rows = open_rows([Cell("2026-03-01", "orienter", "a", "b", "x", count=3), Cell("2026-03-02", "orienter", "a", "b", "y", count=3)], {})
    assert rows[1][-1] == "6"


def test_the_database_counts_the_same(storage: Storage) -> None:
    at = 1_772_366_400.0  # 2026-03-01, noon UTC
    door = {"dis": "population", "service": "titres", "sujet": "passeport", "confiance": 0.9}
    other = {"dis": "territoire", "service": "veterinaire", "sujet": "chien", "confiance": 0.8}
    events = [
        TurnEvent("a1", at, "", "orienter", (door,), arrondissement="Cahors", conversation="v1"),
        TurnEvent("a2", at, "", "orienter", (door, other), conversation="v1"),
        TurnEvent("a3", at, "xyz", "incompris", conversation="v2"),
        TurnEvent("a4", at + 3 * 86_400, "", "orienter", (door,), conversation="v3"),
        FeedbackEvent("a1", at, True),
        FeedbackEvent("a3", at, False),
    ]
    Intake(storage)(events)
    cells = cells_between(storage, "2026-03-01", "2026-03-02")
    found = summarize(cells)
    assert (found.exchanges, found.answered, found.not_understood, found.up, found.down) == (3, 2, 1, 1, 1)
    assert doors_given([*cells, *more_doors(storage, "2026-03-01", "2026-03-02")], "topic") == {"passeport": 2, "chien": 1}
    assert conversations_between(storage, "2026-03-01", "2026-03-31") == 3
    assert cells_between(storage, "2026-05-01", "2026-05-02") == []
