"""A door on a page of its own, and what goes away with it: a code, a drawing to scan, a day in a calendar; and the page that takes over."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from urllib.parse import urlencode

from aiohttp import web

from bot.base.errors import DoorCodeError
from bot.serving.engine import EngineError
from bot.serving.first_aid import TakenOver
from bot.serving.refusals import Refusal
from bot.serving.takeover import Said, drawn, fragment, reminder, said_before
from bot.serving.view import card_view
from bot.web.keys import CHAT, ENGINE, SETTINGS
from bot.web.public.handlers import conversation_of_cookie, html_page

PATH = "/reprise"
UNKNOWN_REFERRAL = "Cette fiche n'existe pas, ou n'existe plus. Dites votre besoin à l'assistant : il vous donnera la bonne porte."
BAD_DAY = "Choisissez un jour, aujourd'hui ou plus tard."
WITHOUT_WORDS = "non"
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?|\[[0-9a-fA-F:]{2,45}\](:\d{1,5})?")


async def referral(request: web.Request) -> web.Response:
    """GET /fiche/…: one door on a page of its own, to print or to link to.

    ``commune`` is an Insee code; ``besoins`` the needs, one bit each; ``mots`` is "non" to carry the door without what was said.
    """
    told = request.query.get("besoins", "")
    try:
        card = request.app[ENGINE].card(
            request.match_info["sujet"], request.query.get("commune", ""), int(told) if re.fullmatch(r"\d{1,4}", told, re.ASCII) else 0
        )
    except EngineError as error:
        raise Refusal(503, headers={"Retry-After": "5"}) from error
    if card is None:
        raise Refusal(404, UNKNOWN_REFERRAL)
    view = card_view(card, request.app[CHAT].clock())
    said = await _said(request, view["code"])
    silent = request.query.get("mots") == WITHOUT_WORDS
    return html_page(
        request,
        "fiche.html",
        carte=view,
        paroles=() if silent else said,
        sans_mots=f"{request.path}?{urlencode({**request.query, 'mots': WITHOUT_WORDS})}" if said and not silent else "",
        dessin=f"{PATH}/{view['code']}.svg" + (f"?mots={WITHOUT_WORDS}" if silent else ""),
        agents=_site(request).partition("://")[2] + PATH,
        aujourdhui=request.app[CHAT].clock().date().isoformat(),
    )


async def drawing(request: web.Request) -> web.Response:
    """GET /reprise/….svg: the code as a drawing to scan; with what this conversation said on the way to that door, unless refused."""
    code = request.match_info["code"]
    _taken_over(request, code)
    said = () if request.query.get("mots") == WITHOUT_WORDS else await _said(request, code)
    words = fragment(said, request.app[CHAT].clock().date())
    address = f"{_site(request)}{PATH}?{urlencode({'code': code})}{'#' if words else ''}{words}"
    return web.Response(body=await asyncio.to_thread(drawn, address), content_type="image/svg+xml", charset="utf-8")


async def calendar(request: web.Request) -> web.Response:
    """GET /reprise/….ics: the papers of a door, on the day that the person picked (``jour``)."""
    card = card_view(_taken_over(request, request.match_info["code"]).card, request.app[CHAT].clock())
    now = request.app[CHAT].clock()
    try:
        day = date.fromisoformat(request.query.get("jour", ""))
    except ValueError as error:
        raise Refusal(422, BAD_DAY) from error
    if not now.date() <= day <= date(now.year + 10, 12, 31):
        raise Refusal(422, BAD_DAY)
    return web.Response(
        text=reminder(card, day, f"{_site(request)}{card['fiche']}", now),
        content_type="text/calendar",
        charset="utf-8",
        headers={"Content-Disposition": 'attachment; filename="rappel.ics"'},
    )


async def take_over(request: web.Request) -> web.Response:
    """GET /reprise: for who receives the person; ``code`` is typed, or scanned with the rest of the address."""
    typed = request.query.get("code", "")[:40]
    found, mistake = None, ""
    if typed:
        try:
            found = _taken_over(request, typed)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            mistake = refusal.detail
    return html_page(
        request,
        "reprise.html",
        status=422 if mistake else 200,
        code=typed,
        erreur=mistake,
        repris=found,
        carte=card_view(found.card, request.app[CHAT].clock()) if found else None,
    )


def _taken_over(request: web.Request, code: str) -> TakenOver:
    try:
        return request.app[ENGINE].taken_over(code)
    except EngineError as error:
        raise Refusal(503, headers={"Retry-After": "5"}) from error
    except DoorCodeError as error:
        raise Refusal(422, str(error)) from error


async def _said(request: web.Request, code: str) -> tuple[Said, ...]:
    return said_before(await conversation_of_cookie(request), code)


def _site(request: web.Request) -> str:
    """Return the address of this very site, as the person's browser knows it."""
    settings, host = request.app[SETTINGS], request.host
    if settings.proxies:
        host = request.headers.get("X-Forwarded-Host", host).strip()
    if not _HOST.fullmatch(host):
        raise Refusal(400)
    return f"{'https' if settings.https else 'http'}://{host}"
