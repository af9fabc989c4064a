"""One handler per route: read, call the core, show."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import replace
from typing import Any

from aiohttp import web

from bot.dialogue.wording import PROGRAM_NOTICE
from bot.serving.chat import MAX_READ
from bot.serving.refusals import Refusal
from bot.serving.sessions import Conversation, Exchange
from bot.serving.view import at_present, call_view, desk_view
from bot.serving.watched import Condition
from bot.staff.inbox.events import CHECK_DAYS, REASONS
from bot.web.keys import ASSETS, CHAT, ENGINE, ENGINE_USED, ERROR_PAGES, PAGES, REQUEST_ID, SETTINGS
from bot.web.problems import BROKEN
from bot.web.rates import turn_of

BODY_SECONDS = 20.0
EASY = "facile"
FRAME = "/cadre"
"""Address of the page made to be shown inside another site."""
PUBLIC_FILES = {"widget.js", "fil.js", "dessin.js", "outils.js", "widget.css"}
"""What another site's page loads for the widget."""
SUGGESTIONS = (
    "Je veux construire un abri de jardin",
    "Je cherche un logement social",
    "Je veux changer ma carte grise",
    "Je veux organiser une course à pied",
    "Mon chien a mordu quelqu'un",
    "Je veux ouvrir un restaurant",
)


async def show_page(request: web.Request) -> web.Response:
    """GET / and /cadre: the page, with the conversation so far."""
    return _page(request, await conversation_of_cookie(request), easy=request.query.get("lecture") == EASY)


async def send_form(request: web.Request) -> web.StreamResponse:
    """POST / and /cadre: the whole conversation without JavaScript.

    Once the browser has shown that it keeps our cookie, a redirect follows, so that going back or reloading sends nothing
    again. Otherwise the page is the answer, and its form carries the conversation.
    """
    form = await _read_form(request)
    easy = form["lecture"] == EASY
    if form["action"] == "nouvelle":
        return await _forget(request, form["conversation"], easy)
    if form["action"] == "lecture":
        return _page(request, await _of(request, form["conversation"]), easy=not easy, text=form["message"])
    chat, channel = request.app[CHAT], _channel(request)
    said = form["suggestion"] or form["message"]
    async with turn_of(request, form["commentaire"] if form["avis"] else said) as caller:
        conversation = await _living(request, form["conversation"], form["message"])
        if form["avis"]:
            helpful = form["avis"] == "oui"
            await chat.vote(conversation, form["reponse"], helpful, form["raison"], form["commentaire"], channel, caller)
            if conversation and _cookie(request) == conversation.id and not form["message"]:
                return _redirect(request, easy, "#reponse")
            return _page(request, conversation, easy=easy, text=form["message"])
        if form["choix"]:
            conversation, _ = await chat.press(form["choix"], conversation, form["envoi"], channel, caller)
            kept = form["message"]
        else:
            conversation, _ = await chat.say(said, conversation, form["envoi"], channel, caller)
            kept = form["message"] if form["suggestion"] else ""
    request[ENGINE_USED] = conversation.engine
    if _cookie(request) == conversation.id and not kept:
        return _redirect(request, easy, "#reponse")
    response = _page(request, conversation, easy=easy, text=kept)
    _set_cookie(request, response, conversation)
    return response


async def send_json(request: web.Request) -> web.Response:
    """POST /api/chat: the same for the page's script. ``{"texte"}`` or ``{"choix"}``, with ``conversation`` and ``envoi``.

    The answer is given in its parts, under ``reponse``; or as the page draws it, under ``html``, when ``rendu`` is "html".
    """
    values = await _read_json(request)
    text, choice = values.get("texte"), values.get("choix")
    if not isinstance(text if choice is None else choice, str):
        raise Refusal(422, "Il manque « texte » ou « choix », qui doit être une chaîne.")
    send = values.get("envoi") if isinstance(values.get("envoi"), str) else ""
    chat, channel = request.app[CHAT], _channel(request, values.get("canal"))
    async with turn_of(request, (text if choice is None else choice) or "") as caller:
        conversation = await _living(request, values.get("conversation"), text)
        if choice is not None:
            conversation, exchange = await chat.press(choice, conversation, send or "", channel, caller)
        else:
            conversation, exchange = await chat.say(text or "", conversation, send or "", channel, caller)
    request[ENGINE_USED] = conversation.engine
    response = web.json_response(
        {
            "conversation": conversation.id,
            "id": exchange.id,
            "message": exchange.said,
            "masque": exchange.masked,
            **_drawn(request, conversation, exchange, channel, values.get("rendu")),
            "moteur": conversation.engine,
        }
    )
    _set_cookie(request, response, conversation)
    return response


