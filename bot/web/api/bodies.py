"""Read what a caller sends, within bounds of size and time; every refusal says what to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import BodyPartReader, web

from bot.base.errors import BadMessage
from bot.serving.refusals import Refusal
from bot.web.keys import ALLOWANCE, LIMITER, SETTINGS

BODY_SECONDS = 30.0
NDJSON_TYPES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")


async def read_bytes(request: web.Request, limit: int) -> bytes:
    """Return the body.

    Raises:
        Refusal: 408 when it comes too slowly, 413 when it is over ``limit`` bytes.
    """
    if (request.content_length or 0) > limit:
        raise too_large(limit)
    try:
        async with asyncio.timeout(BODY_SECONDS), large_body(request):
            return await _gather(request, limit)
    except TimeoutError as error:
        raise Refusal(408) from error


@asynccontextmanager
async def large_body(request: web.Request) -> AsyncIterator[None]:
    """Read the large bodies of one caller one after the other: ten at once take no more memory than one."""
    if request.content_length is not None and request.content_length <= request.app[SETTINGS].max_body:
        yield
        return
    limiter = request.app[LIMITER]
    async with limiter.bodies.hold(limiter.caller(request, request.get(ALLOWANCE))):
        yield


async def read_part(part: BodyPartReader, limit: int) -> bytes:
    """Return one part of a form, within ``limit`` bytes."""
    data = bytearray()
    while chunk := await part.read_chunk():
        data += chunk
        if len(data) > limit:
            raise too_large(limit)
    return bytes(data)


def parse_json(body: bytes | str) -> Any:
    """Return the value of a JSON text.

    Raises:
        BadMessage: it is no JSON, or not in UTF-8.
    """
    try:
        return json.loads(body, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise BadMessage(f"Ce n'est pas du JSON correct : erreur à la ligne {error.lineno}, colonne {error.colno}.") from None
    except UnicodeDecodeError:
        raise BadMessage("Ce texte n'est pas en UTF-8.") from None
    except (ValueError, RecursionError):
        raise BadMessage("Ce n'est pas du JSON que l'on peut lire.") from None


def need_type(request: web.Request, *types: str) -> str:
    """Return the content type, which must be one of ``types``.

    Raises:
        Refusal: 415; it names what is read.
    """
    if request.content_type not in types:
        raise Refusal(415, f"Envoyez l'un de ces formats, nommé dans l'en-tête Content-Type : {', '.join(types)}.")
    return request.content_type


def too_large(limit: int) -> Refusal:
    """Return the refusal of a body over ``limit`` bytes."""
    return Refusal(413, f"Cet envoi est trop lourd : {limit // 1024} kilo-octets au plus. Envoyez-le en plusieurs fois.")


async def _gather(request: web.Request, limit: int) -> bytes:
    data = bytearray()
    async for chunk in request.content.iter_any():
        data += chunk
        if len(data) > limit:
            raise too_large(limit)
    return bytes(data)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
