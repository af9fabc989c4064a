"""The journal of who did what, as a page."""

from __future__ import annotations

from aiohttp import web

from bot.staff.accounts import audit
from bot.staff.accounts.accounts import Role
from bot.web.staff.framework import Pagination, asked_page, needs, page, workshop

HELP = (
    "Chaque action de l'atelier est notée ici, avec son auteur et son heure. On ne peut ni changer ni effacer une ligne : "
    "chacune est scellée par celle d'avant, et la vérification le montrerait."
)
SIZE = 50


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
    return page(
        request,
        "journal.html",
        section="journal",
        titre="Journal",
        aide=HELP,
        lignes=lines,
        pagination=Pagination.of(request, total, SIZE),
        auteur=who,
        action=what,
        actions=audit.ACTIONS,
        verdict=audit.verify(storage) if request.query.get("verifier") else None,
    )
