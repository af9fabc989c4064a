"""Talk to the draft, or to a trained model, beside the public answer: the same message to both, and nothing is kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from aiohttp import web

from bot.base.paths import ProjectPaths
from bot.dialogue.wording import Reply
from bot.learning.loading import shared_model, sound_paths
from bot.learning.store import load_model
from bot.referential.hours import PARIS
from bot.serving.chat import tidy
from bot.serving.view import ReplyView, reply_view
from bot.staff.candidates.registry import ModelRegistry
from bot.staff.rehearsal import Said, rehearse, version_of
from bot.web.staff import drafts_page, models_page
from bot.web.staff.framework import flash, page, read_all, read_form, readable_time, redirect, workshop

PATH = "/atelier/essai"
HELP = (
    "Écrivez un message comme le public. La version qui attend et l'assistant d'aujourd'hui y répondent côte à côte. "
    "Le public ne voit rien, et rien n'entre dans les chiffres ni dans la boîte de réception."
)
_MODEL = re.compile(r"[0-9a-f]{16}")
_WORDS, _BUTTON = "m:", "b:"
"""How a field tells a message from a button."""


def add(app: web.Application) -> None:
    """Add the page."""
    app.add_routes([web.get(PATH, show), web.post(PATH, say)])


async def show(request: web.Request) -> web.StreamResponse:
    """GET: the start of a rehearsal."""
    return _page(request, request.query.get("modele", ""), ())


async def say(request: web.Request) -> web.StreamResponse:
    """POST: one message more, or a button; what was said before comes with it and is played again."""
    form = await read_form(request)
    turns = [Said("", sent[2:]) if sent.startswith(_BUTTON) else Said(sent[2:]) for sent in await read_all(request, "dit")]
    if form.get("bouton"):
        turns.append(Said("", form["bouton"]))
    elif tidy(form.get("message", "")):
        turns.append(Said(tidy(form["message"])))
    return _page(request, form.get("modele", ""), turns)


def _page(request: web.Request, model: str, turns: Sequence[Said]) -> web.StreamResponse:
    live = sound_paths(workshop(request).paths)
    drafts = workshop(request).drafts
    tree: ProjectPaths = live
    folder, read, back = live.router_model, shared_model, drafts_page.PATH
    if _MODEL.fullmatch(model):
        card = ModelRegistry(live).get(model)
        folder, read, back = card.folder, load_model, f"{models_page.PATH}/{model}"
        name = f"Le modèle du {readable_time(card.date.timestamp())}"
    elif drafts.is_open:
        tree, name = drafts.tree, drafts.name
    else:
        flash(request, "Rien n'attend : il n'y a pas de version à essayer.", "attention")
        return redirect(drafts_page.PATH)
    now = datetime.now(PARIS)
    pairs = rehearse(version_of(live, live.router_model, shared_model), version_of(tree, folder, read), turns) if turns else []
    return page(
        request,
        "essai.html",
        section="modeles" if back != drafts_page.PATH else "brouillon",
        titre="Parler à cette version",
        aide=HELP,
        version=name,
        retour=back,
        modele=model if back != drafts_page.PATH else "",
        tours=[
            {
                "sent": _BUTTON + p.said.button if p.said.button else _WORDS + p.said.words,
                "shown": p.shown,
                "same": p.same,
                "public": _view(p.public, now),
                "tried": _view(p.tried, now),
            }
            for p in pairs
        ],
        chemin=PATH,
    )


def _view(reply: Reply, now: datetime) -> ReplyView:
    """Return a reply as the public page draws it, without the links to its other pages."""
    view = reply_view(reply, now)
    view["cartes"] = [{**card, "fiche": ""} for card in view["cartes"]]
    return view
