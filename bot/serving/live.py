"""Follow the model that is live, and train one when there is none that can be read; the engine answers all along."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
from collections.abc import Awaitable, Callable

WATCH_SECONDS = 0.5
"""Between two looks at which model is live."""
log = logging.getLogger("bot.serving.live")


async def follow(mark: Callable[[], str], seen: str, swap: Callable[[str], Awaitable[None]]) -> None:
    """Call ``swap`` each time another model goes live, until cancelled.

    Args:
        mark: changes when another model is live, or the referential: see :func:`bot.learning.freshness.live_mark`.
        seen: the mark of what was loaded.
        swap: loads what is live now, given its mark; the old one goes on when that fails.
    """
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        now = await asyncio.to_thread(mark)
        if now != seen:
            seen = now
            await swap(now)


async def repair(train: Callable[[], Awaitable[bool]]) -> None:
    """Train what is missing, corrupt or out of date, once; :func:`follow` then sees it go live."""
    log.warning("a model is missing, corrupt or out of date: training it", extra={"evenement": "modele_refait"})
    if not await train():
        log.error("training failed: run bot train", extra={"evenement": "modele_non_refait"})


async def train_apart(*options: str) -> bool:
    """Run « bot train » in a process of its own, after everything else in line for the processor; whether it worked.

    Args:
        options: of the command.
    """
    nice = shutil.which("nice")
    command = [*([nice, "-n", "10"] if nice else []), sys.executable, "-m", "bot", "train", *options]
    silent = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdin=silent, stdout=silent, stderr=silent)
    try:
        return await process.wait() == 0
    finally:
        if process.returncode is None:  # the server stops
            process.terminate()
