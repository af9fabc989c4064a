"""What is done to files and models, told in the journal and on the next page."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiohttp import web

from bot.staff.accounts import audit
from bot.staff.editing.workspace import Change
from bot.web.staff.framework import actor, flash, workshop

PUBLIC_SECONDS = 8.0
"""The longest that a page waits for the public to get what it gave."""


def note(request: web.Request, action: str, target: str, **details: Any) -> None:
    """Write a deed in the journal."""
    with workshop(request).storage.write() as connection:
        audit.record(connection, actor(request), action, target, details)


async def when_public(request: web.Request) -> str:
    """Wait until the public gets what was just published or put live, and say so; not for ever.

    The other processes of a machine look at the same files, as often.
    """
    end = time.monotonic() + PUBLIC_SECONDS
    while time.monotonic() < end:
        if await asyncio.to_thread(workshop(request).public_is_up_to_date):
            return "Le public l'a."
        await asyncio.sleep(0.1)
    return "Le public l'aura dans un instant."


def say_change(request: web.Request, change: Change | None, sentence: str) -> None:
    """Say a change of the files on the next page, and see that the journal holds it; ``None`` says that nothing differed."""
    if change is None:
        flash(request, "Rien n'a changé.")
        return
    audit.deliver(workshop(request).storage, workshop(request).paths)
    flash(request, f"{sentence} {change.note}".strip(), "attention" if change.note else "ok")
