"""What every page of the workshop shares: sessions, roles, tokens, rendering, messages shown once, pagination."""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from aiohttp import web
from markupsafe import Markup

from bot.base.errors import AssistantError, ReferentialError, StorageError
from bot.base.paths import ProjectPaths
from bot.base.settings import Settings
from bot.learning.loading import shared_referential, sound_paths
from bot.referential import Referential
from bot.serving.refusals import Refusal
from bot.staff.accounts import accounts as staff
from bot.staff.accounts.accounts import Accounts, Role, StaffSession
from bot.staff.candidates.nightly import Nightly
from bot.staff.candidates.trainings import TrainingQueue
from bot.staff.editing.corpus_editor import CorpusEditor, DraftedCorpus
from bot.staff.editing.directory_comparison import Comparisons
from bot.staff.editing.drafts import Drafts
from bot.staff.inbox.inbox import NOTHING, Inbox
from bot.staff.storage import PARIS, Storage
from bot.staff.witness import Signature
from bot.web.keys import PAGES, REQUEST_ID, SETTINGS
from bot.web.limits import client_address
from bot.web.problems import refusal_of
from bot.web.staff.navigation import sections_for
from bot.web.staff.plain_words import in_plain_words, names_of

log = logging.getLogger("bot.web.staff")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ROOT = "/atelier/"
LOGIN = "/atelier/connexion"
TOKEN = "jeton"
_LOCAL = {"localhost", "127.0.0.1", "[::1]", "::1"}
_BODY_SECONDS = 30.0
FORBIDDEN = "Votre rôle ne permet pas cela. Demandez à un administrateur de l'atelier."
STALE = "Cette page a été ouverte il y a longtemps. Revenez en arrière, rechargez la page, puis recommencez."


@dataclass(frozen=True)
class Workshop:
    """What the pages work with.

    Args:
        storage: the database.
        accounts: of the staff.
        settings: of the deployer.
        paths: of the project tree.
        public_is_up_to_date: whether the public pages of this process answer with what is published and live.
        with_agent: whether a training also makes the archive of the Rasa agent.
        refresh_switch: makes the public pages of this process read the off switch at once.
    """

    storage: Storage
    accounts: Accounts
    settings: Settings
    paths: ProjectPaths
    refresh_switch: Callable[[], None] = lambda: None
    public_is_up_to_date: Callable[[], bool] = lambda: True
    with_agent: bool = True

    @functools.cached_property
    def writer(self) -> CorpusEditor:
        """What writes phrases into the corpus: in the draft."""
        return DraftedCorpus(self.paths, self.drafts)

    @functools.cached_property
    def queue(self) -> TrainingQueue:
        """The trainings; started by the server."""
        return TrainingQueue(self.storage, self.paths, with_agent=self.with_agent)

    @functools.cached_property
    def comparisons(self) -> Comparisons:
        """The directory beside a published file."""
        return Comparisons(self.paths)

    @functools.cached_property
    def nightly(self) -> Nightly:
        """The training of every night."""
        return Nightly(self.storage, self.paths, self.queue)

    @functools.cached_property
    def drafts(self) -> Drafts:
        """Where edits wait before they are published."""
        return Drafts(self.paths)

    def drafted(self) -> Referential:
        """Return who does what, as the draft says it."""
        return shared_referential(self.drafts.edited.referential) if self.drafts.is_open else self.referential()

    def referential(self) -> Referential:
        """Return who does what, as the files are now, or as they last were without a mistake; read again only when one changed.

        Raises:
            ReferentialError: the files have mistakes and no sound copy is kept.
        """
        try:
            return shared_referential(self.paths.referential)
        except ReferentialError:
            return shared_referential(sound_paths(self.paths).referential)

    def inbox(self) -> Inbox:
        """Return the inbox, over the topics as they are now."""
        referential = self.referential()
        topics = {t.id: t.libelle for t in referential.topics.values()}
        topics |= {NOTHING: referential.acts[NOTHING].libelle} if NOTHING in referential.acts else {}
        return Inbox(self.storage, self.writer, topics, self.settings.second_reader)


WORKSHOP: web.AppKey[Workshop] = web.AppKey("workshop")
SESSION: web.RequestKey[StaffSession] = web.RequestKey("staff_session")
FIRST_TOKEN = web.RequestKey("first_token", str)


def workshop(request: web.Request) -> Workshop:
    """Return what the pages work with."""
    return request.app[WORKSHOP]


def actor(request: web.Request) -> str:
    """Return the name of the account that sent this request."""
    return request[SESSION].account.name


def signature(request: web.Request) -> Signature:
    """Return who must agree before the public gets what this account gives it: a draft or a model."""
    others = (a for a in workshop(request).accounts.all() if a.active and a.role is Role.ADMINISTRATOR and a.name != actor(request))
    return Signature(workshop(request).settings.second_reader, any(others))


