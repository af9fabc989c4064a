"""Read from the database the counted rows that ``statistics`` works on: one query, no text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import case, func, select

from bot.staff.inbox.statistics import Cell
from bot.staff.schema import turns, votes
from bot.staff.storage import Storage


def cells_between(storage: Storage, first: str, last: str) -> Sequence[Cell]:
    """Return the exchanges of the days from ``first`` to ``last``, counted together.

    A cell names the first door of its answers; :func:`more_doors` gives the others.
    """
    columns = (turns.c.day, turns.c.kind, turns.c.dis, turns.c.service, turns.c.topic, turns.c.arrondissement, turns.c.pressed)
    within = turns.c.day.between(first, last)
    up = func.sum(case((votes.c.helpful.is_(True), 1), else_=0))
    down = func.sum(case((votes.c.helpful.is_(False), 1), else_=0))
    joined = turns.outerjoin(votes, votes.c.answer == turns.c.id)
    with storage.read() as connection:
        counted = connection.execute(select(*columns, func.count(), up, down).select_from(joined).where(within).group_by(*columns)).all()
    return [
        Cell(
            row[0],
            row[1],
            row[2] or "",
            row[3] or "",
            row[4] or "",
            row[5] or "",
            bool(row[6]),
            int(row[7]),
            int(row[8] or 0),
            int(row[9] or 0),
        )
        for row in counted
    ]


def more_doors(storage: Storage, first: str, last: str) -> Sequence[Cell]:
    """Return the second and later doors of answers that gave several, to add to :func:`bot.staff.inbox.statistics.doors_given`."""
    condition = turns.c.day.between(first, last) & (turns.c.door_count > 1) & turns.c.kind.in_(["orienter", "hors_perimetre", "urgence"])
    found: Counter[tuple[str, str, str, str, str]] = Counter()
    with storage.read() as connection:
        for row in connection.execute(select(turns.c.day, turns.c.kind, turns.c.doors).where(condition)):
            for door in json.loads(row.doors)[1:]:
                found[(row.day, row.kind, door.get("dis") or "", door.get("service") or "", door.get("sujet") or "")] += 1
    return [Cell(*key, count=count) for key, count in found.items()]


def conversations_between(storage: Storage, first: str, last: str) -> int:
    """Return how many visits there were."""
    with storage.read() as connection:
        query = select(func.count(turns.c.conversation.distinct())).where(turns.c.day.between(first, last))
        return int(connection.execute(query).scalar() or 0)
