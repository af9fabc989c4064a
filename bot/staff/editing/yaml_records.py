"""Change one record of a referential file, with comments, order and quotes kept (ruamel.yaml's round trip)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from bot.base.errors import EditError

FLOW_LISTS = frozenset({"public", "choix", "mots", "refs", "zone", "anciens_identifiants", "adresse_courriel", "numeros"})
"""Lists written on one line: ``public: [citoyen]``."""

FLOW_RECORDS = frozenset({"lien", "fiche", "formulaire"})
"""Records written on one line."""

PLAIN_LISTS = frozenset({"public", "choix", "mots"})
"""Lists whose texts are written without quotes, but those that YAML would read otherwise (« on », « no »)."""

UNQUOTED = frozenset({"id", "service", "dis", "confiance", "guichet", "sujet", "delegation", "famille"})
"""Fields whose text is an id."""


def _yaml() -> Any:
    engine: Any = YAML()
    engine.preserve_quotes = True
    engine.width = 100_000
    return engine


class RecordFile:
    """The text of a file that holds one list of records, such as ``sujets:``.

    Args:
        text: of the file.
        key: of the list.
        named: field that tells one record from another.

    Raises:
        EditError: the file cannot be read.
    """

    def __init__(self, text: str, key: str, named: str = "id") -> None:
        self._key, self._named = key, named
        self._yaml = _yaml()
        try:
            self._document = self._yaml.load(text)
            self._expected = _plain(yaml.safe_load(text))
            self._rows: CommentedSeq = self._document[key]
            assert isinstance(self._rows, CommentedSeq)
        except (YAMLError, yaml.YAMLError, KeyError, TypeError, ValueError, AssertionError) as error:
            raise EditError(f"Un fichier du référentiel n'est pas lisible ({key}). Prévenez un développeur.") from error

    def ids(self) -> tuple[str, ...]:
        """Return the ids, in order."""
        return tuple(str(row.get(self._named)) for row in self._rows)

    def get(self, identifier: str) -> dict[str, Any]:
        """Return the plain values of a record.

        Raises:
            EditError: no such record.
        """
        row: dict[str, Any] = self._expected[self._key][self._index(identifier)]
        return row

    def set(self, identifier: str, values: Mapping[str, Any]) -> None:
        """Set fields of a record; ``None`` removes a field. Fields with the same value are not touched."""
        index = self._index(identifier)
        row, plain = self._rows[index], self._expected[self._key][index]
        _merge(row, plain, values)

    def add(self, values: Mapping[str, Any]) -> None:
        """Add a record at the end."""
        if not self._rows:
            self._rows.fa.set_block_style()
        self._rows.append(_styled("", dict(values)))
        self._expected[self._key].append(_plain(dict(values)))

    def remove(self, identifier: str) -> dict[str, Any]:
        """Remove a record and return its plain values."""
        index = self._index(identifier)
        plain: dict[str, Any] = self._expected[self._key].pop(index)
        del self._rows[index]
        return plain

    def text(self) -> str:
        """Return the new text of the file.

        Raises:
            EditError: what was written does not read back as what was wanted.
        """
        stream = io.StringIO()
        self._yaml.dump(self._document, stream)
        text = stream.getvalue()
        if _plain(yaml.safe_load(text)) != self._expected:
            raise EditError("Ce changement ne peut pas s'écrire fidèlement dans le fichier. Demandez à un développeur.")
        return text

    def _index(self, identifier: str) -> int:
        try:
            return self.ids().index(identifier)
        except ValueError:
            raise EditError(f"« {identifier} » n'existe plus : une autre personne l'a peut-être retiré.") from None


def read_records(text: str, key: str) -> list[dict[str, Any]]:
    """Return the plain values of the records of a file, only to read them: ten times faster than :class:`RecordFile`.

    Raises:
        EditError: the file cannot be read.
    """
    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # both are safe loaders
        return [dict(row) for row in document[key]]
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise EditError(f"Un fichier du référentiel n'est pas lisible ({key}). Prévenez un développeur.") from error


def record_text(values: Mapping[str, Any]) -> str:
    """Return a record alone as YAML, such as one that leaves the referential and is kept."""
    stream = io.StringIO()
    _yaml().dump(_styled("", dict(values)), stream)
    return stream.getvalue()


def _merge(row: CommentedMap, plain: dict[str, Any], values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if value is None:
            row.pop(name, None)
            plain.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(plain.get(name), dict):
            _merge(row[name], plain[name], value)
        elif plain.get(name) != _plain(value) or name not in plain:
            row[name] = _styled(name, value)
            plain[name] = _plain(value)


def _styled(name: str, value: Any, flow: bool = False) -> Any:
    """Return a value written as the referential writes it."""
    if isinstance(value, Mapping):
        mapping = CommentedMap((k, _styled(k, v)) for k, v in value.items())
        if flow or name in FLOW_RECORDS:
            mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, Sequence) and not isinstance(value, str):
        rows = CommentedSeq(v if name in PLAIN_LISTS and _reads_back(v) else _styled("", v, flow=True) for v in value)
        if not value or name in FLOW_LISTS:
            rows.fa.set_flow_style()
        return rows
    if isinstance(value, str) and name not in UNQUOTED:
        return DoubleQuotedScalarString(value)
    return value


def _reads_back(value: Any) -> bool:
    try:
        return bool(yaml.safe_load(f"[{value}]") == [value])
    except yaml.YAMLError:
        return False


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, str) else value
