"""How one route of the partner API is declared: its handler, and all that the OpenAPI document says of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Body:
    """One form of a body.

    Args:
        content_type: media type.
        schema: a pydantic model, or a plain JSON schema.
        example: shown in the documentation.
    """

    content_type: str
    schema: Any
    example: Any = None


@dataclass(frozen=True)
class Operation:
    """One route.

    Args:
        method, path: as aiohttp routes them.
        handler: answers.
        name: stable identifier.
        summary: one line.
        description: more, in Markdown.
        parameters: OpenAPI parameters.
        bodies: what may be sent.
        answer: what a success gives.
        success: what a success means.
        errors: statuses of the problems it can give, besides those of every route.
        headers: of a success.
        not_modified: whether it answers 304 to ``If-None-Match``.
    """

    method: str
    path: str
    handler: Handler
    name: str
    summary: str
    description: str = ""
    parameters: tuple[Mapping[str, Any], ...] = ()
    bodies: tuple[Body, ...] = ()
    answer: tuple[Body, ...] = ()
    success: str = "La réponse."
    errors: tuple[int, ...] = ()
    headers: Mapping[str, Any] = field(default_factory=dict)
    not_modified: bool = False