def needs(role: Role) -> Callable[[Handler], Handler]:
    """Let only accounts of at least ``role`` reach a handler."""

    def wrap(handler: Handler) -> Handler:
        @functools.wraps(handler)
        async def checked(request: web.Request) -> web.StreamResponse:
            if not request[SESSION].account.role.covers(role):
                raise Refusal(403, FORBIDDEN)
            return await handler(request)

        return checked

    return wrap


async def read_form(request: web.Request) -> Mapping[str, str]:
    """Return the fields of a form, as strings; of a repeated field, the first.

    Raises:
        Refusal: not a form, or it cannot be read.
    """
    return {name: value if isinstance(value, str) else "" for name, value in reversed(list((await posted(request)).items()))}


async def read_all(request: web.Request, name: str) -> list[str]:
    """Return every value of a repeated field."""
    return [value for value in (await posted(request)).getall(name, []) if isinstance(value, str)]


def redirect(path: str, **query: Any) -> web.Response:
    """Send the browser to a page of the workshop."""
    kept = {k: v for k, v in query.items() if v not in (None, "")}
    return web.Response(status=303, headers={"Location": path + (f"?{urlencode(kept)}" if kept else "")})


def flash(request: web.Request, sentence: str, kind: str = "ok") -> None:
    """Show a sentence once, on the next page.

    Args:
        request: of a logged-in account.
        sentence: in French.
        kind: "ok", "attention" or "erreur".
    """
    workshop(request).accounts.add_flash(request[SESSION], kind, sentence)


def page(
    request: web.Request, template: str, *, section: str, titre: str, aide: str = "", status: int = 200, piece: bool = False, **values: Any
) -> web.Response:
    """Render a page of the workshop.

    Args:
        request: being answered.
        template: file of ``templates/atelier``.
        section: id of the menu's entry, or empty.
        titre: what the page is about: its heading and its title.
        aide: one paragraph of help, or empty.
        status: HTTP status.
        piece: whether it is a part of a page, for a script: what is shown once waits for a whole page.
        values: for the template.
    """
    from bot.web.staff.tour import progress

    session = request.get(SESSION)
    token = session.csrf if session is not None else request.get(FIRST_TOKEN, "")
    common = {
        "titre": titre,
        "aide": aide,
        "section": section,
        "compte": session.account if session is not None else None,
        "role": staff.ROLE_NAMES[session.account.role] if session is not None else "",
        "peut_ecrire": session is not None and session.account.role.covers(Role.EDITOR),
        "administre": session is not None and session.account.role is Role.ADMINISTRATOR,
        "menu": sections_for(session.account.role) if session is not None else (),
        "avis": workshop(request).accounts.take_flashes(session) if session is not None and not piece else [],
        "jeton": Markup('<input type="hidden" name="{}" value="{}">').format(TOKEN, token),
        "quand": readable_time,
        "clair": functools.partial(_clear, request),
        "visite": progress(session.account.tour) if session is not None else None,
        "ici_chemin": request.path,
    }
    text = request.app[PAGES].render(f"atelier/{template}", **{**common, **values})
    return web.Response(text=text, content_type="text/html", charset="utf-8", status=status)


def _clear(request: web.Request, sentence: str) -> str:
    try:
        names = names_of(workshop(request).drafted())
    except AssistantError:  # the sentence that says so is shown all the same
        names = {}
    return in_plain_words(sentence, names)


def readable_time(at: float | None) -> str:
    """Return a time as staff read it: "26/11/2026 à 14 h 05"."""
    return datetime.fromtimestamp(at, PARIS).strftime("%d/%m/%Y à %H\u00a0h\u00a0%M") if at else "–"


@dataclass(frozen=True)
class Pagination:
    """Where one is in a long list.

    Args:
        number: of the page, from 1.
        size: lines a page.
        total: lines in all.
        path: of the page, with the other fields of its address.
    """

    number: int
    size: int
    total: int
    path: str

    @classmethod
    def of(cls, request: web.Request, total: int, size: int = 25) -> Pagination:
        """Read ``?page=`` from the address; a number that makes no sense is the nearest that does."""
        asked = request.query.get("page", "1")
        last = max(1, math.ceil(total / size))
        number = min(last, max(1, int(asked))) if asked.isdecimal() and len(asked) < 9 else 1
        others = urlencode([(k, v) for k, v in request.query.items() if k != "page"])
        return cls(number, size, total, f"{request.path}?{others}&" if others else f"{request.path}?")

    @property
    def offset(self) -> int:
        """Lines before this page."""
        return (self.number - 1) * self.size

    @property
    def last(self) -> int:
        """Number of the last page."""
        return max(1, math.ceil(self.total / self.size))

    def link(self, number: int) -> str:
        """Return the address of another page of the list."""
        return f"{self.path}page={number}"


def asked_page(request: web.Request, size: int = 25) -> tuple[int, int]:
    """Return (limit, offset) as the address asks, before the total is known."""
    found = Pagination.of(request, 10**9, size)
    return size, found.offset


