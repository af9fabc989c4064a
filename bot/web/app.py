"""The aiohttp application: the chat page, its small API, and what watches over them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from bot.base.settings import Settings
from bot.serving.chat import Chat
from bot.serving.engine import Engine
from bot.serving.observer import NullObserver, Observer, Observers
from bot.serving.sessions import MemorySessions, Sessions
from bot.serving.shared import SharedStore
from bot.serving.shared_sessions import SharedSessions
from bot.web.api.routes import add_api
from bot.web.assets import Asset, Pages, load_assets
from bot.web.keys import ASSETS, CHAT, ENGINE, LIMITER, METRICS, OBSERVER, PAGES, SETTINGS
from bot.web.limits import RateLimiter
from bot.web.metrics import Metrics
from bot.web.middlewares import finish_headers, middlewares
from bot.web.public import handlers, sheets

PURGE_SECONDS = 60.0


def create_app(
    settings: Settings,
    engine: Engine,
    assets: Mapping[str, Asset] | None = None,
    observer: Observer | None = None,
) -> web.Application:
    """Return the application.

    Args:
        settings: checked settings.
        engine: answers; started and stopped with the application.
        assets: static files, those of the package by default.
        observer: told of each answered exchange; started and stopped with the application. Nobody by default.
    """
    app = web.Application(middlewares=middlewares(), client_max_size=settings.max_body)
    files = dict(assets if assets is not None else load_assets(settings.theme, settings.dsfr))
    app[SETTINGS] = settings
    app[ENGINE] = engine
    shared = SharedStore(settings.redis) if settings.redis else None
    sessions = _sessions(settings, shared)
    app[METRICS] = Metrics(engine, sessions)
    app[OBSERVER] = Observers((app[METRICS], observer or NullObserver()))
    app[CHAT] = Chat(engine, sessions, app[OBSERVER])
    app[LIMITER] = RateLimiter(settings, shared)
    app[ASSETS] = files
    app[PAGES] = Pages(files, settings.theme)
    app.on_startup.append(_start)
    app.on_cleanup.append(_stop)
    app.cleanup_ctx.append(_purge)
    app.on_response_prepare.append(finish_headers)
    app.add_routes(
        [
            web.get("/", handlers.show_page),
            web.post("/", handlers.send_form),
            web.post("/api/chat", handlers.send_json),
            web.delete("/api/chat", handlers.end_json),
            web.options("/api/chat", handlers.preflight),
            web.post("/api/avis", handlers.vote_json),
            web.options("/api/avis", handlers.preflight),
            web.get("/api/widget", handlers.widget_facts),
            web.get("/widget.js", handlers.widget_script),
            web.get(handlers.FRAME, handlers.show_page),
            web.post(handlers.FRAME, handlers.send_form),
            web.get("/fiche/{sujet}", sheets.referral),
            web.get(sheets.PATH, sheets.take_over),
            web.get(sheets.PATH + r"/{code:[0-9A-Z]{10}}.svg", sheets.drawing),
            web.get(sheets.PATH + r"/{code:[0-9A-Z]{10}}.ics", sheets.calendar),
            web.get("/health", handlers.health),
            web.get("/ready", handlers.ready),
            web.get("/accessibilite", handlers.accessibility),
            web.get("/donnees-personnelles", handlers.privacy),
            web.get("/static/{name}", handlers.static),
            web.get("/{name:dsfr/.+}", handlers.static),
        ]
    )
    add_api(app, settings)
    return app


def _sessions(settings: Settings, shared: SharedStore | None) -> Sessions:
    seconds = settings.session_minutes * 60
    local = MemorySessions(settings.max_sessions, seconds)
    return SharedSessions(shared, local, seconds) if shared else local


async def _start(app: web.Application) -> None:
    app[OBSERVER].start()
    await app[ENGINE].start()


async def _purge(app: web.Application) -> AsyncIterator[None]:
    """Forget old conversations even when nobody comes."""

    async def every_minute() -> None:
        while True:
            await asyncio.sleep(PURGE_SECONDS)
            await app[CHAT].sessions.purge()

    task = asyncio.create_task(every_minute())
    yield
    task.cancel()


async def _stop(app: web.Application) -> None:
    await app[CHAT].sessions.close()
    await app[ENGINE].stop()
    await asyncio.to_thread(app[OBSERVER].stop)
