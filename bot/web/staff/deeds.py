"""What is done to files and models, told in the journal and on the next page."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.staff.accounts import audit
from bot.staff.editing.workspace import Change
from bot.web.staff.framework import actor, flash, workshop


def note(request: web.Request, action: str, target: str, **details: Any) -> None:
    """Write a deed in the journal."""
    with workshop(request).storage.write() as connection:
        audit.record(connection, actor(request), action, target, details)


def note_change(request: web.Request, change: Change | None, action: str, target: str, sentence: str) -> None:
    """Write a change of the files in the journal, and say it on the next page; ``None`` says that nothing differed."""
    if change is None:
        flash(request, "Rien n'a changé.")
        return
    note(request, action, target, fichiers=list(change.files), commit=change.commit or "")
    flash(request, f"{sentence} {change.note}".strip(), "attention" if change.note else "ok")
