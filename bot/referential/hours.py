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
MONTHS = ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre")
_OSM_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SHORT_DAYS = {name[:3]: code for code, name in _DAYS.items()}
_PLAIN = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? (\d\d:\d\d-\d\d:\d\d(?: / \d\d:\d\d-\d\d:\d\d)*)")
PLAIN_FORM = "lun-mar 09:00-12:00 / 14:00-17:00 ; jeu 09:00-12:00"
"""How people write hours in the tables."""
PUBLIC_HOLIDAYS_OFF = "; PH off"
_HOURS = re.compile(r"(?P<first>[A-Z][a-z])(?:-(?P<last>[A-Z][a-z]))? (?P<spans>\d\d:\d\d-\d\d:\d\d(?:,\d\d:\d\d-\d\d:\d\d)*)")


class MalformedHours(ValueError):
    """Hours that are not written like :data:`PLAIN_FORM`."""


def from_plain(hours: str) -> str:
    """Return hours written like :data:`PLAIN_FORM` in the OpenStreetMap syntax, closed on public holidays; "" stays so.

    Raises:
        MalformedHours: they are written otherwise, or a time comes after the next.
    """
    rules = []
    for part in hours.split(" ; ") if hours else ():
        match = _PLAIN.fullmatch(part)
        if match is None or not {match[1], match[2] or match[1]} <= _SHORT_DAYS.keys():
            raise MalformedHours(part)
        times = re.findall(r"\d\d:\d\d", match[3])
        if times != sorted(set(times)) or times[-1] > "24:00" or any(time[3:] > "59" for time in times):
            raise MalformedHours(part)
        days = [_SHORT_DAYS[day] for day in (match[1], match[2]) if day]
        rules.append(f"{'-'.join(days)} {match[3].replace(' / ', ',')}")
    return ", ".join(rules) + PUBLIC_HOLIDAYS_OFF if rules else ""


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


def closed(hours: str, first: date, last: date) -> str:
    """Return hours in the OpenStreetMap syntax, closed from ``first`` to ``last``, both included; unknown ones stay so."""
    return f"{hours}; {_osm(first)}-{_osm(last)} off" if hours else ""


def _osm(day: date) -> str:
    return f"{day.year} {_OSM_MONTHS[day.month - 1]} {day.day:02d}"


def closure_sentence(first: date, last: date, reason: str = "") -> str:
    """Return in French that a place is closed from ``first`` to ``last``, both included."""
    days = f"le {day_of_month(first)}" if first == last else f"du {day_of_month(first)} au {day_of_month(last)}"
    return f"Fermeture exceptionnelle {days} {last.year}{f' : {reason}' if reason else ''}."


def day_of_month(day: date) -> str:
    """Return « 1er janvier », « 24 décembre »."""
    return f"{'1er' if day.day == 1 else day.day} {MONTHS[day.month - 1]}"


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
    return f"le {day_of_month(when)} à {clock}"


def french_date(day: date) -> str:
    """Return a day in full, such as « 1er mars 2027 »."""
    return f"{day_of_month(day)} {day.year}"


def _clock(time: str) -> str:
    hour, minute = time.split(":")
    return f"{int(hour)} h" + (f" {minute}" if minute != "00" else "")
