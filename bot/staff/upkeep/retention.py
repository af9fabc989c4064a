"""Delete words that are too old: masked messages and comments go, counts and labels stay."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import update

from bot.staff.accounts import audit
from bot.staff.inbox.inbox import EXPIRED, OPEN, WAITING
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
    """Delete every text older than ``days``.

    The text that stands for a group goes with its last message; an open group whose text goes can no longer be labelled, and
    waits for the next message like it. Signatures, counts, labels and their authors stay.

    Args:
        storage: the database.
        days: kept.
        actor: for the journal, which gets a line when something was deleted.
        now: seconds since 1970.
    """
    limit = (time.time() if now is None else now) - days * DAY
    with storage.write() as connection:
        messages = connection.execute(update(turns).where(turns.c.text.is_not(None) & (turns.c.at < limit)).values(text=None)).rowcount
        comments = connection.execute(
            update(votes).where(votes.c.comment.is_not(None) & (votes.c.at < limit)).values(comment=None)
        ).rowcount
        old = groups.c.text.is_not(None) & (groups.c.last_at < limit)
        connection.execute(update(groups).where(old & groups.c.state.in_([OPEN, WAITING])).values(state=EXPIRED))
        texts = connection.execute(update(groups).where(old).values(text=None)).rowcount
        done = Purged(messages, comments, texts)
        if done.total:
            audit.record(connection, actor, "purge", f"{days} jours", {"messages": messages, "commentaires": comments, "groupes": texts})
    return done