def _drawn(request: web.Request, conversation: Conversation, exchange: Exchange, channel: str, form: Any) -> dict[str, Any]:
    if form != "html":
        return {"reponse": exchange.reply}
    where = "/" if channel == "page" else FRAME
    values = {"echange": exchange, "conversation": conversation.id, "adresse": where, "raisons": REASONS}
    return {"html": request.app[PAGES].render("fragment.html", **values)}


async def end_json(request: web.Request) -> web.Response:
    """DELETE /api/chat: forget the conversation."""
    values = await _read_json(request)
    response = web.Response(status=204)
    await _drop(request, response, values.get("conversation"))
    return response


async def vote_json(request: web.Request) -> web.Response:
    """POST /api/avis: did an answer help? ``{"conversation", "reponse", "utile", "raison", "commentaire"}``; one vote an answer.

    204, unless the comment tells a danger, or the door was wrong: then the numbers, or the next doors, as POST /api/chat gives them.
    """
    values = await _read_json(request)
    answer, helpful = values.get("reponse"), values.get("utile")
    if not isinstance(answer, str) or not isinstance(helpful, bool):
        raise Refusal(422, "Il manque « reponse » (une chaîne) ou « utile » (vrai ou faux).")
    reason, comment = (values.get(name) or "" for name in ("raison", "commentaire"))
    if not isinstance(reason, str) or not isinstance(comment, str):
        raise Refusal(422, "« raison » et « commentaire » sont des chaînes.")
    conversation = await _living(request, values.get("conversation"))
    channel = _channel(request, values.get("canal"))
    async with turn_of(request, comment) as caller:
        next_turn = await request.app[CHAT].vote(conversation, answer, helpful, reason, comment, channel, caller)
    if next_turn is None or conversation is None:
        return web.Response(status=204)
    return web.json_response(
        {"message": next_turn.said, "masque": next_turn.masked, **_drawn(request, conversation, next_turn, channel, values.get("rendu"))}
    )


async def widget_facts(request: web.Request) -> web.Response:
    """GET /api/widget: whether the asking site may show the assistant, and the inside of the panel. Open to all sites."""
    calls = [call_view(call) for call in request.app[ENGINE].facts.calls]
    html = request.app[PAGES].render("panneau.html", avis=PROGRAM_NOTICE, suggestions=SUGGESTIONS, urgences=calls)
    return web.json_response({"autorise": _may_embed(request), "html": html}, headers={"Access-Control-Allow-Origin": "*"})


async def widget_script(request: web.Request) -> web.Response:
    """GET /widget.js: the lasting address of the widget, which leads to the present version."""
    version = request.app[ASSETS]["widget.js"].version
    return web.Response(status=307, headers={"Location": f"/static/widget.js?v={version}", **_open_to_hosts(request)})


async def preflight(request: web.Request) -> web.Response:
    """OPTIONS /api/chat and /api/avis: what an allowed site may send."""
    if request.headers.get("Origin", "").lower() not in request.app[SETTINGS].hosts:
        raise Refusal(403)
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": "POST, DELETE",
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": "600",
        },
    )


async def health(request: web.Request) -> web.Response:
    """GET /health: alive, and who would answer now."""
    status = request.app[ENGINE].status()
    fine = status["routeur"] == Condition.LOADING.value or (status["routeur"] == Condition.READY.value and status["modele"])
    return web.json_response({"etat": "ok" if fine else "degrade", **status, "conversations": await request.app[CHAT].sessions.count()})


async def ready(request: web.Request) -> web.Response:
    """GET /ready: 200 once messages can be routed, 503 before."""
    status = request.app[ENGINE].status()
    prepared = Condition.READY.value in {status["routeur"], status["agent"]}
    return web.json_response({"pret": prepared, **status}, status=200 if prepared else 503)


