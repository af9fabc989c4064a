"""The first page of the workshop: what waits, and where to go."""

from __future__ import annotations

import time

from aiohttp import web

from bot.staff.candidates.comparison import margins_of
from bot.staff.inbox.statistics import summarize
from bot.staff.inbox.traffic import cells_between
from bot.staff.storage import civil_day
from bot.staff.upkeep.retention import DAY
from bot.staff.upkeep.switch import read_notice
from bot.web.staff.framework import ROOT, page, redirect, workshop
from bot.web.staff.plain_words import names_of

HELP = "L'atelier sert à apprendre de nouvelles demandes à l'assistant et à suivre ce qu'il répond. Rien n'y est public."


def add(app: web.Application) -> None:
    """Add the pages."""
    app.add_routes([web.get(ROOT, show), web.get("/atelier", to_root)])


async def to_root(request: web.Request) -> web.StreamResponse:
    """GET without the last slash."""
    return redirect(ROOT)


async def show(request: web.Request) -> web.StreamResponse:
    """GET: the first page."""
    storage = workshop(request).storage
    today = time.time()
    return page(
        request,
        "accueil.html",
        section="accueil",
        titre="L'atelier",
        aide=HELP,
        comptes=workshop(request).inbox().counts(),
        bilan=summarize(cells_between(storage, civil_day(today - 6 * DAY), civil_day(today))),
        etat=read_notice(storage),
        nuit=workshop(request).nightly.report(margins_of(workshop(request).settings), names_of(workshop(request).referential())),
    )
