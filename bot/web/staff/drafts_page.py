"""The draft: what waits, what the public would read, publish or throw away; each published batch is taken back in one click."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from bot.base.errors import EditError, GateRefused
from bot.learning.freshness import is_current
from bot.serving.refusals import Refusal
from bot.staff.accounts.accounts import Role
from bot.staff.candidates.publication import card_changes, objections, phrase_changes
from bot.staff.candidates.registry import ModelRegistry
from bot.staff.editing.kinds import KINDS
from bot.staff.editing.record_editor import record_changes
from bot.staff.witness import MIN_REASON
from bot.web.staff.deeds import say_change, when_public
from bot.web.staff.framework import FORBIDDEN, SESSION, actor, flash, needs, page, read_form, redirect, signature, workshop
from bot.web.staff.plain_words import names_of

if TYPE_CHECKING:
    from bot.base.paths import ProjectPaths

PATH = "/atelier/brouillon"
HELP = (
    "Les textes, les phrases, les contacts, les fusions, les retraits et les sujets nouveaux attendent ici. Le public ne voit rien "
    "avant la publication. Tout part en une fois, et s'annule en une fois. Ce qui enfreint une règle ne peut pas être publié. Ce qui "
    "change la porte d'une demande a besoin d'un administrateur et d'un motif écrit ; s'il y en a deux, de celui qui n'y a rien écrit."
)


def add(app: web.Application) -> None:
    """Add the pages."""
    app.add_routes([web.get(PATH, show), web.post(PATH, act)])


def draft_of(request: web.Request) -> ProjectPaths:
    """Return the tree of the draft, made when there is none: edits go there."""
    return workshop(request).drafts.open()


async def show(request: web.Request) -> web.StreamResponse:
    """GET: what waits, and what was published."""
    return _page(request)


@needs(Role.EDITOR)
async def act(request: web.Request) -> web.StreamResponse:
    """POST: rename, publish or throw the draft away; take a published batch back."""
    form, drafts = await read_form(request), workshop(request).drafts
    reason = form.get("motif", "")
    if reason.strip() and request[SESSION].account.role is not Role.ADMINISTRATOR:
        raise Refusal(403, FORBIDDEN)
    try:
        if form.get("geste") == "nommer":
            drafts.rename(form.get("nom", ""))
        elif form.get("geste") == "jeter":
            drafts.discard()
            flash(request, "Le brouillon est jeté. Rien n'a changé pour le public.")
        elif form.get("geste") == "publier":
            ModelRegistry(workshop(request).paths).adopt()  # a restart then trains nothing behind the gate
            change = drafts.publish(actor(request), objections, reason, signature(request))
            say_change(request, change, f"Le brouillon est publié. {await when_public(request)}")
        elif form.get("annuler"):
            change = drafts.undo(form["annuler"], actor(request))
            say_change(request, change, f"Le lot est annulé. {await when_public(request)}")
        else:
            raise EditError("Ce geste n'existe pas.")
    except GateRefused as refused:
        return _page(request, refused.reasons, status=422)
    except EditError as error:
        flash(request, str(error), "erreur")
    return redirect(PATH)


def _page(request: web.Request, reasons: tuple[str, ...] = (), status: int = 200) -> web.Response:
    drafts, names = workshop(request).drafts, names_of(workshop(request).drafted())
    return page(
        request,
        "brouillon.html",
        section="brouillon",
        titre=drafts.name or "Brouillon",
        aide=HELP,
        status=status,
        ouvert=drafts.is_open,
        gestes=drafts.edits(),
        cartes=card_changes(workshop(request).paths, drafts.tree) if drafts.is_open else (),
        phrases=phrase_changes(workshop(request).paths, drafts.tree) if drafts.is_open else (),
        fiches=record_changes(workshop(request).paths, drafts.tree, KINDS, names) if drafts.is_open else (),
        lots=(published := drafts.batches()),
        a_apprendre=bool(published) and not drafts.is_open and not is_current(workshop(request).paths),
        raisons=reasons,
        motif_minimum=MIN_REASON,
        chemin=PATH,
    )
