"""The directory's import: choose a published file, read the differences, then write them or not."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aiohttp import web

from bot.base.errors import EditError
from bot.staff.accounts.accounts import Role
from bot.web.staff.deeds import say_change
from bot.web.staff.drafts_page import draft_of
from bot.web.staff.forms import line
from bot.web.staff.framework import actor, needs, page, read_form, redirect, workshop

PATH = "/atelier/annuaire"
SHOWN = 400
"""Lines of differences on the page; the command shows them all."""
HELP = (
    "Compare l'annuaire des lieux à un fichier publié, puis l'écrit si vous le voulez. Ce que quelqu'un a corrigé à la main n'est "
    "jamais touché. Aucun lieu n'est retiré. Le changement attend dans le brouillon. "
    "La comparaison d'un fichier national prend quelques minutes."
)


def add(app: web.Application) -> None:
    """Add the pages."""
    app.add_routes([web.get(PATH, show), web.get(PATH + "/suivi", follow), web.post(PATH, compare), web.post(PATH + "/ecriture", write)])


async def show(request: web.Request) -> web.StreamResponse:
    """GET: the files that wait, and what differs."""
    return _page(request)


async def follow(request: web.Request) -> web.StreamResponse:
    """GET: the part of the page that changes; for the script."""
    return _page(request, "annuaire_suivi.html", piece=True)


@needs(Role.EDITOR)
async def compare(request: web.Request) -> web.StreamResponse:
    """POST: compare a file of the list; nothing is written."""
    form = await read_form(request)
    day = line(form, "date")
    try:
        if day and not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])-([0-2]\d|3[01])", day):
            raise EditError("Choisissez une date.")
        workshop(request).comparisons.start(form.get("fichier", ""), form.get("sorte") == "france_services", day, actor(request))
    except EditError as error:
        return _page(request, mistakes=[str(error)], status=422)
    return redirect(PATH)


@needs(Role.EDITOR)
async def write(request: web.Request) -> web.StreamResponse:
    """POST: write what was compared in the draft."""
    await read_form(request)
    try:
        change = workshop(request).comparisons.write(actor(request), draft_of(request))
    except EditError as error:
        return _page(request, mistakes=str(error).splitlines(), status=409)
    say_change(request, change, "L'annuaire est à jour dans le brouillon. Publiez-le pour que le public le voie.")
    return redirect(PATH)


def _page(
    request: web.Request, template: str = "annuaire.html", mistakes: Sequence[str] = (), status: int = 200, piece: bool = False
) -> web.Response:
    comparisons = workshop(request).comparisons
    latest = comparisons.latest
    lines = latest.plan.lines() if latest and latest.plan else []
    return page(
        request,
        template,
        section="fiches",
        titre="Importer l'annuaire",
        aide=HELP,
        status=status,
        piece=piece,
        fichiers=comparisons.files(),
        dossier="var/annuaire",
        comparaison=latest,
        lignes=lines[:SHOWN],
        autres=max(0, len(lines) - SHOWN),
        ouvert=bool(latest and latest.is_open),
        chemin=PATH,
        fautes=mistakes,
    )
