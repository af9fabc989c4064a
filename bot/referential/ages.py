"""Which facts of the referential were not checked for long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bot.referential import EntryPoint, Referential, Topic


@dataclass(frozen=True)
class StaleDesk:
    """A desk whose contacts were not checked for long.

    Args:
        desk: the desk.
        checked: when it was, ``None`` for never.
    """

    desk: EntryPoint
    checked: date | None


def stale_desks(referential: Referential, today: date, months: int) -> tuple[StaleDesk, ...]:
    """Return the desks never checked, or checked more than ``months`` ago, the oldest first."""
    limit = months_before(today, months)
    found = [
        StaleDesk(desk, desk.x_ose.verifie_le)
        for desk in referential.entry_points.values()
        if desk.x_ose.verifie_le is None or desk.x_ose.verifie_le < limit
    ]
    return tuple(sorted(found, key=lambda s: s.checked or date.min))


def months_before(day: date, months: int) -> date:
    """Return the same day ``months`` earlier, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    for last in range(day.day, 27, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    return date(year, month + 1, min(day.day, 28))


def stale_topics(referential: Referential, today: date, months: int) -> tuple[Topic, ...]:
    """Return the topics checked more than ``months`` ago, the oldest first."""
    limit = months_before(today, months)
    return tuple(sorted((t for t in referential.topics.values() if t.verifie_le < limit), key=lambda t: t.verifie_le))
