"""The first page of the workshop: what waits, and where to go."""

from __future__ import annotations

from aiohttp import web

from bot.web.atelier.framework import ROOT, page, redirect

HELP = "L'atelier sert à apprendre de nouvelles demandes à l'assistant et à suivre ce qu'il répond. Rien n'y est public."


def add(app: web.Application) -> None:
    """Add the pages."""
    app.add_routes([web.get(ROOT, show), web.get("/atelier", to_root)])


async def to_root(request: web.Request) -> web.StreamResponse:
    """GET without the last slash."""
    return redirect(ROOT)


async def show(request: web.Request) -> web.StreamResponse:
    """GET: the first page."""
    return page(request, "accueil.html", section="accueil", titre="L'atelier", aide=HELP)
