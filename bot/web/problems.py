"""One error shape for the API (RFC 9457), from any error that stopped a request."""

from __future__ import annotations

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bot.serving.first_aid import SiteFacts
from bot.serving.refusals import Refusal

UNREAD = frozenset({408, 410, 413, 429, 500, 503})
"""Refusals of a message that may tell a danger: the person did nothing wrong, and nobody read it."""
BROKEN = (HttpProcessingError, web.RequestPayloadError)
"""What reading a body raises when it is not what its headers say: compressed, cut in chunks."""


def refusal_of(error: Exception) -> Refusal:
    """Return the refusal for any error that stopped a request."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, web.HTTPException):
        kept = {k: v for k, v in error.headers.items() if k in {"Allow", "Retry-After", "WWW-Authenticate"}}
        return Refusal(error.status, headers=kept)
    return Refusal(400 if isinstance(error, BROKEN) else 500)


def problem_response(refusal: Refusal, request_id: str, facts: SiteFacts) -> web.Response:
    """Return the ``application/problem+json`` response of a refusal, with the emergency numbers: what was sent was not read."""
    body = {
        "type": "about:blank",
        "title": refusal.title,
        "status": refusal.status,
        "detail": " ".join(filter(None, (refusal.detail, facts.in_danger if refusal.status in UNREAD else ""))),
        "instance": f"urn:requete:{request_id}",
        "appels": [{"numero": call.number, "nom": call.name} for call in facts.calls],
    }
    return web.json_response(body, status=refusal.status, content_type="application/problem+json", headers=refusal.headers)
