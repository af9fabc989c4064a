"""A server in a thread and a real browser, for the browser tests and the screenshots."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from bot.base.settings import Settings
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
    "evenement": ("deuil",),
    "urgence": ("feu",),
    "incompris": ("bonjour", "zzz"),
    "anglais": ("hello",),
    "arabe": ("مرحبا",),
}
"""What is typed, in order, to reach each state of the page."""


@contextmanager
def serving(engine: Any, observer: Any = None, port: int = 0, **settings: Any) -> Iterator[str]:
    """Serve an application from a thread; yields its address. Give the port again to restart a server."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    address = []

    async def start() -> web.AppRunner:
        runner = web.AppRunner(
            create_app(Settings(**{"per_minute": 0, "per_hour": 0, **settings}), engine, observer=observer), access_log=None
        )
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
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


def open_widget(page: Any, host: str) -> None:
    """Open the host's page, then the widget, and wait for the field."""
    page.goto(f"{host}/widget")
    page.locator(".al-lanceur").click()
    page.locator("#al-message").wait_for()


def send(page: Any, words: str, field: str = "#message") -> None:
    """Type a message, press Enter, and wait for the answer."""
    before = page.locator(".al-message-assistant").count()
    page.fill(field, words)
    page.press(field, "Enter")
    page.locator(".al-message-assistant").nth(before).wait_for()
    page.locator(".al-statut:empty").wait_for(state="attached")


def reach(page: Any, address: str, state: str, said: Mapping[str, Sequence[str]] = STATES) -> None:
    """Open the page and bring it to one of :data:`STATES`, or ``erreur``; ``said`` replaces what is typed."""
    page.goto(address)
    for words in said.get(state, ()):
        send(page, words)
    if state == "erreur":
        page.locator(".al-bouton-envoi").click()
        page.locator("#erreur p").wait_for()