# --- middlewares


@web.middleware
async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every failure into a kind page; what a person wrote is never shown back in it nor logged."""
    try:
        return await handler(request)
    except asyncio.CancelledError:
        raise
    except Exception as error:
        refusal = _refusal(error)
        if refusal.status >= 500:
            log.error("workshop page failed", extra={"evenement": "atelier_erreur", "requete": request.get(REQUEST_ID, "")}, exc_info=error)
        try:
            response = page(request, "erreur.html", section="", titre=refusal.title, status=refusal.status, detail=refusal.detail)
        except StorageError:
            response = web.Response(text=refusal.detail, status=503, content_type="text/plain", charset="utf-8")
        response.headers.update(refusal.headers)
        return response


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Know who asks; refuse what another site sends, and forms without their token."""
    if not request.path.startswith(ROOT):
        return await handler(request)
    session = workshop(request).accounts.session(request.cookies.get(cookie_name(request), ""))
    if session is not None:
        request[SESSION] = session
    elif request.path != LOGIN:
        if request.method not in {"GET", "HEAD"}:
            raise Refusal(403, "Votre session est finie. Ouvrez la page de connexion, puis recommencez.")
        return redirect(LOGIN, suite=request.path_qs if request.path_qs != ROOT else "")
    else:
        request[FIRST_TOKEN] = request.cookies.get(_first_cookie(request)) or secrets.token_urlsafe(24)
    if request.method not in {"GET", "HEAD"}:
        await _check_form(request)
    response = await handler(request)
    if session is None and request.path == LOGIN and request.method == "GET":
        set_cookie(request, response, _first_cookie(request), request[FIRST_TOKEN])
    return response


def cookie_name(request: web.Request) -> str:
    """Return the name of the session's cookie: with its strongest prefix wherever HTTPS allows."""
    return "__Host-atelier" if is_secure(request) else "atelier"


def set_cookie(request: web.Request, response: web.StreamResponse, name: str, value: str) -> None:
    """Set a cookie that scripts cannot read and that no other site makes the browser send."""
    response.set_cookie(name, value, path="/", httponly=True, samesite="Strict", secure=is_secure(request))


def is_secure(request: web.Request) -> bool:
    """Whether staff come in HTTPS: as the setting says, except on this very machine."""
    return request.app[SETTINGS].https and not is_local(request)


def is_local(request: web.Request) -> bool:
    """Whether staff come from this very machine, such as through an SSH tunnel."""
    return (urlsplit(f"//{request.host}").hostname or "") in _LOCAL


def address_of(request: web.Request) -> str:
    """Return the address that login attempts are counted for."""
    return client_address(request.remote, request.headers.getall("X-Forwarded-For", []), request.app[SETTINGS].proxies)


def safe_path(path: str) -> str:
    """Return a path of the workshop to go on with after the login; anything else leads home."""
    parts = urlsplit(path)
    if parts.scheme or parts.netloc or not parts.path.startswith(ROOT) or parts.path == LOGIN or "\\" in path:
        return ROOT
    return quote(parts.path, safe="/%-._~") + (
        f"?{parts.query}" if parts.query.isprintable() and parts.query.isascii() and parts.query else ""
    )


def _first_cookie(request: web.Request) -> str:
    """The login form has no session yet: its token is compared with this cookie (double submit)."""
    return "__Host-atelier-entree" if is_secure(request) else "atelier-entree"


async def _check_form(request: web.Request) -> None:
    origin = request.headers.get("Origin", "")
    hosts = {request.host.lower()}
    if request.app[SETTINGS].proxies and "X-Forwarded-Host" in request.headers:
        hosts.add(request.headers["X-Forwarded-Host"].strip().lower())
    if origin and urlsplit(origin.lower()).netloc not in hosts:
        raise Refusal(403, "Cet envoi vient d'un autre site.")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise Refusal(403, "Cet envoi vient d'un autre site.")
    session = request.get(SESSION)
    expected = session.csrf if session is not None else request.cookies.get(_first_cookie(request), "")
    given = (await posted(request)).get(TOKEN, "")
    if not expected or not isinstance(given, str) or not staff.same(given, expected):
        raise Refusal(403, STALE)


async def posted(request: web.Request) -> Any:
    """Return the fields of a form, read once.

    Raises:
        Refusal: not a form, or it comes too slowly, or it cannot be read.
    """
    if request.content_type not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        raise Refusal(415)
    try:
        return await asyncio.wait_for(request.post(), _BODY_SECONDS)
    except TimeoutError as error:
        raise Refusal(408) from error
    except (ValueError, LookupError) as error:
        raise Refusal(400) from error


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, staff.TooManyAttempts):
        return Refusal(429, str(error), {"Retry-After": str(error.seconds)})
    if isinstance(error, StorageError):
        return Refusal(503, str(error))
    if isinstance(error, AssistantError):
        return Refusal(422, str(error))
    return refusal_of(error)