async def accessibility(request: web.Request) -> web.Response:
    """GET /accessibilite: what was tested and what was not."""
    return html_page(request, "accessibilite.html")


async def privacy(request: web.Request) -> web.Response:
    """GET /donnees-personnelles: what is kept, where, how long."""
    settings = request.app[SETTINGS]
    conversation = await conversation_of_cookie(request)
    reference = conversation.reference if conversation is not None else ""
    return html_page(
        request,
        "donnees.html",
        minutes=settings.session_minutes,
        jours=settings.retention_days,
        un_sur=settings.checked_one_in,
        semaine=min(settings.retention_days, CHECK_DAYS),
        reference=reference,
    )


async def static(request: web.Request) -> web.Response:
    """GET /static/…: a fixed list of files, cached for ever under their versioned address."""
    asset = request.app[ASSETS].get(request.match_info["name"])
    if asset is None:
        raise web.HTTPNotFound
    versioned = request.query.get("v") == asset.version
    headers = {
        "Content-Type": asset.content_type,
        "Cache-Control": "public, max-age=31536000, immutable" if versioned else "no-cache",
        "ETag": f'"{asset.version}"',
        "Vary": "Accept-Encoding",
        **(_open_to_hosts(request) if request.match_info["name"] in PUBLIC_FILES else {}),
    }
    if any(tag.value == asset.version for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    if asset.zipped is not asset.body and "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=asset.zipped, headers={**headers, "Content-Encoding": "gzip"})
    return web.Response(body=asset.body, headers=headers)


async def error_page(request: web.Request, refusal: Refusal) -> web.Response:
    """Return the page of a refusal; on the conversation, it keeps what was typed in the field."""
    recover = request.app[ERROR_PAGES].get(request.path) if request.method == "POST" else None
    if recover is not None:
        response = await recover(request, refusal)
    elif request.path in {"/", FRAME} and request.method == "POST" and refusal.status != 403:
        form = await _recover_form(request)
        text = form["message"] or form["suggestion"]
        response = _page(request, await _of(request, form["conversation"]), easy=form["lecture"] == EASY, text=text, error=refusal.detail)
        response.set_status(refusal.status)
    else:
        response = html_page(request, "erreur.html", refusal=refusal, status=refusal.status)
    response.headers.update(refusal.headers)
    return response


def _page(request: web.Request, conversation: Conversation | None, *, easy: bool, text: str = "", error: str = "") -> web.Response:
    now = request.app[CHAT].clock()
    return html_page(
        request,
        "conversation.html",
        echanges=[replace(e, reply=at_present(e.reply, now)) for e in conversation.exchanges] if conversation else [],
        raisons=REASONS,
        conversation=conversation.id if conversation else "",
        envoi=secrets.token_urlsafe(9),
        suggestions=SUGGESTIONS,
        texte=text,
        erreur=error,
        facile=easy,
    )


def html_page(request: web.Request, template: str, status: int = 200, **values: Any) -> web.Response:
    facts, notice = request.app[ENGINE].facts, request.app[ENGINE].switch.current
    common = {
        "accueil": desk_view(facts.front_desk, request.app[CHAT].clock()) if facts.front_desk else None,
        "urgences": [call_view(call) for call in facts.calls],
        "avis": PROGRAM_NOTICE,
        "annonce": notice.banner,
        "en_pause": notice.phone_only,
        "requete": request.get(REQUEST_ID, ""),
        "facile": False,
        "principale": template == "conversation.html",
        "adresse": FRAME if request.path == FRAME else "/",
        "compact": request.path == FRAME,
    }
    text = request.app[PAGES].render(template, **{**common, **values})
    return web.Response(text=text, content_type="text/html", charset="utf-8", status=status)


_FIELDS = ("message", "choix", "suggestion", "conversation", "envoi", "lecture", "action", "avis", "reponse", "raison", "commentaire")


async def _read_form(request: web.Request) -> dict[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":
        raise Refusal(415)
    try:
        posted = await asyncio.wait_for(request.post(), BODY_SECONDS)
    except TimeoutError as error:
        raise Refusal(408) from error
    except (ValueError, LookupError) as error:  # broken or unknown encoding
        raise Refusal(400) from error
    values = {name: posted.get(name, "") for name in _FIELDS}
    return {name: value if isinstance(value, str) else "" for name, value in values.items()}


async def _recover_form(request: web.Request) -> dict[str, str]:
    """Read the form again to give the words back; what cannot be read is empty."""
    try:
        return await _read_form(request)
    except (Refusal, web.HTTPException, ConnectionError, *BROKEN):
        return dict.fromkeys(_FIELDS, "")


async def _read_json(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise Refusal(415, "Envoyez du JSON, avec l'en-tête Content-Type: application/json.")
    try:
        body = await asyncio.wait_for(request.read(), BODY_SECONDS)
        values = json.loads(body)
    except TimeoutError as error:
        raise Refusal(408) from error
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "Ce n'est pas du JSON correct.") from error
    if not isinstance(values, dict):
        raise Refusal(400, 'Envoyez un objet JSON, par exemple {"texte": "…"}.')
    return values


def _cookie_name(request: web.Request) -> str:
    return "__Host-conversation" if request.app[SETTINGS].https else "conversation"


def _cookie(request: web.Request) -> str:
    return request.cookies.get(_cookie_name(request), "")


async def conversation_of_cookie(request: web.Request) -> Conversation | None:
    """Return the conversation going on in this browser, or ``None``."""
    return await request.app[CHAT].sessions.get(_cookie(request))


async def _living(request: web.Request, given: Any, text: Any = "") -> Conversation | None:
    """Return the conversation going on, ``None`` at the start. An emergency never waits for the rest.

    Raises:
        Refusal: there was one, and it was forgotten: the person must know that what went before counts no more.
    """
    conversation = await _of(request, given)
    if conversation is None and given and request.app[CHAT].sessions.sure:
        urgent = await request.app[ENGINE].urgent(text[:MAX_READ]) if text and isinstance(text, str) else None
        if urgent is None:
            raise Refusal(410)
    return conversation


async def _of(request: web.Request, given: Any) -> Conversation | None:
    """Return the conversation of the cookie, or the one the page carries where cookies do not reach (frames)."""
    sent = given if isinstance(given, str) else ""
    return await conversation_of_cookie(request) or await request.app[CHAT].sessions.get(sent)


def _set_cookie(request: web.Request, response: web.Response, conversation: Conversation) -> None:
    if _cookie(request) != conversation.id and not _from_a_host(request):
        response.set_cookie(
            _cookie_name(request),
            conversation.id,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=request.app[SETTINGS].https,
        )


def _redirect(request: web.Request, easy: bool, anchor: str = "") -> web.Response:
    return web.Response(status=303, headers={"Location": f"{request.path}{'?lecture=facile' if easy else ''}{anchor}"})


def _from_a_host(request: web.Request) -> bool:
    """Whether the page of an allowed site sends this: it carries the conversation itself, and gets no cookie."""
    return request.headers.get("Origin", "").lower() in request.app[SETTINGS].hosts


def _may_embed(request: web.Request) -> bool:
    origin = request.headers.get("Origin", "").lower()
    return not origin or origin in request.app[SETTINGS].hosts or origin.rpartition("://")[2] == request.host.lower()


def _open_to_hosts(request: web.Request) -> dict[str, str]:
    """Let other sites load the widget's files, when the settings allow any; who may converse is checked at each message."""
    return {"Access-Control-Allow-Origin": "*"} if request.app[SETTINGS].hosts else {}


def _channel(request: web.Request, told: Any = None) -> str:
    if _from_a_host(request):
        return "widget"
    return "cadre" if request.path == FRAME or told == "cadre" else "page"


async def _forget(request: web.Request, given: str, easy: bool) -> web.Response:
    response = _redirect(request, easy)
    await _drop(request, response, given)
    return response


async def _drop(request: web.Request, response: web.Response, given: Any) -> None:
    sessions = request.app[CHAT].sessions
    await sessions.drop(_cookie(request))
    await sessions.drop(given if isinstance(given, str) else None)
    if _cookie(request):
        response.del_cookie(_cookie_name(request), path="/", httponly=True, samesite="Strict", secure=request.app[SETTINGS].https)
