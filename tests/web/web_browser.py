"""A server in a thread and a real browser, for the browser tests and the screenshots."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from bot.settings import Settings
from bot.web.app import create_app

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = (320, 768, 1280)
STATES = {
    "vide": (),
    "reponse": ("logement",),
    "question": ("question",),
    "deux_cartes": ("deux",),
    "urgence": ("feu",),
    "incompris": ("bonjour", "zzz"),
}
"""What is typed, in order, to reach each state of the page."""


@contextmanager
def serving(engine: Any, switch: Any = None, **settings: Any) -> Iterator[str]:
    """Serve an application from a thread; yields its address."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    address = []

    async def start() -> web.AppRunner:
        runner = web.AppRunner(create_app(Settings(**{"per_minute": 0, "per_hour": 0, **settings}), engine, switch=switch), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        return runner

    def run() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        started.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait(20)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)


def send(page: Any, words: str) -> None:
    """Type a message, press Enter, and wait for the answer."""
    before = page.locator(".message-assistant").count()
    page.fill("#message", words)
    page.press("#message", "Enter")
    page.locator(".message-assistant").nth(before).wait_for()
    page.locator("#statut:empty").wait_for(state="attached")


def reach(page: Any, address: str, state: str) -> None:
    """Open the page and bring it to one of :data:`STATES`, or ``erreur``."""
    page.goto(address)
    for words in STATES.get(state, ()):
        send(page, words)
    if state == "erreur":
        page.locator(".bouton-envoi").click()
        page.locator("#erreur p").wait_for()
