"""Entering and leaving the workshop, and changing one's own password."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bot.base.errors import AccountError
from bot.staff.accounts.accounts import MIN_PASSWORD, TooManyAttempts
from bot.web.staff.framework import (
    LOGIN,
    ROOT,
    SESSION,
    address_of,
    cookie_name,
    is_local,
    is_secure,
    page,
    read_form,
    redirect,
    safe_path,
    set_cookie,
    workshop,
)

ACCOUNT = "/atelier/compte"
HELP = (
    "Changez ici votre mot de passe. Une phrase courte, facile à retenir, vaut mieux qu'un mot compliqué. "
    "Toutes vos sessions seront fermées : vous devrez entrer à nouveau."
)


def add(app: web.Application) -> None:
    """Add the pages."""
    app.add_routes([web.get(LOGIN, show), web.post(LOGIN, enter), web.post("/atelier/deconnexion", leave)])
    app.add_routes([web.get(ACCOUNT, show_account), web.post(ACCOUNT, change_password)])


async def show(request: web.Request) -> web.StreamResponse:
    """GET: the form; who is already in goes on."""
    if SESSION in request:
        return redirect(ROOT)
    return _form(request, request.query.get("suite", ""))


async def enter(request: web.Request) -> web.StreamResponse:
    """POST: open a session, or say kindly that it is not right."""
    form = await read_form(request)
    after = safe_path(form.get("suite", ""))
    try:
        secret, _ = await asyncio.to_thread(
            workshop(request).accounts.log_in, form.get("nom", ""), form.get("mot_de_passe", ""), address_of(request)
        )
    except TooManyAttempts as error:
        response = _form(request, after, form.get("nom", ""), str(error), 429)
        response.headers["Retry-After"] = str(error.seconds)
        return response
    except AccountError as error:
        return _form(request, after, form.get("nom", ""), str(error), 401)
    response = redirect(after)
    set_cookie(request, response, cookie_name(request), secret)
    return response


async def leave(request: web.Request) -> web.StreamResponse:
    """POST: close the session."""
    workshop(request).accounts.log_out(request[SESSION])
    response = redirect(LOGIN)
    response.del_cookie(cookie_name(request), path="/", httponly=True, samesite="Strict", secure=is_secure(request))
    return response


async def show_account(request: web.Request) -> web.StreamResponse:
    """GET: one's own account."""
    return _account(request)


async def change_password(request: web.Request) -> web.StreamResponse:
    """POST: change one's own password, then enter again."""
    form = await read_form(request)
    new = form.get("nouveau", "")
    try:
        if new != form.get("encore", ""):
            raise AccountError("Les deux nouveaux mots de passe sont différents. Recommencez.")
        change = workshop(request).accounts.change_own_password
        await asyncio.to_thread(change, request[SESSION], form.get("actuel", ""), new, address_of(request))
    except AccountError as error:
        return _account(request, str(error), 429 if isinstance(error, TooManyAttempts) else 422)
    return redirect(LOGIN, change="oui")


def _account(request: web.Request, error: str = "", status: int = 200) -> web.Response:
    return page(request, "compte.html", section="", titre="Mon compte", aide=HELP, status=status, erreur=error, longueur=MIN_PASSWORD)


def _form(request: web.Request, after: str, name: str = "", error: str = "", status: int = 200) -> web.Response:
    return page(
        request,
        "connexion.html",
        section="",
        titre="Entrer dans l'atelier",
        status=status,
        suite=after,
        nom=name,
        erreur=error,
        change=request.query.get("change") == "oui",
        en_clair=not is_secure(request) and not is_local(request),
    )
