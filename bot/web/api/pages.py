"""Two pages for people: the documentation of the API, and the list of file subjects for a mairie without any tool."""

from __future__ import annotations

import asyncio
import re

from aiohttp import web

from bot.base.errors import BadMessage
from bot.dialogue.subject_lists import read_list, read_pasted
from bot.serving.refusals import Refusal
from bot.web.api import handlers
from bot.web.keys import SETTINGS
from bot.web.public.handlers import html_page
from bot.web.rates import CHARACTERS_PER_MESSAGE

PARTNERS_PATH = "/partenaires"
PASTE_FIELD = "liste"
PARTNER = "partenaire"
MAX_GIVEN_BACK = 200_000
MAXIMUM = f"{handlers.MAX_LINES:,}".replace(",", "\u00a0")
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?|\[[0-9A-Fa-f:]+\](:\d{1,5})?")


async def documentation(request: web.Request) -> web.Response:
    """GET /api: what the API does, with examples that run as they are."""
    settings = request.app[SETTINGS]
    host = request.host if _HOST.fullmatch(request.host) else "localhost:8000"
    return html_page(
        request,
        "api.html",
        base=f"{'https' if settings.https else 'http'}://{host}",
        operations=handlers.OPERATIONS,
        maximum=MAXIMUM,
        tranche=handlers.LINES_PER_MESSAGE,
        caracteres=handlers.LISTED_PER_MESSAGE,
        long=CHARACTERS_PER_MESSAGE,
        par_minute=settings.per_minute,
        par_heure=settings.per_hour,
        poids=f"{settings.max_batch_body / 1_048_576:.2g}".replace(".", ","),
    )


async def partners(request: web.Request) -> web.Response:
    """GET /partenaires: the form."""
    return _form(request)


async def send_list(request: web.Request) -> web.StreamResponse:
    """POST /partenaires: the list comes back as a CSV file; when it cannot, the form comes back with what was pasted."""
    if request.content_type != handlers.FORM_TYPE:
        raise Refusal(415)
    form = await handlers.read_form(request)
    pasted = form.get(PASTE_FIELD, b"").decode("utf-8", "replace")
    raw = form.get(handlers.FILE_FIELD, b"")
    try:
        subjects = await asyncio.to_thread(read_list, raw, handlers.MAX_LINES) if raw else await asyncio.to_thread(read_pasted, pasted)
        return await handlers.send_list(request, subjects, PARTNER)
    except BadMessage as error:
        return _form(request, pasted, Refusal(422, str(error)))
    except Refusal as refusal:
        return _form(request, pasted, refusal)


async def partners_again(request: web.Request, refusal: Refusal) -> web.Response:
    """Give the form back with what was pasted, when a list is refused before it is read."""
    try:
        form = await handlers.read_form(request)
    except (Refusal, web.HTTPException, ConnectionError):
        form = {}
    return _form(request, form.get(PASTE_FIELD, b"").decode("utf-8", "replace"), refusal)


def _form(request: web.Request, pasted: str = "", refusal: Refusal | None = None) -> web.Response:
    response = html_page(
        request,
        "partenaires.html",
        status=refusal.status if refusal else 200,
        liste=pasted[:MAX_GIVEN_BACK],
        erreur=refusal.detail if refusal else "",
        maximum=MAXIMUM,
    )
    response.headers.update(refusal.headers if refusal else {})
    return response
