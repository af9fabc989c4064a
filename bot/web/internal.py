"""The internal application: the workshop, on a listener of its own that can be kept inside the house.

It runs in the same process as the public page but in a thread and an event loop of its own: whatever staff do, citizens
do not wait. Its pages wait for the database in a second thread: the measures for a supervisor, served by the first, are alive
while the database hangs, and when the workshop cannot be opened at all.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace

from aiohttp import web

from bot.serving.watched import LoopThread
from bot.web.assets import Asset, Pages, load_assets
from bot.web.keys import ASSETS, PAGES, SETTINGS
from bot.web.middlewares import finish_headers, identify
from bot.web.public import handlers
from bot.web.staff import add_pages
from bot.web.staff.framework import ROOT, WORKSHOP, Handler, Workshop, explain, guard, posted

log = logging.getLogger("bot.web.internal")
MAX_BODY = 2 * 1024 * 1024
START_SECONDS = 20.0
STOP_SECONDS = 3.0


def create_internal_app(
    workshop: Workshop, assets: Mapping[str, Asset] | None = None, routes: Sequence[web.RouteDef] = ()
) -> web.Application:
    """Return the internal application.

    Args:
        workshop: what the pages work with.
        assets: static files, those of the package by default.
        routes: other internal addresses, open to whoever reaches the listener.
    """
    behind = LoopThread("atelier")

    @web.middleware
    async def apart(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a page of the workshop in the second thread, once the whole form is here."""
        if not request.path.startswith(ROOT):
            return await explain(request, handler)
        broken: Exception | None = None
        if request.method not in {"GET", "HEAD"}:
            try:
                await posted(request)
            except Exception as error:
                broken = error

        async def answer(asked: web.Request) -> web.StreamResponse:
            if broken is not None:
                raise broken
            return await guard(asked, handler)

        return await behind.run(explain(request, answer))

    async def end(_app: web.Application) -> AsyncIterator[None]:
        yield
        behind.stop()

    app = web.Application(middlewares=[identify, apart], client_max_size=MAX_BODY)
    app.cleanup_ctx.append(end)
    files = dict(assets if assets is not None else load_assets())
    app[SETTINGS] = replace(workshop.settings, hosts=())  # no other site may frame these pages
    app[WORKSHOP] = workshop
    app[ASSETS] = files
    app[PAGES] = Pages(files, workshop.settings.theme)
    app.on_response_prepare.append(finish_headers)
    app.add_routes([web.get("/", _to_workshop), web.get("/static/{name}", handlers.static), *routes])
    add_pages(app)
    return app


def create_measures_app(route: web.RouteDef) -> web.Application:
    """Return what is served there when the workshop cannot be: the measures alone."""
    app = web.Application()
    app.add_routes([route])
    return app


async def _to_workshop(_request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": ROOT})


class InternalServer:
    """Serves an application from a thread of its own.

    Args:
        build: makes the application, in the thread.
        listener: bound socket to serve on.
    """

    def __init__(self, build: Callable[[], web.Application], listener: socket.socket) -> None:
        self._build = build
        self._listener = listener
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="interne", daemon=True)
        self._ready = threading.Event()

    def start(self) -> None:
        """Start serving, and return at once."""
        self._thread.start()

    def wait(self) -> bool:
        """Wait until it serves; for tests."""
        return self._ready.wait(START_SECONDS)

    def stop(self) -> None:
        """Stop serving."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner: web.AppRunner | None = None
        try:
            runner = web.AppRunner(self._build(), access_log=None)
            self._loop.run_until_complete(self._serve(runner))
            self._ready.set()
            self._loop.run_forever()
        except Exception as error:
            log.error("internal server failed", extra={"evenement": "interne_erreur"}, exc_info=error)
        finally:
            if runner is not None:
                self._loop.run_until_complete(runner.cleanup())
            self._loop.close()

    async def _serve(self, runner: web.AppRunner) -> None:
        await runner.setup()
        await web.SockSite(runner, self._listener).start()
