"""Opening hours: open or closed at a given moment, public holidays and the change of hour included."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bot.referential.hours import PARIS, MalformedHours, closed, closure_sentence, from_plain, opening_now, readable_hours

WEEK = "Mo-Th 09:00-12:00,13:30-16:30, Fr 09:00-12:00; PH off"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-26 10:15", (True, "Ouvert jusqu'à 12 h")),  # a Thursday
        ("2026-11-26 14:00", (True, "Ouvert jusqu'à 16 h 30")),
        ("2026-11-26 12:30", (False, "Fermé, ouvre à 13 h 30")),
        ("2026-11-26 20:00", (False, "Fermé, ouvre demain à 9 h")),
        ("2026-11-27 15:00", (False, "Fermé, ouvre lundi à 9 h")),
        ("2026-12-24 18:00", (False, "Fermé, ouvre lundi à 9 h")),  # Friday 25 December is a holiday
        ("2026-05-14 10:00", (False, "Fermé, ouvre demain à 9 h")),  # Ascension Day
        ("2026-12-31 17:00", (False, "Fermé, ouvre lundi à 9 h")),  # 1 January, then the week-end
    ],
)
def test_open_or_closed(moment: str, expected: tuple[bool, str]) -> None:
    assert opening_now(WEEK, datetime.fromisoformat(moment).replace(tzinfo=PARIS)) == expected


def test_the_clock_may_be_in_any_zone() -> None:
    assert opening_now(WEEK, datetime(2026, 7, 9, 7, 30, tzinfo=UTC)) == (True, "Ouvert jusqu'à 12 h")
    assert opening_now(WEEK, datetime(2026, 7, 9, 6, 30, tzinfo=UTC)) == (False, "Fermé, ouvre à 9 h")


def test_far_openings_are_dated_and_midnight_has_its_name() -> None:
    assert opening_now("Feb 1-10 10:00-12:00", datetime(2026, 1, 5, 9, tzinfo=PARIS)) == (False, "Fermé, ouvre le 1er février à 10 h")
    assert opening_now("Mo-Fr 10:00-24:00", datetime(2026, 11, 26, 11, tzinfo=PARIS)) == (True, "Ouvert jusqu'à minuit")


@pytest.mark.parametrize("hours", ["", "24/7", "n'importe quoi", "PH off"])
def test_nothing_is_said_when_hours_are_unknown(hours: str) -> None:
    assert opening_now(hours, datetime(2026, 11, 26, 11, tzinfo=PARIS)) is None


def test_hours_are_read_in_french() -> None:
    assert readable_hours(WEEK) == [
        "Du lundi au jeudi : de 9 h à 12 h et de 13 h 30 à 16 h 30",
        "Vendredi : de 9 h à 12 h",
        "Fermé les jours fériés",
    ]
    assert readable_hours("") == []


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", ""),
        ("lun-mar 09:00-12:00 / 14:00-17:00 ; jeu 09:00-12:00", "Mo-Tu 09:00-12:00,14:00-17:00, Th 09:00-12:00; PH off"),
        ("sam 10:00-12:00", "Sa 10:00-12:00; PH off"),
    ],
)
def test_hours_of_the_tables_are_read(written: str, read: str) -> None:
    assert from_plain(written) == read


@pytest.mark.parametrize(
    "written", ["lundi 09:00-12:00", "lun 9:00-12:00", "lun 12:00-09:00", "lun 09:00-12:00;mar 09:00-12:00", "lun 23:00-25:00"]
)
def test_hours_written_otherwise_are_refused(written: str) -> None:
    with pytest.raises(MalformedHours):
        from_plain(written)


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2027-03-29", "Easter Monday"), ("2027-05-06", "Ascension"), ("2027-05-17", "Whit Monday"), ("2026-05-01", "Labour"),
        ("2026-05-08", "Victory"), ("2026-07-14", "National day"), ("2028-08-15", "Assumption"), ("2027-11-01", "All Saints"),
        ("2027-11-11", "Armistice"), ("2028-12-25", "Christmas"), ("2027-01-01", "New Year"), ("2028-04-17", "Easter Monday"),
    ],
)  # fmt: skip
def test_public_holidays_of_france_are_closed(day: str, name: str) -> None:
    opening = opening_now("Mo-Fr 09:00-17:00; PH off", datetime.fromisoformat(f"{day} 10:00").replace(tzinfo=PARIS))
    assert opening is not None and not opening[0], name


def test_a_closure_is_added_to_the_hours() -> None:
    hours = closed(WEEK, date(2026, 12, 7), date(2026, 12, 11))
    assert opening_now(hours, datetime(2026, 12, 4, 13, tzinfo=PARIS)) == (False, "Fermé, ouvre le 14 décembre à 9 h")
    assert closed("", date(2026, 12, 7), date(2026, 12, 7)) == ""
    assert closure_sentence(date(2026, 12, 24), date(2027, 1, 1)) == "Fermeture exceptionnelle du 24 décembre au 1er janvier 2027."
    assert closure_sentence(date(2026, 12, 24), date(2026, 12, 24), "congés") == "Fermeture exceptionnelle le 24 décembre 2026 : congés."
