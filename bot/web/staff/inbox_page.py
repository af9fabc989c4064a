"""The inbox: messages to read, each settled by one button."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from bot.base.errors import AssistantError, ModelError
from bot.learning.loading import shared_model
from bot.serving.refusals import Refusal
from bot.staff.accounts.accounts import Role
from bot.staff.candidates.exam import CALM, NO_REQUEST, SPECIAL, URGENT
from bot.staff.inbox.events import CHECK_DAYS, LOW_CONFIDENCE, REASONS, SURE
from bot.staff.inbox.inbox import ATTACHED, DRAWN, NOTHING, OPEN, STATES, WAITING, Exchange, Group, Inbox
from bot.staff.inbox.meaning import alike_in_meaning, gather
from bot.staff.upkeep.retention import DAY
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
    "Choisissez le bon sujet : la phrase attend dans le brouillon, et s'apprend à sa publication. Un message sans intérêt s'écarte "
    "pour toujours."
)
HELP_ONE = (
    "Choisissez le sujet de cette demande. Vous pouvez aussi ajouter d'autres façons de la dire. Ces phrases attendent dans "
    "le brouillon. Une fois publiées, elles sont comprises tout de suite ; un entraînement les étend aux autres façons de le dire."
)


KEPT_SENTENCE = (
    "Message gardé pour l'examen. L'assistant ne l'apprend pas, et aucune page ne le montre : les prochains modèles seront jugés dessus."
)
EXPECTED = {**SPECIAL, NOTHING: SPECIAL[NO_REQUEST]}
"""What a message was settled as, besides topics."""
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


WHY = {
    "incompris": "l'assistant n'a pas compris",
    "clarifier": "l'assistant a hésité",
    "hors_sujet": "l'assistant a cru que ce n'était pas une demande",
    "doute": "une porte a été donnée, avec un doute",
    "non": "la personne a dit que la réponse n'a pas aidé",
    "faux": "la réponse a été jugée fausse au contrôle",
}
"""Why a message is to be read, in plain words."""
GATHERED, EVERY = 300, 1_000_000
"""Messages that are compared by meaning, those worth the most; and all of a list."""


def add(app: web.Application) -> None:
    """Add the pages."""
    app.add_routes(
        [
            web.get(PATH, show),
            web.post(PATH, settle_many),
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
    referential = workshop(request).referential()
    words, service, cause = (request.query.get(name, "")[:100] for name in ("q", "service", "pourquoi"))
    gathering = state == OPEN and request.query.get("reunir") != "non"
    reasons = inbox.reasons(state) if state in {OPEN, DRAWN} else {}

    def wanted(group: Group) -> bool:
        near = [group.topic] if group.topic else group.suggestions[:1]
        why = _why(reasons[group.id]) if group.id in reasons else ""
        return cause in {"", why} and (
            not service or any(t in referential.topics and referential.topics[t].service == service for t in near)
        )

    keep = wanted if service or cause else None
    together: dict[int, list[int]] = {}
    groups: Sequence[Group]
    if gathering:
        every, _ = inbox.page(state, EVERY, 0, words, keep)
        together = await asyncio.to_thread(_together, request, every)
        joined = {i for others in together.values() for i in others}
        heads = [group for group in every if group.id not in joined]
        groups, total, texts = heads[offset : offset + limit], len(heads), {group.id: group.text for group in every}
    else:
        (groups, total), texts = inbox.page(state, limit, offset, words, keep), {}
    topics = choices_of(referential)
    return page(
        request,
        "boite.html",
        section="boite",
        titre="Boîte de réception",
        aide=HELP,
        recherche=words,
        service=service,
        cause=cause,
        causes=WHY,
        reunis={g.id: [(i, texts[i]) for i in together.get(g.id, ())] for g in groups},
        reunir=gathering,
        services=sorted(((s.id, s.nom_clair) for s in referential.services.values()), key=lambda s: s[1]),
        controles=inbox.checked(time.time() - CHECK_DAYS * DAY) if state == DRAWN else None,
        reponses=reasons,
        raisons=REASONS,
        pourquoi=lambda exchange: WHY[_why(exchange)],
        genres=KINDS,
        attendus=EXPECTED,
        nom=_names(request),
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
    return page(
        request,
        "message.html",
        section="boite",
        attendus=EXPECTED,
        voisins=_neighbours(request, inbox, group),
        titre="Un message à classer" if group.state == OPEN else "Un message classé",
        aide=HELP_ONE,
        message=group,
        variantes=inbox.variants(group.id),
        a_relire=inbox.waiting_variants(group.id),
        historique=inbox.history(group.id),
        echanges=(echanges := inbox.exchanges(group.id)),
        pourquoi=WHY[_why(echanges[0])] if group.state == OPEN and echanges else "",
        raisons=REASONS,
        nom=_names(request),
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
        kept = form.get("examen") == "oui"
        if act in {"juste", "faux"}:
            answered = inbox.answered(group) if kept else ""
            if answered:
                inbox.keep(group, answered, actor(request))
            else:
                inbox.check(group, act == "juste", actor(request))
            flash(request, KEPT_SENTENCE if answered else "C'est noté." if act == "juste" else "Le message attend dans « À traiter ».")
        elif act in {URGENT, CALM} or (act == NO_REQUEST and kept):
            inbox.keep(group, act, actor(request))
            flash(request, KEPT_SENTENCE)
        elif act == NO_REQUEST:
            done = inbox.attach(group, NOTHING, actor(request), await read_all(request, "variante"))
            flash(request, f"L'assistant sait que ce message ne demande rien. {_waits(done)}")
            _with_neighbours(request, await read_all(request, "voisin"), lambda other: inbox.attach(other, NOTHING, actor(request)))
        elif form.get("sujet") or act == "rattacher":
            topic = form.get("sujet") or resolve(topics, form.get("autre_sujet", ""))
            if not topic:
                raise Refusal(422, "Choisissez un sujet dans la liste, ou cherchez-le par son nom.")
            if kept:
                inbox.keep(group, topic, actor(request))
                flash(request, KEPT_SENTENCE)
                return redirect(PATH)
            done = inbox.attach(group, topic, actor(request), await read_all(request, "variante"))
            flash(request, f"Message rattaché à « {topics[topic].label} ». {_waits(done)}")
            _with_neighbours(request, await read_all(request, "voisin"), lambda other: inbox.attach(other, topic, actor(request)))
        elif act == "ignorer":
            inbox.ignore(group, actor(request))
            _with_neighbours(request, await read_all(request, "voisin"), lambda other: inbox.ignore(other, actor(request)))
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
    return redirect(_inside(back))


@needs(Role.EDITOR)
async def settle_many(request: web.Request) -> web.StreamResponse:
    """POST: one gesture for every message ticked."""
    form, inbox = await read_form(request), workshop(request).inbox()
    topics = choices_of(workshop(request).referential())
    chosen, act, back = await read_all(request, "groupe"), form.get("geste", ""), form.get("retour") or PATH
    topic = NOTHING if act == NO_REQUEST else resolve(topics, form.get("sujet_lot", ""))
    deeds: dict[str, Callable[[int], object]] = {
        "rattacher": lambda group: inbox.attach(group, topic, actor(request)),
        NO_REQUEST: lambda group: inbox.attach(group, topic, actor(request)),
        "ignorer": lambda group: inbox.ignore(group, actor(request)),
        "juste": lambda group: inbox.check(group, True, actor(request)),
        "faux": lambda group: inbox.check(group, False, actor(request)),
    }
    if act not in deeds:
        raise Refusal(422, "Ce geste n'existe pas.")
    if not chosen:
        flash(request, "Cochez d'abord des messages.", "attention")
    _with_neighbours(request, chosen, deeds[act])
    return redirect(_inside(back))


def _with_neighbours(request: web.Request, groups: Sequence[str], deed: Callable[[int], object]) -> None:
    """Do the same to other messages; what one refuses does not stop the next, and is said."""
    refused, done = [], 0
    for group in groups:
        try:
            if group.isdecimal() and len(group) <= 12:
                deed(int(group))
                done += 1
        except AssistantError as error:
            refused.append(str(error))
    if done:
        flash(request, "1 message réglé ainsi." if done == 1 else f"{done} messages réglés ainsi.")
    for sentence in dict.fromkeys(refused):
        flash(request, sentence, "erreur")


def _neighbours(request: web.Request, inbox: Inbox, group: Group) -> list[tuple[int, str]]:
    """Return the other open messages that say nearly the same in other words; none without a model."""
    others = {i: text for i, text in inbox.waiting_texts().items() if i != group.id}
    if group.state != OPEN or not group.text or not others:
        return []
    try:
        return [(i, others[i]) for i in alike_in_meaning(group.text, others, shared_model(workshop(request).paths.router_model))]
    except ModelError:
        return []


def _why(exchange: Exchange) -> str:
    """Return why a message is to be read: a key of :data:`WHY`."""
    if exchange.helpful is False:
        return "non"
    if exchange.kind in SURE:
        low = exchange.confidence is not None and exchange.confidence < LOW_CONFIDENCE
        return "doute" if low else "faux"
    return exchange.kind if exchange.kind in WHY else "incompris"


def _together(request: web.Request, groups: Sequence[Group]) -> dict[int, list[int]]:
    """Return the messages that say the same thing, under the first of each; each alone without a model."""
    try:
        stored = shared_model(workshop(request).paths.router_model)
        return gather({g.id: g.text for g in groups[:GATHERED] if g.text}, stored)
    except ModelError:
        return {}


def _waits(done: Group) -> str:
    if done.state == WAITING:
        return "Une seconde personne doit le relire."
    return "Il attend dans le brouillon : publiez-le, et il sera compris aussitôt. Un entraînement l'étend aux autres façons de le dire."


def _names(request: web.Request) -> Callable[[str], str]:
    referential = workshop(request).referential()
    names = {d.id: d.nom_clair for d in referential.delegations.values()}
    names |= {s.id: s.nom_clair for s in referential.services.values()} | {t.id: t.libelle for t in referential.topics.values()}
    return lambda key: names.get(key, key)


def _inside(back: str) -> str:
    return back if back.startswith(PATH) and "//" not in back and "\\" not in back else PATH


def _common(request: web.Request) -> dict[str, Any]:
    known = any(resource.canonical == NEW_TOPIC for resource in request.app.router.resources())
    return {"nouveau_sujet": NEW_TOPIC if known else "", "ici": request.path_qs, "peut_relire": lambda g: _may_confirm(request, g)}


def _may_confirm(request: web.Request, group: Group) -> bool:
    return group.state in {WAITING, ATTACHED} and not group.confirmed_by and bool(group.text) and group.labelled_by != actor(request)
