"""Exceptional closures: which are coming, and two clicks to add or remove one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

from aiohttp import web

from bot.base.errors import EditError
from bot.staff.accounts.accounts import Role
from bot.staff.editing.closures_editor import ClosuresEditor, places_of
from bot.web.staff.deeds import say_change
from bot.web.staff.drafts_page import draft_of
from bot.web.staff.forms import line
from bot.web.staff.framework import actor, needs, page, read_form, redirect, workshop

PATH = "/atelier/fermetures"
HELP = (
    "Les jours où un lieu est fermé, en plus de ses horaires. Les jours fériés sont déjà connus : ne les écrivez pas. "
    "La fermeture attend dans le brouillon ; publiée, le public la voit jusqu'à son dernier jour."
)
_ID = re.compile(r"\(([a-z0-9_-]+)\)$")
"""At the end of what the list of places proposes: « Mairie de Figeac (mairie-46102-01) »."""


def add(app: web.Application) -> None:
    """Add the page."""
    app.add_routes([web.get(PATH, show), web.post(PATH, change)])


async def show(request: web.Request) -> web.StreamResponse:
    """GET: the closures that are not past, and a form."""
    return _form_page(request, {})


@needs(Role.EDITOR)
async def change(request: web.Request) -> web.StreamResponse:
    """POST: add one, or remove the one named."""
    form = await read_form(request)
    editor = ClosuresEditor(draft_of(request))
    removed, typed = form.get("retirer", ""), line(form, "lieu")
    match = _ID.search(typed)
    place = match.group(1) if match else typed
    try:
        if removed:
            done = editor.remove(removed, actor(request))
        else:
            first = date.fromisoformat(form.get("du", ""))
            last = date.fromisoformat(form.get("au") or form.get("du", ""))
            reason, source = line(form, "motif"), line(form, "source")
            done = editor.add(workshop(request).drafted(), place, first, last, reason, source, actor(request))
    except ValueError:
        return _form_page(request, form, ["Écrivez le premier jour de la fermeture."], 422)
    except EditError as error:
        return _form_page(request, form, str(error).splitlines(), 422)
    said = "La fermeture est retirée, dans le brouillon." if removed else "La fermeture est enregistrée dans le brouillon."
    say_change(request, done, f"{said} Publiez-le pour que le public le voie.")
    return redirect(PATH)


def _form_page(request: web.Request, typed: Mapping[str, str], mistakes: Sequence[str] = (), status: int = 200) -> web.Response:
    referential = workshop(request).drafted()
    coming = sorted((c for c in referential.closures if c.au >= date.today()), key=lambda closure: closure.du)
    return page(
        request,
        "fermetures.html",
        section="fiches",
        titre="Fermetures exceptionnelles",
        aide=HELP,
        status=status,
        fermetures=coming,
        lieux=places_of(referential),
        v={name: typed.get(name, "") for name in ("lieu", "du", "au", "motif", "source")},
        fautes=mistakes,
    )
