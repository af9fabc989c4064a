"""Count the messages of whoever sends a request, and refuse kindly when there are too many."""

from __future__ import annotations

from aiohttp import web

from bot.serving.refusals import Refusal
from bot.web.keys import ALLOWANCE, LIMITER


async def count_messages(request: web.Request, cost: int = 1) -> None:
    """Count messages for the caller: its key when it sent one, else its address.

    Args:
        request: tells the caller.
        cost: how many messages to count.

    Raises:
        Refusal: there are too many; it tells how long to wait.
    """
    wait = await request.app[LIMITER].seconds_to_wait(request, request.get(ALLOWANCE), cost)
    if wait:
        delay = f"{wait} secondes" if wait < 120 else f"{round(wait / 60)} minutes"
        raise Refusal(
            429,
            f"Vous envoyez beaucoup de messages. Attendez {delay}, puis essayez à nouveau. Votre texte est gardé.",
            {"Retry-After": str(wait)},
        )
