"""Compare models, put one live, go back: each in one click, through the gate."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.base.errors import EditError, GateRefused, ModelError
from bot.learning.store import load_model
from bot.serving.refusals import Refusal
from bot.staff.accounts import audit
from bot.staff.accounts.accounts import Role
from bot.staff.candidates import exam
from bot.staff.candidates.candidate import learnt_since
from bot.staff.candidates.comparison import FIGURE_NAMES, compare, confusions, margins_of, messages_behind, verdict_of
from bot.staff.candidates.moves import Move, digest_of_moves, moves
from bot.staff.candidates.registry import ModelCard, ModelRegistry
from bot.staff.rehearsal import version_of
from bot.staff.upkeep.retention import DAY
from bot.staff.witness import MIN_REASON
from bot.web.staff.deeds import note, when_public
from bot.web.staff.framework import (
    FORBIDDEN,
    SESSION,
    actor,
    flash,
    needs,
    page,
    read_form,
    readable_time,
    redirect,
    signature,
    workshop,
)

PATH = "/atelier/modeles"
ONE = PATH + r"/{id:[0-9a-f]{16}}"
SHOWN = 200
ENOUGH_LEARNT = 0.8
"""Share of the taught phrases recognised from which a topic is learnt."""
BETTER_HIGH = frozenset({"urgences_reconnues", "bonne_delegation", "bon_service", "hors_sujet_reconnus", "validation_croisee"})
"""Figures that are better when they rise."""
SPECIAL = {**exam.SPECIAL, "question": "Une question", "incompris": "Incompris"}
MONTH, REREAD = 30, 300
"""Days of traffic, and messages of it, that a model is tried on before it goes live."""
UNREAD = "Lisez d'abord les messages du public qui changent de porte, puis cochez la case."
_MOVED: dict[tuple[str, str, str], tuple[Move, ...]] = {}
"""The last comparison; it holds no words."""
HELP = (
    "Chaque entraînement donne un modèle. Un seul répond au public. Avant d'en changer, la page compare les deux sur des messages "
    "d'essai que ni l'un ni l'autre n'a appris. Un modèle moins bon ne peut pas passer. Vous pouvez toujours revenir en arrière."
)


def add(app: web.Application) -> None:
    """Add the pages."""
    app.add_routes(
        [
            web.get(PATH, show),
            web.post(PATH + "/retour", go_back),
            web.get(ONE, show_one),
            web.get(ONE + "/messages", show_messages),
            web.post(ONE + "/service", promote),
        ]
    )


async def show(request: web.Request) -> web.StreamResponse:
    """GET: every model, the live one marked."""
    registry = _registry(request)
    cards = registry.all()
    return page(
        request,
        "modeles.html",
        section="modeles",
        titre="Modèles",
        aide=HELP,
        modeles=cards,
        dates={card.id: f"le modèle du {readable_time(card.date.timestamp())}" for card in cards},
        precedent=registry.previous(),
        evenements=[
            {"motif": "", **e, "quoi": EVENTS.get(e["action"], e["action"]), "le": datetime.fromisoformat(e["date"]).timestamp()}
            for e in reversed(registry.history()[-30:])
        ],
        chemin=PATH,
    )


EVENTS = {"adopter": "installe", "activer": "met en service", "revenir": "revient à"}


async def show_one(request: web.Request) -> web.StreamResponse:
    """GET: a model beside the live one."""
    registry = _registry(request)
    card = registry.get(request.match_info["id"])
    live = registry.live()
    evaluation = registry.evaluation(card)
    names = _names(request)
    comparison = None
    if evaluation is not None:
        before = (registry.evaluation(live) or {}) if live is not None else None
        comparison = compare(before, evaluation, workshop(request).paths.test_sets, margins_of(workshop(request).settings), names)
    moved, texts = _moves(request, card) if evaluation is not None and not card.live else ((), {})
    return page(
        request,
        "modele.html",
        section="modeles",
        deplaces=[(texts[m.group], m) for m in moved],
        relus=len(texts),
        empreinte=digest_of_moves(moved),
        titre="Le modèle en service" if card.live else "Comparer ce modèle",
        aide=HELP,
        modele=card,
        service=live,
        comparaison=comparison,
        chiffres=_figures(comparison.figures) if comparison else [],
        examen=[exam.exam_score((e or {}).get("examen", {})) for e in (registry.evaluation(live) if live else None, evaluation)],
        changements=comparison.changes[:SHOWN] if comparison else (),
        moins_bien=sum(c.was_right and not c.is_right for c in comparison.changes) if comparison else 0,
        mieux=sum(c.is_right and not c.was_right for c in comparison.changes) if comparison else 0,
        confusions=list(confusions(evaluation).items())[:40] if evaluation else [],
        lecons=(evaluation or {}).get("lecons", {}),
        assez=ENOUGH_LEARNT,
        nom=lambda key: " et ".join(SPECIAL.get(k) or names.get(k, k) for k in key.split("+")),
        motif_minimum=MIN_REASON,
        chemin=PATH,
    )


async def show_messages(request: web.Request) -> web.StreamResponse:
    """GET: the test messages behind one cell of the confusion table."""
    registry = _registry(request)
    card = registry.get(request.match_info["id"])
    evaluation = registry.evaluation(card)
    wanted, given = request.query.get("attendu", ""), request.query.get("donne", "")
    found = messages_behind(evaluation, workshop(request).paths.test_sets, wanted, given) if evaluation else []
    names = _names(request)
    return page(
        request,
        "messages_confondus.html",
        section="modeles",
        titre="Messages confondus",
        aide=HELP,
        attendu=SPECIAL.get(wanted) or names.get(wanted, wanted),
        donne=SPECIAL.get(given) or names.get(given, given),
        messages=found,
        modele=card,
        chemin=PATH,
    )


@needs(Role.EDITOR)
async def promote(request: web.Request) -> web.StreamResponse:
    """POST: put a model live, or go through a closed gate with a written reason."""
    form = await read_form(request)
    reason = form.get("motif", "")
    if reason.strip() and request[SESSION].account.role is not Role.ADMINISTRATOR:
        raise Refusal(403, FORBIDDEN)
    registry = _registry(request)
    card = registry.get(request.match_info["id"])
    live = registry.live()
    before = (registry.evaluation(live) or {}) if live is not None else None
    moved, _ = _moves(request, card)
    if moved and form.get("lu") != digest_of_moves(moved):
        flash(request, UNREAD, "erreur")
        return redirect(f"{PATH}/{card.id}")
    verdict = verdict_of(before, registry.evaluation(card), margins_of(workshop(request).settings), _names(request))
    try:
        edits = learnt_since(workshop(request).storage, live, card)
        registry.promote(card.id, actor(request), verdict, reason, signature(request), edits)
    except (EditError, GateRefused, ModelError) as error:
        flash(request, str(error), "erreur")
        return redirect(f"{PATH}/{card.id}")
    audit.deliver(workshop(request).storage, workshop(request).paths)
    if moved:
        note(request, "changements_lus", card.id, messages=len(moved))
    flash(request, f"Le modèle est en service. {await when_public(request)} Les conversations en cours continuent.")
    return redirect(PATH)


@needs(Role.EDITOR)
async def go_back(request: web.Request) -> web.StreamResponse:
    """POST: the model before goes live again."""
    await read_form(request)
    try:
        _registry(request).roll_back(actor(request))
        audit.deliver(workshop(request).storage, workshop(request).paths)
        flash(request, f"Le modèle précédent est de nouveau en service. {await when_public(request)}")
    except ModelError as error:
        flash(request, str(error), "erreur")
    return redirect(PATH)


def _moves(request: web.Request, card: ModelCard) -> tuple[tuple[Move, ...], dict[int, str]]:
    """Return what the model changes for the messages of the last month, and their words; the same two models are compared once."""
    paths = workshop(request).paths
    texts = workshop(request).inbox().recent_texts(time.time() - MONTH * DAY, REREAD)
    live = _registry(request).live()
    if live is None or live.id == card.id or not texts:
        return (), texts
    key = (live.id, card.id, hashlib.sha256(json.dumps(texts).encode()).hexdigest())
    if key not in _MOVED:
        try:
            load_model(card.folder)
        except ModelError:  # going live says why
            return (), texts
        _MOVED.clear()
        _MOVED[key] = moves(texts, version_of(paths, live.folder).router, version_of(paths, card.folder).router)
    return _MOVED[key], texts


def _registry(request: web.Request) -> ModelRegistry:
    registry = ModelRegistry(workshop(request).paths)
    registry.adopt()
    return registry


def _names(request: web.Request) -> dict[str, str]:
    referential = workshop(request).referential()
    topics = {t.id: t.libelle for t in referential.topics.values()}
    return (
        topics | {s.id: s.nom_clair for s in referential.services.values()} | {d.id: d.nom_clair for d in referential.delegations.values()}
    )


def _figures(figures: Any) -> list[tuple[str, float | None, float | None, str]]:
    rows = []
    for name, label in FIGURE_NAMES.items():
        if name in figures:
            before, after = figures[name]
            trend = ""
            if before is not None and after is not None and round(before, 3) != round(after, 3):
                trend = "mieux" if (after > before) == (name in BETTER_HIGH) else "moins bien"
            rows.append((label, before, after, trend))
    return rows
