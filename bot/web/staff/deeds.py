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


def say_change(request: web.Request, change: Change | None, sentence: str) -> None:
    """Say a change of the files on the next page, and see that the journal holds it; ``None`` says that nothing differed."""
    if change is None:
        flash(request, "Rien n'a changé.")
        return
    audit.deliver(workshop(request).storage, workshop(request).paths)
    flash(request, f"{sentence} {change.note}".strip(), "attention" if change.note else "ok")
