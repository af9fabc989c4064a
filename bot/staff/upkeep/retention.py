"""Delete words that are too old: masked messages and comments go, counts and labels stay."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import select, update

from bot.staff.accounts import audit
from bot.staff.inbox.events import CHECK_DAYS
from bot.staff.inbox.inbox import DRAWN, EXPIRED, OPEN, WAITING
from bot.staff.schema import groups, turns, votes
from bot.staff.storage import Storage

DAY = 86_400.0


@dataclass(frozen=True)
class Purged:
    """How many texts were deleted.

    Args:
        messages: of exchanges.
        comments: of votes.
        groups: of the inbox.
    """

    messages: int
    comments: int
    groups: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.messages + self.comments + self.groups


def purge(storage: Storage, days: int, actor: str, now: float | None = None) -> Purged:
    """Delete every text older than ``days``, and what was drawn to be checked after :data:`CHECK_DAYS`.

    The text that stands for a group goes with its last message; an open group whose text goes can no longer be labelled, and
    waits for the next message like it. Signatures, counts, labels and their authors stay.

    Args:
        storage: the database.
        days: kept.
        actor: for the journal, which gets a line when something was deleted.
        now: seconds since 1970.
    """
    now = time.time() if now is None else now
    limit = now - days * DAY
    with storage.write() as connection:
        drawn = (groups.c.state == DRAWN) & (groups.c.last_at < now - CHECK_DAYS * DAY)
        past = connection.execute(select(groups.c.id).where(drawn)).scalars().all()
        gone = turns.c.text.is_not(None) & ((turns.c.at < limit) | turns.c.group_id.in_(past))
        messages = connection.execute(update(turns).where(gone).values(text=None)).rowcount
        comments = connection.execute(
            update(votes).where(votes.c.comment.is_not(None) & (votes.c.at < limit)).values(comment=None)
        ).rowcount
        old = groups.c.text.is_not(None) & ((groups.c.last_at < limit) | groups.c.id.in_(past))
        texts = connection.execute(update(groups).where(old & ~groups.c.state.in_([OPEN, WAITING, DRAWN])).values(text=None)).rowcount
        open_ = old & groups.c.state.in_([OPEN, WAITING, DRAWN])
        texts += connection.execute(update(groups).where(open_).values(state=EXPIRED, text=None)).rowcount
        done = Purged(messages, comments, texts)
        if done.total:
            audit.record(connection, actor, "purge", f"{days} jours", {"messages": messages, "commentaires": comments, "groupes": texts})
    return done
