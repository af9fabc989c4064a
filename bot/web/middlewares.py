"""What every request goes through: an id and a log line, kind errors, the origin, the rate; and headers on the way out."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.serving.refusals import Refusal
from bot.web.keys import ALLOWANCE, ENGINE, ENGINE_USED, KEYS, LIMITER, METRICS, REQUEST_ID, SETTINGS
from bot.web.limits import Allowance
from bot.web.problems import problem_response, refusal_of
from bot.web.public.handlers import FRAME, error_page
from bot.web.rates import count_messages

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger("bot.web.requetes")

_QUIET = {"/health", "/ready", "/static/{name}", "/{name}"}
_WRITING = {"POST", "DELETE"}


def middlewares() -> list[Any]:
    """Return the middlewares, outermost first."""
    return [identify, explain_errors, check_origin, recognise_key, limit_rate]


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id and write one log line: no words, no address, no query string."""
    request[REQUEST_ID] = secrets.token_hex(8)
    started = time.perf_counter()
    response = await handler(request)
    seconds = time.perf_counter() - started
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "inconnue"
    if METRICS in request.app:
        request.app[METRICS].request(request.method, route, response.status, seconds)
    row = {
        "evenement": "requete",
        "requete": request[REQUEST_ID],
        "methode": request.method,
        "route": route,
        "statut": response.status,
        "ms": round(seconds * 1000, 1),
    }
    if ENGINE_USED in request:
        row["moteur"] = request[ENGINE_USED]
    log.log(logging.DEBUG if route in _QUIET else logging.INFO, "request", extra=row)
    return response


@web.middleware
async def explain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every failure into a kind answer: problem details for programs, a page for people."""
    try:
        return await handler(request)
    except asyncio.CancelledError:
        raise
    except Exception as error:
        refusal = refusal_of(error)
        if refusal.status >= 500:
            log.error("request failed", extra={"evenement": "erreur", "requete": request[REQUEST_ID]}, exc_info=error)
        refusal.with_traceback(None)  # it holds this frame, which holds it, and with them the body: megabytes until the collector passes
        if is_page(request):
            return await error_page(request, refusal)
        return problem_response(refusal, request[REQUEST_ID], request.app[ENGINE].facts)


@web.middleware
async def check_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another site makes a browser send, unless the settings allow that site (API only)."""
    if request.method in _WRITING and not _may_write(request):
        raise Refusal(403)
    return await handler(request)


@web.middleware
async def limit_rate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count the messages of an address; ask to wait when there are too many."""
    if request.method == "POST":
        await count_messages(request)
    return await handler(request)


@web.middleware
async def recognise_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Know the caller of the partner API by its key, when it sends one; a wrong key is refused, never ignored, and counted."""
    if request.path.startswith("/api/") and "Authorization" in request.headers:
        try:
            request[ALLOWANCE] = await request.app[KEYS].allowance(request.headers["Authorization"])
        except Refusal:
            request[ALLOWANCE] = Allowance(f"fausse:{request.app[LIMITER].caller(request)}", request.app[SETTINGS].per_minute)
            await count_messages(request)  # keys are not tried without end
            raise
    return await handler(request)


async def finish_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Set the security headers of every response, errors included, and hide the name of the server."""
    settings = request.app[SETTINGS]
    headers = response.headers
    headers.popall("Server", None)
    framed = request.path == FRAME and bool(settings.hosts)
    ancestors = " ".join(("'self'", *settings.hosts)) if framed else "'none'"
    drawn = " data:" if settings.theme == "dsfr" else ""  # icons written inside its style sheet
    headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'{drawn}; connect-src 'self'; "
        f"font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    )
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Permissions-Policy"] = (
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()"
    )
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "cross-origin" if settings.hosts else "same-origin"
    if not framed:
        headers["X-Frame-Options"] = "DENY"
    if settings.https:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    headers.setdefault("Cache-Control", "no-store")
    if REQUEST_ID in request:
        headers["X-Request-Id"] = request[REQUEST_ID]
    origin = _origin(request)
    if request.path.startswith("/api/"):
        headers["Vary"] = ", ".join(filter(None, (headers.get("Vary"), "Origin")))
        if origin in settings.hosts:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = "ETag, Retry-After, X-Request-Id"


def is_page(request: web.Request) -> bool:
    """Whether a person, not a program, reads the answer of this address."""
    return not request.path.startswith(("/api/", "/health", "/ready"))


def _may_write(request: web.Request) -> bool:
    if request.headers.get("Sec-Fetch-Site") == "same-origin":
        return True
    origin = _origin(request)
    if not origin:
        return request.headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}
    settings = request.app[SETTINGS]
    if not is_page(request) and origin in settings.hosts:
        return True
    hosts = {request.host.lower()}
    if settings.proxies and "X-Forwarded-Host" in request.headers:
        hosts.add(request.headers["X-Forwarded-Host"].strip().lower())
    return origin.rpartition("://")[2] in hosts


def _origin(request: web.Request) -> str:
    return request.headers.get("Origin", "").strip().rstrip("/").lower()
