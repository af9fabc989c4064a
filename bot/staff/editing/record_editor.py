"""Change one record of a file of the referential, whatever it holds: a table of fields says what a person may set.

A :class:`Kind` of record drives all of it: the form, what is checked, the draft, the journal, what two people changed at once.
The kinds are in :mod:`bot.staff.editing.kinds`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from bot.base.errors import EditError
from bot.base.paths import ProjectPaths
from bot.staff.editing.conflicts import Difference, differences, field_of, merged, nested, version_of
from bot.staff.editing.topic_editor import suggest_id
from bot.staff.editing.workspace import Change, Draft, Workspace, read_text
from bot.staff.editing.yaml_records import RecordFile, read_records


class Shape(StrEnum):
    """What a field holds, and so how it is asked."""

    LINE = "ligne"
    TEXT = "texte"
    LINES = "lignes"
    NUMBER = "nombre"
    DATE = "date"
    HOUR = "heure"
    ONE = "un"
    SOME = "plusieurs"
    ROWS = "rangees"


@dataclass(frozen=True)
class Field:
    """One field that a person may set.

    Args:
        name: in the record; « a.b » is the field « b » of the record « a ».
        label: what a person reads.
        shape: what it holds.
        hint: a short help under the label.
        needed: whether it may not be empty.
        among: what :attr:`Shape.ONE` and :attr:`Shape.SOME` choose from.
        columns: of each row of :attr:`Shape.ROWS`.
        blank: empty rows or choices shown after those that are filled.
        most: rows or choices at most.
        only_new: asked when the record is made, then never changed.
        unless: a field that, when it is filled, says this one elsewhere: it is then not asked.
        keeps: whether a row keeps what its columns do not show.
        aside: whether it is written beside the record and not in it.
    """

    name: str
    label: str
    shape: Shape = Shape.LINE
    hint: str = ""
    needed: bool = False
    among: str = ""
    columns: tuple[Field, ...] = ()
    blank: int = 1
    most: int = 12
    only_new: bool = False
    unless: str = ""
    keeps: bool = False
    aside: bool = False


Values = Mapping[str, Any]
"""A record, or fields by name."""


@dataclass(frozen=True)
class Kind:
    """One kind of record.

    Args:
        id: its name in the code and in addresses.
        name: of its page.
        one: what one of them is called, with its article: « le menu ».
        help: what its page is for.
        path: of its page.
        file, key: where the records are: a file of the referential, the name of its list.
        fields: what a person may set, in the order of the form.
        title: field that a person knows a record by.
        called: what that is, when the field alone does not tell.
        named: field that tells one record from another.
        new: what making one is called; empty when none can be made.
        removable: whether one may leave the file.
        shown: fields that the list shows beside the title.
        heads: what the columns of the list are called, when it is not by the name of their fields.
        nothing: what the list says of a field that is empty.
        group: field that the list is sorted in parts by.
        keeps: which records of the file are of this kind.
        start: fields of a new record that the form does not ask.
        deeds: made, changed, removed, as the journal writes them.
        check: what is wrong in the fields, one French sentence each.
        read: returns a record of the file as the form shows it; ``finish`` does the reverse.
        finish: returns the fields to write, given the record as it was and the fields that were typed.
        prefix: of the id of a new one.
        beside: writes what a new record needs elsewhere, given the tree, the draft, its id, and what was typed.
        taught: whether messages of the public lead to it.
        saved: what the page says once it is in the draft.
    """

    id: str
    name: str
    one: str
    help: str
    path: str
    file: str
    key: str
    fields: tuple[Field, ...]
    title: str
    named: str = "id"
    called: Callable[[Values], str] | None = None
    new: str = ""
    removable: bool = False
    shown: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    nothing: str = "–"
    group: str = ""
    keeps: Callable[[Values], bool] = lambda record: True
    start: Values = field(default_factory=dict)
    deeds: tuple[str, str, str] = ("fiche_creee", "fiche_modifiee", "fiche_retiree")
    check: Callable[[Values], Sequence[str]] = lambda fields: ()
    read: Callable[[dict[str, Any]], dict[str, Any]] = lambda record: record
    finish: Callable[[Values, Values], Values] = lambda before, fields: fields
    prefix: str = ""
    beside: Callable[[ProjectPaths, Draft, str, Values], None] = lambda paths, draft, identifier, fields: None
    taught: bool = False
    saved: str = "C'est enregistré dans le brouillon. Publiez-le pour que le public le voie."

    def title_of(self, record: Values) -> str:
        """Return what a person knows a record by."""
        return self.called(record) if self.called else str(field_of(record, self.title) or "")

    @property
    def names(self) -> Mapping[str, str]:
        """Field → name that a person reads."""
        return {each.name: each.label for each in self.fields}


@dataclass(frozen=True)
class RecordSheet:
    """A record as it stands in its file.

    Args:
        id: of the record.
        values: its plain values.
        version: to send back with a change.
        title: what a person knows it by.
    """

    id: str
    values: Values
    version: str
    title: str


class RecordEditor:
    """The records of one kind, in a tree.

    Args:
        paths: the tree.
        kind: of record.
    """

    def __init__(self, paths: ProjectPaths, kind: Kind) -> None:
        self._paths, self.kind = paths, kind
        self._workspace = Workspace(paths)
        self._file = paths.referential / kind.file

    def all(self) -> Sequence[RecordSheet]:
        """Return the records in the order of the file."""
        return [self._sheet(row) for row in self._rows(Draft(self._paths.root))]

    def read(self, identifier: str) -> RecordSheet:
        """Return a record as it is written now.

        Raises:
            EditError: it does not exist.
        """
        return self._found(Draft(self._paths.root), identifier)

    def edit(self, identifier: str, values: Values, version: str, author: str) -> Change | None:
        """Change fields of a record; returns ``None`` when nothing differs.

        Args:
            identifier: of the record.
            values: field → value; those left out stay.
            version: of the sheet the person read.
            author: name of the person.

        Raises:
            EditConflict: someone else changed the same fields meanwhile.
            EditError: a value is missing or wrong; says which.
        """
        allowed = {each.name for each in self.kind.fields if not each.only_new}
        title = self.read(identifier).title
        with self._editing(author, "modifié", 1, title) as (draft, done):
            sheet = self._found(draft, identifier)
            fields = merged(version, sheet.values, {n: v for n, v in values.items() if n in allowed}, self.kind.names)
            whole = {each.name: field_of(sheet.values, each.name) for each in self.kind.fields} | fields
            self._refuse_wrong(whole, {name: whole[name] for name in values if name in whole})
            fields = dict(self.kind.finish(sheet.values, fields))
            kept = {n: v for n, v in fields.items() if v not in (None, "", [], ()) or field_of(sheet.values, n) is not None}
            self._write(draft, identifier, kept)
        return done[0] if done else None

    def create(self, values: Values, author: str) -> tuple[str, Change]:
        """Make a record; returns its id.

        Args:
            values: field → value.
            author: name of the person.

        Raises:
            EditError: a value is missing or wrong, or the record exists.
        """
        fields = {each.name: values.get(each.name) for each in self.kind.fields}
        self._refuse_wrong(fields, fields)
        title = self.kind.title_of(fields)
        with self._editing(author, "créé", 0, title) as (draft, done):
            records = self._records(draft)
            taken = [str(row.get(self.kind.named)) for row in read_records(draft.read(self._file), self.kind.key)]
            own = self.kind.named in fields
            identifier = str(fields[self.kind.named]) if own else self.kind.prefix + suggest_id(title, taken)
            if identifier in taken:
                raise EditError(f"« {title} » existe déjà. Choisissez un autre nom.")
            written = {f.name: v for f in self.kind.fields if not f.aside and (v := fields[f.name]) not in (None, "", [], ())}
            given = self.kind.finish({}, written)
            records.add({**({} if own else {"id": identifier}), **nested({**self.kind.start, **given})})
            draft.write(self._file, records.text())
            self.kind.beside(self._paths, draft, identifier, fields)
        return identifier, done[0]

    def remove(self, identifier: str, author: str) -> Change:
        """Take a record out of the file.

        Raises:
            EditError: it may not leave, or is not there any more.
        """
        if not self.kind.removable:
            raise EditError(f"On ne peut pas retirer {self.kind.one}.")
        with self._editing(author, "retiré", 2, self.read(identifier).title) as (draft, done):
            records = self._records(draft)
            records.remove(identifier)
            draft.write(self._file, records.text())
        return done[0]

    @contextmanager
    def _editing(self, author: str, verb: str, deed: int, title: str) -> Iterator[tuple[Draft, list[Change]]]:
        done: list[Change] = []
        what = self.kind.one.split(maxsplit=1)[-1].removeprefix("l'")
        summary = f"{what[:1].upper()}{what[1:]} « {title} » : {verb}"
        with self._workspace.editing(author, summary, done, self.kind.deeds[deed], f"{self.kind.one} « {title} »") as draft:
            yield draft, done

    def _rows(self, draft: Draft) -> list[dict[str, Any]]:
        return [self.kind.read(row) for row in read_records(draft.read(self._file), self.kind.key) if self.kind.keeps(row)]

    def _found(self, draft: Draft, identifier: str) -> RecordSheet:
        row = next((row for row in self._rows(draft) if str(row.get(self.kind.named)) == identifier), None)
        if row is None:
            raise EditError("Cette fiche n'existe pas, ou plus : une autre personne l'a peut-être retirée.")
        return self._sheet(row)

    def _sheet(self, row: dict[str, Any]) -> RecordSheet:
        return RecordSheet(str(row.get(self.kind.named)), row, version_of(row, self.kind.names), self.kind.title_of(row))

    def _records(self, draft: Draft) -> RecordFile:
        return RecordFile(draft.read(self._file), self.kind.key, self.kind.named)

    def _write(self, draft: Draft, identifier: str, fields: Values) -> None:
        records = self._records(draft)
        records.set(identifier, nested(fields))
        draft.write(self._file, records.text())

    def _refuse_wrong(self, whole: Values, typed: Values) -> None:
        mistakes = []
        for each in self.kind.fields:
            if each.name not in typed or (each.unless and whole.get(each.unless)):
                continue
            value = whole[each.name]
            if each.needed and value in (None, "", [], ()):
                mistakes.append(f"« {each.label} » manque.")
            if each.shape is Shape.DATE and isinstance(value, date) and value > date.today():
                mistakes.append(f"« {each.label} » : cette date est dans le futur.")
        mistakes.extend(self.kind.check(whole))
        if mistakes:
            raise EditError("\n".join(dict.fromkeys(mistakes)))


@dataclass(frozen=True)
class RecordChange:
    """One record that two trees say differently.

    Args:
        name: what it is, in words.
        fields: what differs.
    """

    name: str
    fields: tuple[Difference, ...]


def record_changes(live: ProjectPaths, draft: ProjectPaths, kinds: Sequence[Kind], words: Values) -> Sequence[RecordChange]:
    """Return the records that a draft changes, adds or removes.

    Args:
        live: the tree that serves.
        draft: the one of the draft.
        kinds: to compare.
        words: id → name a person reads.
    """
    found = []
    for kind in kinds:
        if read_text(live.referential / kind.file) == read_text(draft.referential / kind.file):
            continue
        before, after = ({sheet.id: sheet for sheet in RecordEditor(tree, kind).all()} for tree in (live, draft))
        for identifier in dict.fromkeys([*before, *after]):
            old, new = before.get(identifier), after.get(identifier)
            changed = differences(old.values if old else {}, new.values if new else {}, kind.names, words)
            if changed:
                title = (new or old).title  # type: ignore[union-attr]
                found.append(RecordChange(f"{kind.one[:1].upper()}{kind.one[1:]} « {title} »", changed))
    return found
