"""The off switch: the "phone only" mode and the public banner."""

from __future__ import annotations

from aiohttp import web

from bot.base.errors import AssistantError
from bot.staff.accounts.accounts import Role
from bot.staff.upkeep.notice import POLL_SECONDS
from bot.staff.upkeep.switch import LONGEST_BANNER, read_notice, write_notice
from bot.web.staff.framework import actor, flash, needs, page, read_form, redirect, workshop

PATH = "/atelier/interrupteur"
HELP = (
    "En cas de problème, mettez l'assistant en pause : il donne seulement le téléphone de l'accueil. Il répond encore aux urgences. "
    "Le bandeau est une phrase affichée en haut de la page publique. L'effet est immédiat, et noté dans le journal."
)


def add(app: web.Application) -> None:
    """Add the page."""
    app.add_routes([web.get(PATH, show), web.post(PATH, change)])


async def show(request: web.Request) -> web.StreamResponse:
    """GET: the state, and how to change it."""
    return _form(request, *_now(request))


@needs(Role.EDITOR)
async def change(request: web.Request) -> web.StreamResponse:
    """POST: change the state; what was typed is never lost when it will not do."""
    form = await read_form(request)
    phone_only, banner = form.get("mode") == "telephone", form.get("bandeau", "")
    try:
        notice = write_notice(workshop(request).storage, phone_only, banner, actor(request))
    except AssistantError as error:
        return _form(request, phone_only, banner, str(error), 422)
    workshop(request).refresh_switch()
    said = "L'assistant est en pause : il donne le téléphone de l'accueil." if notice.phone_only else "L'assistant répond normalement."
    flash(request, f"{said} {'Le bandeau est affiché.' if notice.banner else 'Aucun bandeau.'}")
    return redirect(PATH)


def _now(request: web.Request) -> tuple[bool, str]:
    notice = read_notice(workshop(request).storage)
    return notice.phone_only, notice.banner


def _form(request: web.Request, phone_only: bool, banner: str, error: str = "", status: int = 200) -> web.Response:
    return page(
        request,
        "interrupteur.html",
        section="interrupteur",
        titre="Interrupteur",
        aide=HELP,
        status=status,
        etat=read_notice(workshop(request).storage),
        telephone=phone_only,
        bandeau=banner,
        erreur=error,
        longueur=LONGEST_BANNER,
        secondes=int(POLL_SECONDS),
    )
