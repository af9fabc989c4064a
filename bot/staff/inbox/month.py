"""The sheet of one month: what was taught, who was helped, what fell back, what the public asked that nobody taught.

Definitions, the same on the page and in the guide; a month is a civil month in Paris:

- *phrases taught*: phrases added to topics, from the inbox or by hand; *new topics*: those of the batches published in the month and not
  taken back since;
- *visit*: one conversation; a person who comes back makes another, for nobody is followed from one to the next;
- *visit helped*: a visit with a door or an emergency number, and no vote « no »;
- *after it was taught*: answers of the month whose first door is a topic taught in the month, from its first phrase on; *visits helped
  by it*: the visits that got one of them, and where nobody voted « no »;
- *fell back*: a topic with :data:`LEAST_VOTES` votes or more in this month and in the one before, whose share of « no » rose by
  :data:`WORSE` or more;
- *asked, not taught*: groups of the inbox with a message in the month, that still wait.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select

from bot.staff.inbox.inbox import OPEN
from bot.staff.inbox.statistics import DOORS, Cell, Summary, summarize
from bot.staff.inbox.traffic import cells_between
from bot.staff.schema import audit, groups, turns, votes
from bot.staff.storage import Storage, civil_day
from bot.staff.upkeep.retention import DAY

LEAST_VOTES = 5
"""Votes on a topic from which its share of « no » tells something."""
WORSE = 0.1
"""Rise of the share of « no », in [0, 1], from which a topic falls back."""
SHOWN = 15


@dataclass(frozen=True)
class Taught:
    """One topic taught in the month.

    Args:
        topic: its id.
        phrases: added.
        answers: given with it since the first of them, in the month.
        helped: visits that got one of these answers, and hold no vote « no ».
        up, down: votes on these answers.
    """

    topic: str
    phrases: int
    answers: int
    helped: int
    up: int
    down: int


@dataclass(frozen=True)
class FellBack:
    """One topic that helps less.

    Args:
        topic: its id.
        before, after: share of « no », in [0, 1], in the month before and in this one.
    """

    topic: str
    before: float
    after: float


@dataclass(frozen=True)
class Asked:
    """What the public asked that nobody taught.

    Args:
        group: of the inbox.
        text: masked; "" once it is deleted.
        count: messages in the month.
        down: of them, those that did not help.
    """

    group: int
    text: str
    count: int
    down: int


@dataclass(frozen=True)
class Month:
    """The sheet.

    Args:
        month: ``2026-11``.
        phrases: taught.
        topics: ids of the new topics.
        attached: messages of the public attached to a topic.
        models: put live.
        back: models and batches taken back.
        visits: in all.
        helped: see the module.
        thanked: visits with a vote « yes ».
        summary, before: measures of the month, and of the one before.
        taught: topics, those that got the most phrases first.
        fell_back: topics, the worst first.
        asked: the most frequent first, :data:`SHOWN` at most.
        asked_messages: messages of every such group in the month.
    """

    month: str
    phrases: int
    topics: tuple[str, ...]
    attached: int
    models: int
    back: int
    visits: int
    helped: int
    thanked: int
    summary: Summary
    before: Summary
    taught: tuple[Taught, ...]
    fell_back: tuple[FellBack, ...]
    asked: tuple[Asked, ...]
    asked_messages: int


def sheet_of(storage: Storage, month: str) -> Month:
    """Return the sheet of a month.

    Args:
        storage: the workshop's database.
        month: ``2026-11``.

    Raises:
        ValueError: this is no month.
    """
    first, last = days_of(month)
    earlier = days_of((date.fromisoformat(first) - timedelta(days=1)).isoformat()[:7])
    cells, cells_before = cells_between(storage, first, last), cells_between(storage, *earlier)
    deeds = _deeds(storage, first, last)
    added, since = Counter[str](), dict[str, float]()
    for at, action, target, details in deeds:
        if action == "phrase_ajoutee":
            added[target] += int(details.get("phrases", 1))
            since.setdefault(target, at)
    undone = _taken_back(storage)
    new = [
        gesture[1]
        for _, action, _, details in deeds
        if action == "lot_publie" and details.get("lot") not in undone
        for gesture in details.get("gestes", ())
        if gesture[0] == "sujet_cree"
    ]
    did = Counter(action for _, action, _, _ in deeds)
    asked, messages = _asked(storage, first, last)
    return Month(
        month=month,
        phrases=added.total(),
        topics=tuple(dict.fromkeys(new)),
        attached=did["message_rattache"],
        models=did["modele_active"] + did["modele_force"],
        back=did["modele_retour"] + did["lot_annule"],
        **_visits(storage, first, last),
        summary=summarize(cells),
        before=summarize(cells_before),
        taught=_taught(storage, first, last, added, since),
        fell_back=fell_back(cells_before, cells),
        asked=asked,
        asked_messages=messages,
    )


def days_of(month: str) -> tuple[str, str]:
    """Return the first and the last day of a month; raises :class:`ValueError` when it is none."""
    first = date.fromisoformat(f"{month}-01")
    return first.isoformat(), ((first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).isoformat()


def fell_back(before: Iterable[Cell], after: Iterable[Cell]) -> tuple[FellBack, ...]:
    """Return the topics that help less than in the month before, the worst first."""
    shares = []
    for cells in (before, after):
        up, down = Counter[str](), Counter[str]()
        for cell in cells:
            if cell.topic and cell.kind in DOORS:
                up[cell.topic] += cell.up
                down[cell.topic] += cell.down
        shares.append({t: down[t] / (up[t] + down[t]) for t in up if up[t] + down[t] >= LEAST_VOTES})
    old, new = shares
    found = [FellBack(topic, old[topic], new[topic]) for topic in old.keys() & new.keys() if round(new[topic] - old[topic], 9) >= WORSE]
    return tuple(sorted(found, key=lambda f: (f.before - f.after, f.topic)))


def _deeds(storage: Storage, first: str, last: str) -> Sequence[tuple[float, str, str, Mapping[str, Any]]]:
    """Return the lines of the journal of some days: when, action, target, details."""
    since, until = (date.fromisoformat(day) - date(1970, 1, 1) for day in (first, last))
    near = audit.c.at.between(since.days * DAY - DAY, until.days * DAY + 2 * DAY)  # a day in Paris is not one in UTC
    with storage.read() as connection:
        rows = connection.execute(
            select(audit.c.at, audit.c.action, audit.c.target, audit.c.details).where(near).order_by(audit.c.id)
        ).all()
    return [(r.at, r.action, r.target, json.loads(r.details)) for r in rows if first <= civil_day(r.at) <= last]


def _taken_back(storage: Storage) -> frozenset[str]:
    with storage.read() as connection:
        rows = connection.execute(select(audit.c.details).where(audit.c.action == "lot_annule")).scalars()
        return frozenset(str(json.loads(row).get("lot", "")) for row in rows)


def _visits(storage: Storage, first: str, last: str) -> Mapping[str, int]:
    within = turns.c.day.between(first, last)
    visits = select(turns.c.conversation.distinct()).where(within)
    answered = visits.where(turns.c.kind.in_(DOORS))
    voted = visits.join_from(turns, votes, votes.c.answer == turns.c.id)
    with storage.read() as connection:
        every, doors, yes, no = (
            set(connection.execute(query).scalars())
            for query in (visits, answered, voted.where(votes.c.helpful.is_(True)), voted.where(votes.c.helpful.is_(False)))
        )
    return {"visits": len(every), "helped": len(doors - no), "thanked": len(yes)}


def _taught(storage: Storage, first: str, last: str, added: Mapping[str, int], since: Mapping[str, float]) -> tuple[Taught, ...]:
    found = []
    refused = turns.c.day.between(first, last) & votes.c.helpful.is_(False)
    with storage.read() as connection:
        no = select(turns.c.conversation.distinct()).join_from(turns, votes, votes.c.answer == turns.c.id).where(refused)
        unhappy = set(connection.execute(no).scalars()) if added else set()
        for topic, phrases in sorted(added.items(), key=lambda pair: (-pair[1], pair[0])):
            mine = (turns.c.topic == topic) & (turns.c.at >= since[topic]) & (turns.c.day <= last) & turns.c.kind.in_(DOORS)
            joined = select(votes.c.helpful, func.count()).select_from(turns.outerjoin(votes, votes.c.answer == turns.c.id))
            said = {helpful: int(count) for helpful, count in connection.execute(joined.where(mine).group_by(votes.c.helpful))}
            visits = set(connection.execute(select(turns.c.conversation.distinct()).where(mine)).scalars())
            found.append(Taught(topic, phrases, sum(said.values()), len(visits - unhappy), said.get(True, 0), said.get(False, 0)))
    return tuple(found)


def _asked(storage: Storage, first: str, last: str) -> tuple[tuple[Asked, ...], int]:
    joined = turns.join(groups, groups.c.id == turns.c.group_id).outerjoin(votes, votes.c.answer == turns.c.id)
    down = func.count().filter(votes.c.helpful.is_(False))
    waiting = turns.c.day.between(first, last) & (groups.c.state == OPEN)
    query = select(groups.c.id, groups.c.text, func.count(), down).select_from(joined).where(waiting).group_by(groups.c.id, groups.c.text)
    with storage.read() as connection:
        rows = connection.execute(query.order_by(func.count().desc(), groups.c.id)).all()
    return tuple(Asked(row[0], row[1] or "", row[2], row[3]) for row in rows[:SHOWN]), sum(row[2] for row in rows)
