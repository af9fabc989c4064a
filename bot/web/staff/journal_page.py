"""The journal of who did what, as a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from bot.staff.accounts import audit
from bot.staff.accounts.accounts import Role
from bot.staff.candidates.exam import SPECIAL
from bot.staff.candidates.registry import ModelRegistry
from bot.web.staff.framework import Pagination, asked_page, needs, page, readable_time, workshop
from bot.web.staff.plain_words import in_plain_words, names_of

HELP = (
    "Chaque action de l'atelier est notée ici, avec son auteur et son heure. On ne peut ni changer ni effacer une ligne : "
    "chacune est scellée par celle d'avant, et la vérification le montrerait."
)
SIZE = 50
FOR_DEVELOPERS = frozenset({"commit", "fichiers", "geste", "lot"})
"""Details that the git history tells better, and names of files."""


def add(app: web.Application) -> None:
    """Add the page."""
    app.add_routes([web.get("/atelier/journal", show)])


@needs(Role.ADMINISTRATOR)
async def show(request: web.Request) -> web.StreamResponse:
    """GET: the newest lines first, by account and by action when asked; ``?verifier=1`` reads the whole chain again."""
    storage = workshop(request).storage
    who, what = request.query.get("auteur", "")[:64], request.query.get("action", "")[:40]
    limit, offset = asked_page(request, SIZE)
    lines, total = audit.entries(storage, actor=who, action=what, limit=limit, offset=offset)
    target = _target(request)
    return page(
        request,
        "journal.html",
        section="journal",
        titre="Journal",
        aide=HELP,
        lignes=lines,
        details=[_details(line.details, target) for line in lines],
        cible=target,
        pagination=Pagination.of(request, total, SIZE),
        auteur=who,
        action=what,
        actions=audit.ACTIONS,
        verdict=audit.verify(storage) if request.query.get("verifier") else None,
    )


def _details(details: Mapping[str, Any], target: Callable[[str], str]) -> dict[str, Any]:
    kept = {k: v for k, v in details.items() if k not in FOR_DEVELOPERS and v not in ("", None)}
    if "gestes" in kept:  # of a batch: each edit, as the draft showed it
        kept["gestes"] = " ; ".join(f"{audit.ACTIONS.get(action, action)} ({target(on)})" for action, on, *_ in kept["gestes"])
    return kept


def _target(request: web.Request) -> Callable[[str], str]:
    names = names_of(workshop(request).drafted())
    models = {card.id: f"modèle du {readable_time(card.date.timestamp())}" for card in ModelRegistry(workshop(request).paths).all()}
    return lambda target: names.get(target) or SPECIAL.get(target) or models.get(target) or in_plain_words(target, names)
