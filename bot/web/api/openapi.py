"""The OpenAPI 3.1 document, made from the declared operations and the schemas: nothing is written twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.fields import ModelField
from pydantic.schema import model_process_schema

from bot.serving.refusals import meaning
from bot.web.api.operations import Body, Operation
from bot.web.api.schemas import LigneFautive, Probleme

PROBLEM_TYPE = "application/problem+json"
EVERYWHERE = (401, 500)
REF = "#/components/schemas/"


def build_openapi(operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the document.

    Args:
        operations: every route of the API.
    """
    operations = tuple(operations)
    schemas = _Schemas()
    schemas.ref(Probleme)
    schemas.ref(LigneFautive)
    paths: dict[str, dict[str, Any]] = {}
    statuses = {404, 405, *EVERYWHERE}
    for operation in operations:
        statuses.update(operation.errors)
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "info": {
            "title": "Assistant de la préfecture du Lot : API des partenaires",
            "version": "1.0.0",
            "summary": "Une demande en français, une seule porte où frapper.",
            "description": (
                "L'assistant oriente : il ne décide rien, et ne dit pas si une personne a un droit. Rien de ce qui est envoyé n'est "
                "gardé. Toutes les erreurs ont la même forme (RFC 9457). Une adresse inconnue donne 404, une méthode non prévue 405. "
                "Guide avec exemples : /api."
            ),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"cle": []}],
        "tags": [{"name": "orientation", "description": "Donner la porte."}, {"name": "referentiel", "description": "Qui fait quoi."}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "cle": {"type": "http", "scheme": "bearer", "description": "Facultative : une clé a sa propre limite de débit."}
            },
            "responses": {f"Probleme{status}": _problem(status) for status in sorted(statuses)},
            "schemas": schemas.components,
        },
    }


class _Schemas:
    """Turns pydantic models into JSON Schema 2020-12, as OpenAPI 3.1 wants it."""

    def __init__(self) -> None:
        self.components: dict[str, Any] = {}

    def ref(self, model: type[BaseModel]) -> dict[str, str]:
        if model.__name__ not in self.components:
            self.components[model.__name__] = {}  # known before its fields, which may point back
            raw, definitions, _ = model_process_schema(model, model_name_map=_Names(), ref_prefix=REF)
            self.components[model.__name__] = self._tidy(raw, model)
            for name, nested in _nested(model).items():
                if name not in self.components or not self.components[name]:
                    self.components[name] = self._tidy(definitions[name], nested)
        return {"$ref": REF + model.__name__}

    def any(self, schema: Any) -> Any:
        """Return the JSON schema of a model, or of a plain schema that may hold models."""
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            return self.ref(schema)
        if isinstance(schema, dict):
            return {key: self.any(value) for key, value in schema.items()}
        return schema

    def _tidy(self, raw: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
        """Say what pydantic 1 leaves out: what may be null, and ``examples`` rather than ``example``."""
        schema = {key: value for key, value in raw.items() if key != "title"}
        schema["properties"] = {
            name: self._property(dict(value), model.__fields__[name]) for name, value in raw.get("properties", {}).items()
        }
        return schema

    @staticmethod
    def _property(schema: dict[str, Any], field: ModelField) -> dict[str, Any]:
        schema.pop("title", None)
        around: dict[str, Any] = {key: schema.pop(key) for key in ("description", "default") if key in schema}
        if "example" in schema:
            around["examples"] = [schema.pop("example")]
        if list(schema) == ["allOf"] and len(schema["allOf"]) == 1:
            schema = schema["allOf"][0]
        if field.allow_none:
            if set(schema) == {"type"}:
                schema = {"type": [schema["type"], "null"]}
            elif "anyOf" in schema:
                schema = {"anyOf": [*schema["anyOf"], {"type": "null"}]}
            else:
                schema = {"anyOf": [schema, {"type": "null"}]}
        return {**schema, **around}


class _Names(dict[Any, str]):
    def __missing__(self, model: Any) -> str:
        return str(model.__name__)


def _nested(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Return every model that a model holds, at any depth."""
    found: dict[str, type[BaseModel]] = {}
    for field in model.__fields__.values():
        if isinstance(field.type_, type) and issubclass(field.type_, BaseModel):
            found[field.type_.__name__] = field.type_
            found.update(_nested(field.type_))
    return found


def _operation(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": operation.success, "content": _content(operation.answer, schemas)}
    if operation.headers:
        answer["headers"] = dict(operation.headers)
    responses: dict[str, Any] = {"200": answer}
    if operation.not_modified:
        responses["304"] = {"description": "Rien n'a changé depuis cette étiquette.", "headers": dict(operation.headers)}
    for status in sorted({*operation.errors, *EVERYWHERE}):
        responses[str(status)] = {"$ref": f"#/components/responses/Probleme{status}"}
    row: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": ["referentiel" if operation.method == "GET" else "orientation"],
        "responses": responses,
    }
    if operation.description:
        row["description"] = operation.description
    if operation.parameters:
        row["parameters"] = [dict(parameter) for parameter in operation.parameters]
    if operation.bodies:
        row["requestBody"] = {"required": True, "content": _content(operation.bodies, schemas)}
    return row


def _content(bodies: Iterable[Body], schemas: _Schemas) -> dict[str, Any]:
    return {
        body.content_type: {"schema": schemas.any(body.schema), **({"example": body.example} if body.example is not None else {})}
        for body in bodies
    }


def _problem(status: int) -> dict[str, Any]:
    title, detail = meaning(status)
    row: dict[str, Any] = {
        "description": f"{title}. {detail}",
        "content": {PROBLEM_TYPE: {"schema": {"$ref": f"{REF}{Probleme.__name__}"}}},
    }
    if status in {429, 503}:
        row["headers"] = {"Retry-After": {"description": "Secondes à attendre.", "schema": {"type": "integer"}}}
    if status == 401:
        row["headers"] = {"WWW-Authenticate": {"description": "Toujours « Bearer ».", "schema": {"type": "string"}}}
    return row
