"""The inbox: messages to read, each settled by one button."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.base.errors import AssistantError
from bot.serving.refusals import Refusal
from bot.staff.accounts.accounts import Role
from bot.staff.candidates.exam import SPECIAL
from bot.staff.inbox.events import REASONS
from bot.staff.inbox.inbox import ATTACHED, OPEN, STATES, WAITING, Group
from bot.web.staff.framework import (
    Pagination,
    actor,
    asked_page,
    flash,
    needs,
    page,
    read_all,
    read_form,
    redirect,
    workshop,
)
from bot.web.staff.topics import choices_of, resolve, search

PATH = "/atelier/boite"
NEW_TOPIC = "/atelier/sujets/nouveau"
SIZE = 15
HELP = (
    "Voici les messages que l'assistant n'a pas compris, ceux où il doute, ceux qu'il a crus hors sujet, et ceux dont la réponse n'a "
    "pas aidé. Les données "
    "personnelles sont déjà cachées. Les messages qui se ressemblent sont réunis. En haut : ceux dont l'assistant apprendra le plus. "
    "Choisissez le bon sujet, et la phrase entre dans ses exemples. Un message sans intérêt s'écarte pour toujours."
)
HELP_ONE = (
    "Choisissez le sujet de cette demande. Vous pouvez aussi ajouter d'autres façons de la dire. Ces phrases sont comprises "
    "tout de suite ; un entraînement les étend aux autres façons de le dire."
)


KEPT_SENTENCE = (
    "Message gardé pour l'examen. L'assistant ne l'apprend pas, et aucune page ne le montre : les prochains modèles seront jugés dessus."
)
KINDS = {
    "orienter": "une porte",
    "hors_perimetre": "un autre organisme",
    "clarifier": "une question",
    "incompris": "pas compris",
    "hors_sujet": "ce n'est pas une demande",
    "conversation": "un mot aimable",
    "urgence": "les numéros d'urgence",
}
"""What was answered, in plain words."""


def add(app: web.Application) -> None:
    """Add the pages."""
    app.add_routes(
        [
            web.get(PATH, show),
            web.get(PATH + r"/{id:\d{1,12}}", show_one),
            web.post(PATH + r"/{id:\d{1,12}}", settle),
        ]
    )


async def show(request: web.Request) -> web.StreamResponse:
    """GET: the groups of one state, those to treat first by default."""
    state = request.query.get("etat", OPEN)
    state = state if state in STATES else OPEN
    inbox = workshop(request).inbox()
    limit, offset = asked_page(request, SIZE)
    groups, total = inbox.page(state, limit, offset)
    topics = choices_of(workshop(request).referential())
    return page(
        request,
        "boite.html",
        section="boite",
        titre="Boîte de réception",
        aide=HELP,
        attendus=SPECIAL,
        etat=state,
        etats=STATES,
        comptes=inbox.counts(),
        messages=groups,
        sujets=topics,
        pagination=Pagination.of(request, total, SIZE),
        **_common(request),
    )


async def show_one(request: web.Request) -> web.StreamResponse:
    """GET: one group, with its wordings, its history and a search among the topics."""
    inbox = workshop(request).inbox()
    group = inbox.get(int(request.match_info["id"]))
    topics = choices_of(workshop(request).referential())
    words = request.query.get("q", "")[:100]
    referential = workshop(request).referential()
    names = {d.id: d.nom_clair for d in referential.delegations.values()}
    names |= {s.id: s.nom_clair for s in referential.services.values()} | {t.id: t.libelle for t in referential.topics.values()}
    return page(
        request,
        "message.html",
        section="boite",
        attendus=SPECIAL,
        titre="Un message à classer" if group.state == OPEN else "Un message classé",
        aide=HELP_ONE,
        message=group,
        variantes=inbox.variants(group.id),
        historique=inbox.history(group.id),
        echanges=inbox.exchanges(group.id),
        raisons=REASONS,
        nom=lambda key: names.get(key, key),
        genres=KINDS,
        sujets=topics,
        recherche=words,
        trouves=search(topics, words),
        peut_confirmer=_may_confirm(request, group),
        **_common(request),
    )


@needs(Role.EDITOR)
async def settle(request: web.Request) -> web.StreamResponse:
    """POST: attach, ignore, confirm, refuse or bring back, then go on with the list."""
    form = await read_form(request)
    group, inbox = int(request.match_info["id"]), workshop(request).inbox()
    topics = choices_of(workshop(request).referential())
    act, back = form.get("geste", ""), form.get("retour") or PATH
    try:
        if act in SPECIAL:
            inbox.keep(group, act, actor(request))
            flash(request, KEPT_SENTENCE)
        elif form.get("sujet") or act == "rattacher":
            topic = form.get("sujet") or resolve(topics, form.get("autre_sujet", ""))
            if not topic:
                raise Refusal(422, "Choisissez un sujet dans la liste, ou cherchez-le par son nom.")
            if form.get("examen") == "oui":
                inbox.keep(group, topic, actor(request))
                flash(request, KEPT_SENTENCE)
                return redirect(PATH)
            done = inbox.attach(group, topic, actor(request), await read_all(request, "variante"))
            waits = (
                "Une seconde personne doit le relire."
                if done.state == WAITING
                else "Il est compris tout de suite, mot pour mot ; un entraînement l'étend aux autres façons de le dire."
            )
            flash(request, f"Message rattaché à « {topics[topic].label} ». {waits}")
        elif act == "ignorer":
            inbox.ignore(group, actor(request))
            flash(request, "Message écarté : il ne reviendra pas.")
        elif act == "confirmer":
            inbox.confirm(group, actor(request))
            flash(request, "Rattachement confirmé.")
        elif act == "refuser":
            inbox.refuse(group, actor(request))
            flash(request, "Rattachement refusé : le message revient dans la boîte.")
        elif act == "rouvrir":
            inbox.reopen(group, actor(request))
            flash(request, "Le message est revenu dans la boîte.")
        else:
            raise Refusal(422, "Ce geste n'existe pas.")
    except AssistantError as error:
        flash(request, str(error), "erreur")
    return redirect(back if back.startswith(PATH) and "//" not in back and "\\" not in back else PATH)


def _common(request: web.Request) -> dict[str, Any]:
    known = any(resource.canonical == NEW_TOPIC for resource in request.app.router.resources())
    return {"nouveau_sujet": NEW_TOPIC if known else "", "ici": request.path_qs, "peut_relire": lambda g: _may_confirm(request, g)}


def _may_confirm(request: web.Request, group: Group) -> bool:
    return group.state in {WAITING, ATTACHED} and not group.confirmed_by and bool(group.text) and group.labelled_by != actor(request)
