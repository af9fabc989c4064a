"""Which facts of the referential were not checked for long; the age limits are in ``fraicheur.yml``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from bot.referential.models import Referential, Topic


@dataclass(frozen=True)
class DueFact:
    """A fact to check again.

    Args:
        kind: id of its age limit.
        owner: id of the topic or of the desk that holds it.
        label: name of that topic or desk.
        checked: when it was, ``None`` for never.
    """

    kind: str
    owner: str
    label: str
    checked: date | None


def due_facts(referential: Referential, today: date) -> tuple[DueFact, ...]:
    """Return the facts never checked, or checked longer ago than their age limit, the oldest first."""
    limits = {kind: months_before(today, limit.mois) for kind, limit in referential.age_limits.items()}
    due = [fact for fact in _dated_facts(referential) if fact.checked is None or fact.checked < limits[fact.kind]]
    return tuple(sorted(due, key=lambda fact: fact.checked or date.min))


def facts_date(topic: Topic) -> date:
    """Return the day of a topic's facts: their last check, else the sheet's own date, else the topic's."""
    return topic.faits.verifie_le or (topic.fiche.date if topic.fiche else topic.verifie_le)


def months_before(day: date, months: int) -> date:
    """Return the same day ``months`` earlier, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    for last in range(day.day, 27, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    return date(year, month + 1, min(day.day, 28))


def _dated_facts(referential: Referential) -> Iterator[DueFact]:
    for desk in referential.entry_points.values():
        yield DueFact("guichet", desk.id, desk.nom, desk.x_ose.verifie_le)
    for topic in referential.topics.values():
        yield DueFact("sujet", topic.id, topic.libelle, topic.verifie_le)
        kinds = (*topic.faits.said(), *(["formulaire"] if topic.faits.formulaire else []))
        for kind in kinds:
            yield DueFact(kind, topic.id, topic.libelle, facts_date(topic))
