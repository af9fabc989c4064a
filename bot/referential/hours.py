"""Opening hours in French, and whether a desk is open at a given moment, public holidays of France included."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
_DAYS = {"Mo": "lundi", "Tu": "mardi", "We": "mercredi", "Th": "jeudi", "Fr": "vendredi", "Sa": "samedi", "Su": "dimanche"}
_WEEK = tuple(_DAYS.values())
_MONTHS = ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre")
_HOURS = re.compile(r"(?P<first>[A-Z][a-z])(?:-(?P<last>[A-Z][a-z]))? (?P<spans>\d\d:\d\d-\d\d:\d\d(?:,\d\d:\d\d-\d\d:\d\d)*)")


def readable_hours(hours: str) -> list[str]:
    """Turn the OpenStreetMap hours written by :func:`bot.dialogue.wording.opening_hours` into French lines."""
    lines = []
    for match in _HOURS.finditer(hours):
        first, last = _DAYS.get(match["first"], ""), _DAYS.get(match["last"] or "", "")
        days = f"Du {first} au {last}" if last else first.capitalize()
        spans = " et ".join("de {} à {}".format(*(_clock(time) for time in span.split("-"))) for span in match["spans"].split(","))
        lines.append(f"{days} : {spans}")
    if lines and "PH off" in hours:
        lines.append("Fermé les jours fériés")
    return lines


def opening_now(hours: str, now: datetime) -> tuple[bool, str] | None:
    """Tell whether a desk is open, and until or from when.

    Args:
        hours: in the OpenStreetMap syntax, empty when unknown.
        now: with a time zone.

    Returns:
        Whether it is open, with a French sentence; ``None`` when the hours are unknown, unreadable or never change.
    """
    rules = _rules(hours) if hours else None
    if rules is None:
        return None
    here = now.astimezone(PARIS)
    change = rules.next_change(here)
    if change is None:
        return None
    at = _moment(change.astimezone(PARIS), here.date())
    if rules.is_open(here):
        return True, f"Ouvert jusqu'à {at}"
    return False, f"Fermé, ouvre {at}" if at[0].isalpha() else f"Fermé, ouvre à {at}"


@lru_cache(maxsize=256)
def _rules(hours: str) -> Any:
    import opening_hours  # its calendars are loaded when a desk with hours is first shown

    try:
        return opening_hours.OpeningHours(hours, timezone=PARIS, country="FR", max_interval_days=366)
    except opening_hours.ParserError:  # type: ignore[attr-defined]
        return None


def _moment(when: datetime, today: date) -> str:
    clock = _clock(f"{when:%H:%M}")
    days = (when.date() - today).days
    if days == 0:
        return clock if when.hour else "minuit"
    if when == when.replace(hour=0, minute=0) and days == 1:
        return "minuit"
    if days == 1:
        return f"demain à {clock}"
    if days < 7:
        return f"{_WEEK[when.weekday()]} à {clock}"
    return f"le {_day_and_month(when)} à {clock}"


def french_date(day: date) -> str:
    """Return a day in full, such as « 1er mars 2027 »."""
    return f"{_day_and_month(day)} {day.year}"


def _day_and_month(day: date) -> str:
    first = "1er" if day.day == 1 else str(day.day)
    return f"{first} {_MONTHS[day.month - 1]}"


def _clock(time: str) -> str:
    hour, minute = time.split(":")
    return f"{int(hour)} h" + (f" {minute}" if minute != "00" else "")
