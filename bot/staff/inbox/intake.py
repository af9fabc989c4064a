"""Writes batches of events: counts for the dashboard, and the messages that staff should read for the inbox.

Data kept to the need (GDPR, article 5.1.c): the masked words of an exchange are written only when it has something to
teach, see :func:`bot.staff.inbox.events.worth_reading`. Of all others, only the door and its confidence are kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from bot.staff.inbox.events import Event, FeedbackEvent, TurnEvent, worth_reading
from bot.staff.inbox.inbox import count_vote, keeps_words, receive
from bot.staff.schema import turns, votes
from bot.staff.storage import Storage, civil_day


class Intake:
    """Delivers events to the database; the same event twice counts once.

    Args:
        storage: the database.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def __call__(self, batch: Sequence[Event]) -> None:
        """Write a batch, all or nothing.

        Raises:
            StorageError: the database does not answer.
        """
        with self._storage.write() as connection:
            for event in batch:
                if isinstance(event, TurnEvent):
                    if self._turn(connection, event) and (worth_reading(event) or event.drawn):
                        self._to_inbox(connection, event)
                else:
                    self._vote(connection, event)

    def _turn(self, connection: Connection, event: TurnEvent) -> bool:
        if connection.execute(select(turns.c.id).where(turns.c.id == event.id)).first() is not None:
            return False
        first = event.doors[0] if event.doors else {}
        connection.execute(
            turns.insert().values(
                id=event.id,
                at=event.at,
                day=civil_day(event.at),
                kind=event.kind,
                dis=first.get("dis"),
                service=first.get("service"),
                topic=first.get("sujet"),
                doors=json.dumps([_bare(door) for door in event.doors]),
                door_count=len(event.doors),
                alternatives=json.dumps([_bare(door) for door in event.alternatives]),
                confidence=event.confidence,
                arrondissement=event.arrondissement,
                engine=event.engine,
                profile=event.profile,
                channel=event.channel,
                pressed=event.pressed,
                conversation=event.conversation,
                seconds=event.seconds,
            )
        )
        return True

    def _to_inbox(self, connection: Connection, event: TurnEvent) -> int | None:
        group = receive(connection, event)
        text = event.text if group is not None and keeps_words(connection, group) else None
        connection.execute(update(turns).where(turns.c.id == event.id).values(group_id=group, text=text))
        return group

    def _vote(self, connection: Connection, event: FeedbackEvent) -> None:
        values = {
            "at": event.at,
            "day": civil_day(event.at),
            "helpful": event.helpful,
            "reason": event.reason,
            "comment": event.comment,
        }
        before = connection.execute(select(votes).where(votes.c.answer == event.answer)).first()
        if before is None:
            connection.execute(votes.insert().values(answer=event.answer, **values))
        elif before.at <= event.at:  # one may change one's mind
            connection.execute(update(votes).where(votes.c.answer == event.answer).values(**values))
        else:
            return
        change = int(not event.helpful) - int(before is not None and not before.helpful)
        if not change:
            return
        group = connection.execute(select(turns.c.group_id).where(turns.c.id == event.answer)).scalar()
        if group is None and change > 0 and event.turn is not None and event.turn.text.strip() and not event.turn.pressed:
            self._turn(connection, event.turn)
            group = self._to_inbox(connection, event.turn)
        if group is not None:
            count_vote(connection, group, change)


def _bare(door: Mapping[str, Any]) -> dict[str, Any]:
    """Return a door without the words of the message that led to it."""
    return {k: v for k, v in door.items() if k != "extrait"}
