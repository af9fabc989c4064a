"""What the workshop keeps of one visit: shown to who asks, erased when asked (GDPR, articles 15 and 17)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from bot.staff.accounts import audit
from bot.staff.inbox.inbox import DRAWN, EXPIRED, OPEN, WAITING
from bot.staff.schema import groups, turns, votes
from bot.staff.storage import PARIS, Storage


@dataclass(frozen=True)
class Erased:
    """What was erased.

    Args:
        exchanges: cut from the reference; only their day and their door are still counted.
        messages: texts deleted.
        comments: of votes, deleted.
        groups: of the inbox, whose text was one of these messages.
    """

    exchanges: int
    messages: int
    comments: int
    groups: int


def export(storage: Storage, reference: str) -> Mapping[str, Any] | None:
    """Return everything kept of a conversation, ready for JSON with French keys, or ``None`` when nothing is.

    Args:
        storage: the database.
        reference: of the conversation, as its page of personal data shows it.
    """
    with storage.read() as connection:
        rows = connection.execute(select(turns).where(turns.c.conversation == reference).order_by(turns.c.at)).all()
        said = {
            row.answer: row
            for row in connection.execute(
                select(votes).where(votes.c.answer.in_(select(turns.c.id).where(turns.c.conversation == reference)))
            )
        }
    if not rows:
        return None
    return {"reference": reference, "echanges": [_exchange(row, said.get(row.id)) for row in rows]}


def erase(storage: Storage, reference: str, actor: str) -> Erased | None:
    """Delete the texts of a conversation and cut what is counted from it; ``None`` when nothing is kept.

    A group of the inbox that showed one of these messages shows another one like it, or waits for one.

    Args:
        storage: the database.
        reference: of the conversation.
        actor: for the journal.
    """
    with storage.write() as connection:
        rows = connection.execute(select(turns.c.id, turns.c.text, turns.c.group_id).where(turns.c.conversation == reference)).all()
        if not rows:
            return None
        ids = [row.id for row in rows]
        connection.execute(update(turns).where(turns.c.id.in_(ids)).values(text=None, conversation=secrets.token_hex(12)))
        commented = votes.c.answer.in_(ids) & votes.c.comment.is_not(None)
        comments = connection.execute(update(votes).where(commented).values(comment=None)).rowcount
        changed = 0
        for group, text in {(row.group_id, row.text) for row in rows if row.group_id is not None and row.text}:
            other = connection.execute(
                select(turns.c.text).where((turns.c.group_id == group) & turns.c.text.is_not(None)).limit(1)
            ).scalar()
            shown = (groups.c.id == group) & (groups.c.text == text)
            if other is None:
                connection.execute(update(groups).where(shown & groups.c.state.in_([OPEN, WAITING, DRAWN])).values(state=EXPIRED))
            changed += connection.execute(update(groups).where(shown).values(text=other)).rowcount
        done = Erased(len(rows), sum(row.text is not None for row in rows), comments, changed)
        details = {"echanges": done.exchanges, "messages": done.messages, "commentaires": comments, "groupes": changed}
        audit.record(connection, actor, "effacement", reference, details)
    return done


def waiting_on_disk(spool: Path, reference: str) -> int:
    """Return how many events of a conversation wait for the database."""
    count = 0
    for path in spool.glob("*") if spool.exists() else ():
        try:
            count += path.read_text(encoding="utf-8", errors="replace").count(f'"{reference}"')
        except OSError:  # delivered meanwhile
            continue
    return count


def _exchange(row: Any, vote: Any) -> Mapping[str, Any]:
    return {
        "date": _date(row.at),
        "message": row.text,
        "bouton": row.pressed,
        "decision": row.kind,
        "portes": json.loads(row.doors),
        "profil": row.profile,
        "arrondissement": row.arrondissement,
        "avis": None
        if vote is None
        else {"date": _date(vote.at), "utile": vote.helpful, "raison": vote.reason, "commentaire": vote.comment},
    }


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, PARIS).isoformat(timespec="seconds")
