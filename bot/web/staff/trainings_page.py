"""Train from a page: one queue, live progress, a button to stop."""

from __future__ import annotations

from aiohttp import web

from bot.base.errors import TrainingError
from bot.learning.freshness import is_current
from bot.staff.accounts.accounts import Role
from bot.web.staff.deeds import note
from bot.web.staff.framework import actor, flash, needs, page, read_form, redirect, workshop

PATH = "/atelier/entrainement"
HELP = (
    "Un entraînement apprend à l'assistant les phrases enregistrées. Il prend une à trois minutes. Pendant ce temps, l'assistant "
    "répond comme d'habitude. À la fin, vous comparez le nouveau modèle, puis vous le mettez en service ou non."
)


def add(app: web.Application) -> None:
    """Add the pages."""
    app.add_routes(
        [
            web.get(PATH, show),
            web.post(PATH, start),
            web.get(PATH + "/suivi", follow),
            web.post(PATH + "/nuit", plan),
            web.post(PATH + r"/{id:\d{1,9}}/arret", cancel),
        ]
    )


async def show(request: web.Request) -> web.StreamResponse:
    """GET: what runs, what waits, what ended."""
    return _page(request, "entrainement.html")


async def follow(request: web.Request) -> web.StreamResponse:
    """GET: the part of the page that changes; for the script."""
    return _page(request, "entrainement_suivi.html", piece=True)


@needs(Role.EDITOR)
async def start(request: web.Request) -> web.StreamResponse:
    """POST: ask for a training."""
    asked = workshop(request).queue.submit(actor(request))
    note(request, "entrainement_demande", str(asked.id))
    return redirect(PATH)


@needs(Role.EDITOR)
async def plan(request: web.Request) -> web.StreamResponse:
    """POST: train every night at an hour, or never."""
    form = await read_form(request)
    hour = "" if form.get("geste") == "jamais" else form.get("heure", "")
    try:
        workshop(request).nightly.set(hour, actor(request))
        flash(request, f"Entraînement prévu chaque nuit à {hour}." if hour else "Plus d'entraînement la nuit.")
    except TrainingError as error:
        flash(request, str(error), "erreur")
    return redirect(PATH)


@needs(Role.EDITOR)
async def cancel(request: web.Request) -> web.StreamResponse:
    """POST: stop a training."""
    await read_form(request)
    number = int(request.match_info["id"])
    try:
        workshop(request).queue.cancel(number)
        note(request, "entrainement_annule", str(number))
        flash(request, "L'entraînement s'arrête. Rien n'a changé pour le public.")
    except TrainingError as error:
        flash(request, str(error), "attention")
    return redirect(PATH)


def _page(request: web.Request, template: str, piece: bool = False) -> web.Response:
    latest = workshop(request).queue.latest()
    return page(
        request,
        template,
        section="entrainement",
        titre="Entraînement",
        aide=HELP,
        entrainements=latest,
        ouvert=any(t.is_open for t in latest),
        nuit=workshop(request).nightly.plan(),
        a_jour=is_current(workshop(request).paths),
        chemin=PATH,
        piece=piece,
    )
