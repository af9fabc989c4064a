"""The routes of the partner API, each declared with its documentation. Nothing that is sent is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from bot.base.errors import BadMessage
from bot.dialogue.orientation import Orientation, Request, orient_many
from bot.dialogue.subject_lists import BATCH, BOM, SubjectList, output_header, read_list, route_rows, write_rows
from bot.dialogue.wording import EMPTY
from bot.serving.chat import tidy
from bot.serving.engine import EngineError
from bot.serving.refusals import Refusal
from bot.web.api import schemas
from bot.web.api.bodies import BODY_SECONDS, NDJSON_TYPES, large_body, need_type, parse_json, read_bytes, read_part
from bot.web.api.catalogue import Catalogue, Document, build_catalogue
from bot.web.api.operations import Body, Operation
from bot.web.keys import CATALOGUE, ENGINE, ENGINE_USED, OPENAPI, SETTINGS
from bot.web.rates import count_messages, turn_of

if TYPE_CHECKING:
    from bot.dialogue.dialogue import Dialogue

T = TypeVar("T")
MAX_LINES = 1_000
LINES_PER_MESSAGE = 20
LISTED_PER_MESSAGE = 2_000
"""A batch counts as one message of the rate limit for each twenty lines, or two thousand characters, begun, whichever is more: 1,000
lines of a list of files fit in the public limit. It is cheaper than a conversation, because it gives way to everyone."""
SLICE = 500
"""Characters of a batch oriented at once, at least one line: whoever converses waits behind one slice at most."""
DOWN = "L'assistant ne peut pas répondre pour le moment. Essayez à nouveau dans un moment."
CSV_TYPE = "text/csv"
FORM_TYPE = "multipart/form-data"
FILE_FIELD = "fichier"
ROUTER = "routeur"


async def orientation(request: web.Request) -> web.Response:
    """POST /api/v1/orientation: one message."""
    need_type(request, "application/json")
    body = await read_bytes(request, request.app[SETTINGS].max_body)
    try:
        values = parse_json(body)
    except BadMessage as error:
        raise Refusal(400, str(error)) from None
    try:
        demand = _request(schemas.read_demand(values))
    except BadMessage as error:
        raise Refusal(422, str(error)) from None
    request[ENGINE_USED] = ROUTER
    async with turn_of(request, demand.text):
        answer = (await orient(request, [demand]))[0]
    if isinstance(answer, EngineError):
        raise unavailable() from answer
    if isinstance(answer, BadMessage):
        raise Refusal(422, str(answer))
    return web.json_response(text=_json(answer))


async def orientations(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/orientations: many messages, answered one JSON line each, in order, as they are ready."""
    kind = need_type(request, "application/json", *NDJSON_TYPES)
    body = await read_bytes(request, request.app[SETTINGS].max_batch_body)
    rows = _array(body) if kind == "application/json" else _lines(body)
    lengths = list(map(_length, rows))
    await check_count(request, len(rows), sum(lengths))

    async def chunks() -> AsyncIterator[bytes]:
        for start, end in slices(lengths):
            yield await _answer_rows(request, rows[start:end], start)

    return await stream(request, chunks(), {"Content-Type": f"{NDJSON_TYPES[0]}; charset=utf-8"})


