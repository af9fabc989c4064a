"""The services: the names people say, their desk; a new one is opened here, and waits in the draft as every edit."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from aiohttp import web

from bot.base.errors import EditConflict, EditError
from bot.staff.accounts.accounts import Role
from bot.staff.editing.conflicts import differences
from bot.staff.editing.service_editor import NAMES, ServiceEditor
from bot.staff.editing.topic_editor import suggest_id
from bot.web.staff.deeds import say_change
from bot.web.staff.drafts_page import draft_of
from bot.web.staff.forms import line, lines, loose
from bot.web.staff.framework import actor, needs, page, read_form, redirect, workshop

PATH = "/atelier/services"
NEW = f"{PATH}/nouveau"
ONE = PATH + r"/{id:[a-z][a-z0-9_]{0,62}}"
HELP = (
    "Un service répond à des sujets. Son nom clair est lu par le public ; ses autres noms sont ceux que disent les gens. "
    "Le changement attend dans le brouillon, jusqu'à sa publication."
)


def add(app: web.Application) -> None:
    """Add the pages."""
    app.add_routes([web.get(PATH, show), web.get(NEW, show_new), web.post(NEW, create), web.get(ONE, show_one), web.post(ONE, edit)])


async def show(request: web.Request) -> web.StreamResponse:
    """GET: every service, by delegation."""
    referential = workshop(request).drafted()
    rows = [(d.nom_clair, [s for s in referential.services.values() if s.delegation == d.id]) for d in referential.delegations.values()]
    counts = {s: sum(t.service == s for t in referential.topics.values()) for s in referential.services}
    return page(request, "services.html", section="guichets", titre="Services", aide=HELP, delegations=rows, sujets=counts)


@needs(Role.EDITOR)
async def show_new(request: web.Request) -> web.StreamResponse:
    """GET: the empty form."""
    return _form_page(request, {}, new=True)


@needs(Role.EDITOR)
async def create(request: web.Request) -> web.StreamResponse:
    """POST: open a service."""
    form = await read_form(request)
    values, referential = _values(form), workshop(request).drafted()
    delegation = form.get("delegation", "")
    try:
        if delegation not in referential.delegations:
            raise EditError("Choisissez le service regroupé.")
        service = suggest_id(values["nom_clair"], tuple(referential.services))
        change = ServiceEditor(draft_of(request)).create(service, delegation, values, actor(request))
    except EditError as error:
        return _form_page(request, {**values, "delegation": delegation}, new=True, mistakes=str(error).splitlines(), status=422)
    say_change(request, change, "Le service est enregistré dans le brouillon. Créez-lui des sujets, puis publiez le tout.")
    return redirect(f"{PATH}/{service}")


async def show_one(request: web.Request) -> web.StreamResponse:
    """GET: one service, to read or change."""
    sheet = ServiceEditor(workshop(request).drafts.edited).read(request.match_info["id"])
    return _form_page(request, sheet.values, sheet.id, sheet.version)


@needs(Role.EDITOR)
async def edit(request: web.Request) -> web.StreamResponse:
    """POST: change a service."""
    form, service = await read_form(request), request.match_info["id"]
    values, version = _values(form), form.get("version", "")
    ServiceEditor(workshop(request).drafts.edited).read(service)
    try:
        change = ServiceEditor(draft_of(request)).edit(service, values, version, actor(request))
    except EditConflict as conflict:
        return _form_page(request, values, service, conflict.version, conflict=conflict, status=409)
    except EditError as error:
        return _form_page(request, values, service, version, mistakes=str(error).splitlines(), status=422)
    say_change(request, change, "Le service est enregistré dans le brouillon. Publiez-le pour que le public le voie.")
    return redirect(f"{PATH}/{service}")


def _values(form: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {name: line(form, name) for name in NAMES} | {"anciens_noms": lines(form, "anciens_noms")}
    with contextlib.suppress(ValueError):
        values["verifie_le"] = date.fromisoformat(values["verifie_le"])
    if not isinstance(values["verifie_le"], date):
        values["verifie_le"] = ""
    return values


def _form_page(
    request: web.Request,
    values: Mapping[str, Any],
    service: str = "",
    version: str = "",
    *,
    new: bool = False,
    mistakes: Sequence[str] = (),
    conflict: EditConflict | None = None,
    status: int = 200,
) -> web.Response:
    referential = workshop(request).drafted()
    return page(
        request,
        "service.html",
        section="guichets",
        titre="Nouveau service" if new else str(values.get("nom_clair") or "Service"),
        aide=HELP,
        status=status,
        nouveau=new,
        id=service,
        v=loose(values),
        version=version,
        noms=NAMES,
        guichets=sorted(((d.id, d.nom) for d in referential.entry_points.values()), key=lambda d: d[1]),
        delegations=[(d.id, d.nom_clair) for d in referential.delegations.values()],
        fautes=mistakes,
        conflit=differences(conflict, NAMES) if conflict else (),
        chemin=PATH,
        aujourdhui=date.today().isoformat(),
    )
