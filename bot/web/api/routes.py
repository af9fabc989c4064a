"""Put the partner API, its document and its two pages into the application."""

from __future__ import annotations

from aiohttp import web

from bot.base.settings import Settings
from bot.web.api import handlers, pages
from bot.web.api.access import KeyRing
from bot.web.api.catalogue import Document
from bot.web.api.openapi import build_openapi
from bot.web.keys import CATALOGUE, ERROR_PAGES, KEYS, OPENAPI


def add_api(app: web.Application, settings: Settings) -> None:
    """Add the routes and what they need.

    Args:
        app: to add to.
        settings: checked settings.
    """
    app[KEYS] = KeyRing.of_file(settings.keys_file)
    app[CATALOGUE] = []
    app[OPENAPI] = Document.of(build_openapi(handlers.OPERATIONS))
    app[ERROR_PAGES] = {pages.PARTNERS_PATH: pages.partners_again}
    for operation in handlers.OPERATIONS:
        app.router.add_route(operation.method, operation.path, operation.handler)
    for path in sorted({operation.path for operation in handlers.OPERATIONS}):
        app.router.add_route("OPTIONS", path, handlers.preflight)
    app.add_routes(
        [
            web.get("/api/openapi.json", handlers.openapi),
            web.get("/api", pages.documentation),
            web.get(pages.PARTNERS_PATH, pages.partners),
            web.post(pages.PARTNERS_PATH, pages.send_list),
        ]
    )
