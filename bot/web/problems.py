"""One error shape for the API (RFC 9457), from any error that stopped a request."""

from __future__ import annotations

from aiohttp import web

from bot.serving.refusals import Refusal


def refusal_of(error: Exception) -> Refusal:
    """Return the refusal for any error that stopped a request."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, web.HTTPException):
        kept = {k: v for k, v in error.headers.items() if k in {"Allow", "Retry-After", "WWW-Authenticate"}}
        return Refusal(error.status, headers=kept)
    return Refusal(500)


def problem_response(refusal: Refusal, request_id: str) -> web.Response:
    """Return the ``application/problem+json`` response of a refusal."""
    body = {
        "type": "about:blank",
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "instance": f"urn:requete:{request_id}",
    }
    return web.json_response(body, status=refusal.status, content_type="application/problem+json", headers=refusal.headers)