async def orientations_csv(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/orientations.csv: a list of file subjects."""
    kind = need_type(request, CSV_TYPE, FORM_TYPE)
    profile = request.query.get("profil", "")
    if kind == CSV_TYPE:
        raw = await read_bytes(request, request.app[SETTINGS].max_batch_body)
    else:
        form = await read_form(request)
        raw = form.get(FILE_FIELD, b"")
        profile = form.get("profil", b"").decode("utf-8", "replace") or profile
    if profile and profile not in schemas.Demande.__fields__["profil"].type_.__args__:
        raise Refusal(422, "« profil » doit être l'un de : citoyen, partenaire, agent.")
    try:
        subjects = await asyncio.to_thread(read_list, raw, MAX_LINES)
    except BadMessage as error:
        raise Refusal(422, str(error)) from None
    return await send_list(request, subjects, profile or None)


async def send_list(request: web.Request, subjects: SubjectList, profile: str | None) -> web.StreamResponse:
    """Answer a list as a CSV file, written as it is routed.

    Raises:
        Refusal: nothing in the list, too many lines, too many lists, or the router is not there.
    """
    lengths = [len(row[subjects.column]) for row in subjects.rows]
    await check_count(request, len(subjects.rows), sum(lengths))

    async def chunks() -> AsyncIterator[bytes]:
        for start, end in slices(lengths):
            rows = subjects.rows[start:end]
            answered = await use_router(request, partial(route_rows, subjects=subjects, rows=rows, profile=profile), behind=True)
            head = BOM + write_rows([output_header(subjects)]) if start == 0 else ""
            yield (head + write_rows(answered)).encode()

    headers = {"Content-Type": f"{CSV_TYPE}; charset=utf-8", "Content-Disposition": 'attachment; filename="orientations.csv"'}
    return await stream(request, chunks(), headers)


async def referential(request: web.Request) -> web.Response:
    """GET /api/v1/referentiel: who does what."""
    return _document(request, (await _catalogue(request)).whole)


async def topic(request: web.Request) -> web.Response:
    """GET /api/v1/referentiel/sujets/{id}: one topic with its service, its delegation and its desk."""
    found = (await _catalogue(request)).topics.get(request.match_info["id"])
    if found is None:
        raise Refusal(404, "Ce sujet n'existe pas. La liste des sujets est à l'adresse /api/v1/referentiel.")
    return _document(request, found)


async def desks(request: web.Request) -> web.Response:
    """GET /api/v1/guichets: the entry points."""
    return _document(request, (await _catalogue(request)).desks)


async def openapi(request: web.Request) -> web.Response:
    """GET /api/openapi.json: this API, described for programs."""
    return _document(request, request.app[OPENAPI])


async def preflight(request: web.Request) -> web.Response:
    """OPTIONS: what an allowed site may send."""
    if request.headers.get("Origin", "").strip().rstrip("/").lower() not in request.app[SETTINGS].hosts:
        raise Refusal(403)
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match",
            "Access-Control-Max-Age": "600",
        },
    )


async def use_router(request: web.Request, work: Callable[[Dialogue], T], behind: bool = False) -> T:
    """Run ``work`` with the router, which must have its model; a slice of a batch goes ``behind`` whoever converses.

    Raises:
        EngineError: not there yet, or too slow.
    """

    def checked(dialogue: Dialogue) -> T:
        if dialogue.router.model is None:
            raise EngineError("Le routeur n'a pas de modèle.")
        return work(dialogue)

    return await request.app[ENGINE].use(checked, behind)


Answered = dict[str, Any] | BadMessage | EngineError


async def orient(request: web.Request, demands: Sequence[Request], behind: bool = False) -> list[Answered]:
    """Orient a few requests; without a router, emergencies are still answered."""

    def work(dialogue: Dialogue) -> list[Answered]:
        answers = orient_many(dialogue, demands)
        return [a.as_json(dialogue.referential) if isinstance(a, Orientation) else a for a in answers]

    try:
        return await use_router(request, work, behind)
    except EngineError as error:
        return [await _urgent(request, demand) or error for demand in demands]


async def _urgent(request: web.Request, demand: Request) -> dict[str, Any] | None:
    urgent = await request.app[ENGINE].urgent(demand.text)
    return Orientation(demand, urgent.decision, urgent.reply).as_json(urgent.referential) if urgent else None


def slices(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cut a batch into what is oriented at once.

    Args:
        lengths: characters of each line.

    Yields:
        The first line of a slice, and the one after its last.
    """
    start = size = 0
    for line, length in enumerate(lengths):
        if line > start and (size + length > SLICE or line - start >= BATCH):
            yield start, line
            start, size = line, 0
        size += length
    if lengths:
        yield start, len(lengths)


async def check_count(request: web.Request, count: int, characters: int) -> None:
    """Refuse an empty or too long batch, and count the messages it stands for.

    Raises:
        Refusal: 422 or 429.
    """
    if count == 0:
        raise Refusal(422, "Cet envoi ne contient aucune ligne.")
    if count > MAX_LINES:
        raise Refusal(422, f"Cet envoi contient plus de {MAX_LINES} lignes. Envoyez-le en plusieurs fois.")
    await count_messages(request, max(-(-count // LINES_PER_MESSAGE), -(-characters // LISTED_PER_MESSAGE)) - 1)  # one is counted already


async def stream(request: web.Request, chunks: AsyncIterator[bytes], headers: dict[str, str]) -> web.StreamResponse:
    """Send chunks as they come; the work stops when the caller leaves.

    Raises:
        Refusal: 503 when not even the first chunk can be made; later, the connection is cut so that nobody takes a part for
            the whole.
    """
    request[ENGINE_USED] = ROUTER
    try:
        first = await anext(chunks)
    except EngineError as error:
        raise unavailable() from error
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    try:
        await response.write(first)
        async for chunk in chunks:
            if request.transport is None or request.transport.is_closing():
                break
            await response.write(chunk)
        else:
            await response.write_eof()
    except ConnectionError:
        pass
    except EngineError:
        if request.transport is not None:
            request.transport.abort()
    return response


def unavailable() -> Refusal:
    """Return the refusal to give while there is no router."""
    return Refusal(503, DOWN, {"Retry-After": "10"})


async def read_form(request: web.Request) -> dict[str, bytes]:
    """Return the parts of a form, by name; the file and the fields alike.

    Raises:
        Refusal: 400 for a broken form, 408 when it comes too slowly, 413 when a part is too large.
    """
    limit = request.app[SETTINGS].max_batch_body

    found: dict[str, bytes] = {}
    try:
        async with asyncio.timeout(BODY_SECONDS), large_body(request):
            async for part in await request.multipart():
                if isinstance(part, BodyPartReader) and part.name and len(found) < 8:
                    found[part.name] = await read_part(part, limit - sum(map(len, found.values())))
        return found
    except TimeoutError as error:
        raise Refusal(408) from error
    except (ValueError, AssertionError, LookupError, RuntimeError, HttpProcessingError) as error:
        raise Refusal(400) from error


def _request(demand: schemas.Demande) -> Request:
    text = tidy(demand.texte)
    if not text:
        raise BadMessage(EMPTY)
    return Request(text, demand.profil, demand.commune or "", demand.id)


def _array(body: bytes) -> list[Any]:
    try:
        rows = parse_json(body)
    except BadMessage as error:
        raise Refusal(400, str(error)) from None
    if not isinstance(rows, list):
        raise Refusal(422, 'Envoyez un tableau JSON, par exemple [{"id": "m1", "texte": "…"}], ou une demande par ligne (NDJSON).')
    return rows


def _lines(body: bytes) -> list[Any]:
    """Return the lines that hold something, each still to be read."""
    return [line for line in body.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()]


def _length(row: Any) -> int:
    """Return how long what a line asks may be."""
    return len(row) if isinstance(row, bytes) else len(str(row.get("texte", ""))) if isinstance(row, dict) else 0


async def _answer_rows(request: web.Request, rows: Sequence[Any], start: int) -> bytes:
    """Return one JSON line per row, in order; a bad row gives its error and the others go on.

    Raises:
        EngineError: there is no router, and no emergency among these rows.
    """
    answers: list[dict[str, Any] | None] = []
    demands: list[Request] = []
    for rank, row in enumerate(rows, start=start + 1):
        try:
            if isinstance(row, bytes):
                row = parse_json(row)
            demand = _request(schemas.read_demand(row))
        except BadMessage as error:
            answers.append(_bad_line(row.get("id") if isinstance(row, dict) else None, rank, str(error)))
            continue
        demands.append(demand)
        answers.append(None)
    answered = await orient(request, demands, behind=True) if demands else []
    refused = [a for a in answered if isinstance(a, EngineError)]
    if refused and len(refused) == len(answered):
        raise refused[0]
    made = iter(zip(demands, answered, strict=True))
    for index, known in enumerate(answers):
        if known is None:
            demand, answer = next(made)
            if isinstance(answer, dict):
                answers[index] = answer
            else:
                reason = DOWN if isinstance(answer, EngineError) else str(answer)
                answers[index] = _bad_line(demand.identifier, start + index + 1, reason)
    return "".join(f"{_json(answer)}\n" for answer in answers).encode()


def _bad_line(identifier: Any, rank: int, error: str) -> dict[str, Any]:
    kept = identifier if isinstance(identifier, (str, int)) and not isinstance(identifier, bool) else None
    return {"id": kept, "ligne": rank, "erreur": error}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode()


async def _catalogue(request: web.Request) -> Catalogue:
    kept = request.app[CATALOGUE]

    def work(dialogue: Dialogue) -> Catalogue:
        if not kept or kept[0].referential is not dialogue.referential:
            kept[:] = [build_catalogue(dialogue)]
        return kept[0]

    try:
        return await request.app[ENGINE].use(work)
    except EngineError as error:
        raise unavailable() from error


def _document(request: web.Request, document: Document) -> web.Response:
    zipped = _accepts_gzip(request)
    headers = {
        "ETag": f'"{document.tag}{"-gzip" if zipped else ""}"',
        "Cache-Control": "public, max-age=300, must-revalidate",
        "Vary": "Accept-Encoding",
    }
    known = {tag.value for tag in request.if_none_match or ()}
    if known & {document.tag, f"{document.tag}-gzip", "*"}:
        return web.Response(status=304, headers=headers)
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return web.Response(
        body=document.zipped if zipped else document.body, content_type="application/json", charset="utf-8", headers=headers
    )


def _accepts_gzip(request: web.Request) -> bool:
    for coding in request.headers.get("Accept-Encoding", "").lower().split(","):
        name, _, weight = coding.strip().partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


PROFILE_PARAMETER = {
    "name": "profil",
    "in": "query",
    "required": False,
    "description": "Qui a écrit cette liste.",
    "schema": {"type": "string", "enum": ["citoyen", "partenaire", "agent"]},
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "L'étiquette (ETag) déjà reçue : si rien n'a changé, la réponse est 304.",
    "schema": {"type": "string"},
}
TAG_HEADERS = {"ETag": {"description": "Change avec le contenu.", "schema": {"type": "string"}}}
CSV_TEXT = {"type": "string", "description": "CSV avec une ligne d'en-tête."}
SAMPLE_CSV = "numero;objet\n2026-014;Demande d'autorisation d'une course cycliste\n"
SAMPLE = {"texte": "je voudrais refaire le toit de ma grange près de l'église", "profil": "partenaire", "commune": "Figeac"}

OPERATIONS = (
    Operation(
        "POST",
        "/api/v1/orientation",
        orientation,
        "orienter",
        "Orienter un message",
        "Une urgence reçoit toujours les numéros à appeler, même quand le modèle n'est pas chargé.",
        bodies=(Body("application/json", schemas.Demande, SAMPLE),),
        answer=(Body("application/json", schemas.Orientation),),
        errors=(400, 403, 408, 413, 415, 422, 429, 503),
    ),
    Operation(
        "POST",
        "/api/v1/orientations",
        orientations,
        "orienterLot",
        "Orienter un lot",
        f"De 1 à {MAX_LINES} demandes, en tableau JSON ou une par ligne (NDJSON). La réponse arrive au fur et à mesure, une ligne JSON "
        "par demande, dans l'ordre. Une demande fautive donne un objet avec `erreur`, et la suite continue. Pour la limite de débit, un "
        f"lot compte un message par tranche de {LINES_PER_MESSAGE} lignes, ou de {LISTED_PER_MESSAGE} caractères, commencée : le plus "
        "grand des deux. Une réponse coupée avant la dernière ligne est "
        "incomplète : renvoyez les demandes sans réponse.",
        bodies=(
            Body(
                "application/json",
                {"type": "array", "items": schemas.Demande, "minItems": 1, "maxItems": MAX_LINES},
                [{"id": "m1", "texte": "une bête morte dans le ruisseau"}],
            ),
            Body(
                NDJSON_TYPES[0],
                {"type": "string", "description": "Un objet Demande par ligne."},
                '{"id": "m1", "texte": "refaire le PLU"}\n',
            ),
        ),
        answer=(
            Body(
                NDJSON_TYPES[0],
                {"type": "string", "description": "Un objet Orientation, ou LigneFautive, par ligne."},
            ),
        ),
        errors=(400, 403, 408, 413, 415, 422, 429, 503),
    ),
    Operation(
        "POST",
        "/api/v1/orientations.csv",
        orientations_csv,
        "orienterListe",
        "Orienter une liste d'objets de dossiers (CSV)",
        "La colonne des objets s'appelle « objet » ou « texte ». Séparateur `;`, `,` ou tabulation. UTF-8 ou Windows-1252. La réponse "
        "garde vos colonnes et ajoute : décision, délégation, service, sujet, premier geste, contact, services associés, confiance, "
        "alternatives, `a_relire` (« oui » quand la porte n'est pas sûre) et `relecture` (vide, pour vous).",
        parameters=(PROFILE_PARAMETER,),
        bodies=(
            Body(CSV_TYPE, CSV_TEXT, SAMPLE_CSV),
            Body(
                FORM_TYPE,
                {
                    "type": "object",
                    "required": [FILE_FIELD],
                    "properties": {
                        FILE_FIELD: {"type": "string", "contentMediaType": CSV_TYPE},
                        "profil": {"type": "string", "enum": ["citoyen", "partenaire", "agent"]},
                    },
                },
            ),
        ),
        answer=(Body(CSV_TYPE, CSV_TEXT),),
        errors=(400, 403, 408, 413, 415, 422, 429, 503),
        headers={"Content-Disposition": {"description": "Nom de fichier proposé.", "schema": {"type": "string"}}},
    ),
    Operation(
        "GET",
        "/api/v1/referentiel",
        referential,
        "lireReferentiel",
        "Lire tout le référentiel",
        "Délégations, services, sujets, guichets, glossaire, numéros d'urgence et communes du Lot.",
        parameters=(IF_NONE_MATCH,),
        answer=(Body("application/json", schemas.Referentiel),),
        errors=(503,),
        headers=TAG_HEADERS,
        not_modified=True,
    ),
    Operation(
        "GET",
        "/api/v1/referentiel/sujets/{id}",
        topic,
        "lireSujet",
        "Lire un sujet",
        "Le sujet avec son service, sa délégation et son guichet.",
        parameters=(
            {
                "name": "id",
                "in": "path",
                "required": True,
                "description": "Identifiant du sujet.",
                "schema": {"type": "string", "pattern": "^[a-z][a-z0-9_]+$"},
                "example": "travaux_abords_monument",
            },
            IF_NONE_MATCH,
        ),
        answer=(Body("application/json", schemas.Fiche),),
        errors=(404, 503),
        headers=TAG_HEADERS,
        not_modified=True,
    ),
    Operation(
        "GET",
        "/api/v1/guichets",
        desks,
        "lireGuichets",
        "Lire les guichets",
        parameters=(IF_NONE_MATCH,),
        answer=(Body("application/json", schemas.Guichets),),
        errors=(503,),
        headers=TAG_HEADERS,
        not_modified=True,
    ),
)
