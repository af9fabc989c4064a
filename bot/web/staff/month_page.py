"""The sheet of one month, to print: taught, helped, fallen back, asked and not taught; each figure with its definition."""

from __future__ import annotations

import time
from datetime import date, timedelta

from aiohttp import web

from bot.serving.refusals import Refusal
from bot.staff.inbox.month import LEAST_VOTES, WORSE, days_of, sheet_of
from bot.staff.storage import civil_day
from bot.web.staff.framework import page, workshop
from bot.web.staff.plain_words import names_of

PATH = "/atelier/mois"
HELP = "La feuille d'un mois, à imprimer ou à joindre. Chaque chiffre a sa définition à côté de lui. Elle se refait seule, à tout moment."
MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
FIRST = "2000-01"


def add(app: web.Application) -> None:
    """Add the page."""
    app.add_routes([web.get(PATH, show)])


async def show(request: web.Request) -> web.StreamResponse:
    """GET: the sheet of a month, that of the last whole month by default."""
    current = civil_day(time.time())[:7]
    asked = request.query.get("mois") or _before(current)
    try:
        if not FIRST < asked <= current:
            raise ValueError
        first, last = days_of(asked)
    except ValueError as error:
        raise Refusal(422, "Un mois s'écrit ainsi : 2026-01. Il a déjà commencé.") from error
    after = (date.fromisoformat(last) + timedelta(days=1)).isoformat()[:7]
    return page(
        request,
        "mois.html",
        section="tableau",
        titre=f"Le mois de {_named(asked)}",
        aide=HELP,
        m=sheet_of(workshop(request).storage, asked),
        noms=names_of(workshop(request).referential()),
        mois=asked,
        du=first,
        au=last,
        avant=(_before(asked), _named(_before(asked))),
        apres=(after, _named(after)) if after <= current else None,
        avis_minimum=LEAST_VOTES,
        recul=round(100 * WORSE),
        entier=asked < current,
    )


def _before(month: str) -> str:
    return (date.fromisoformat(f"{month}-01") - timedelta(days=1)).isoformat()[:7]


def _named(month: str) -> str:
    return f"{MONTHS[int(month[5:]) - 1]} {month[:4]}"
