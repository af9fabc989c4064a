"""Fair shares: count what whoever sends a request takes, refuse kindly beyond, and let each caller wait behind itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bot.serving.chat import MAX_READ
from bot.serving.refusals import Refusal
from bot.web.keys import ALLOWANCE, LIMITER

CHARACTERS_PER_MESSAGE = 1_000
"""A long text counts as one message for each thousand characters begun: its cost in processor grows with them."""


async def count_messages(request: web.Request, cost: int = 1) -> None:
    """Count messages for the caller: its key when it sent one, else its address.

    Args:
        request: tells the caller.
        cost: how many messages to count.

    Raises:
        Refusal: there are too many; it tells how long to wait.
    """
    wait = await request.app[LIMITER].seconds_to_wait(request, request.get(ALLOWANCE), cost) if cost > 0 else 0
    if wait:
        delay = f"{wait} secondes" if wait < 120 else f"{round(wait / 60)} minutes"
        raise Refusal(
            429,
            f"Vous envoyez beaucoup de messages. Attendez {delay}, puis essayez à nouveau. Votre texte est gardé.",
            {"Retry-After": str(wait)},
        )


@asynccontextmanager
async def turn_of(request: web.Request, text: str) -> AsyncIterator[str]:
    """Count a text for what it costs, then hold the caller's turn: ten messages sent at once wait for each other, and everyone else
    for one of them at most.

    Args:
        request: tells the caller; its first message is counted already.
        text: to be read.

    Yields:
        The name of the caller: hashed, or that of its key.

    Raises:
        Refusal: there are too many.
    """
    await count_messages(request, -(-min(len(text), MAX_READ) // CHARACTERS_PER_MESSAGE) - 1)
    limiter = request.app[LIMITER]
    caller = limiter.caller(request, request.get(ALLOWANCE))
    async with limiter.turns.hold(caller):
        yield caller
