"""The records of the referential: for each kind, a list, a form to change one or make one; edits wait in the draft.

:mod:`bot.staff.editing.kinds` says what a person may set: nothing here knows a kind, but for what its list says beside the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import quote

from aiohttp import web

from bot.base.errors import EditConflict, EditError
from bot.language.cleaning import clean
from bot.referential import Referential
from bot.referential.ages import due_facts
from bot.staff.accounts.accounts import Role
from bot.staff.editing.conflicts import differences, field_of
from bot.staff.editing.kinds import DESKS, KINDS, WEEK, editor_of
from bot.staff.editing.record_editor import Field, Kind, RecordSheet, Shape
from bot.web.staff.deeds import say_change
from bot.web.staff.drafts_page import draft_of
from bot.web.staff.forms import Choices, line, lines, loose, read_fields, rearranged
from bot.web.staff.framework import actor, flash, needs, page, read_form, redirect, workshop
from bot.web.staff.plain_words import names_of

PATH = "/atelier/fiches"
MANY = 40
"""Records from which a list has a search field."""
TRY = "essai"
"""Gesture that tries a sentence on what is typed, and saves nothing."""
LONG = 40
"""Choices from which one writes the name instead of unrolling a list."""
HELP = (
    "Tout ce que l'assistant dit et sait vient de fiches. Choisissez une sorte de fiche, puis une fiche : un changement attend dans le "
    "brouillon, jusqu'à sa publication."
)


def add(app: web.Application) -> None:
    """Add the page of the kinds."""
    app.add_routes([web.get(PATH, show)])


async def show(request: web.Request) -> web.StreamResponse:
    """GET: the kinds."""
    return page(request, "fiches.html", section="fiches", titre="Fiches", aide=HELP, sortes=KINDS)


@dataclass(frozen=True)
class Row:
    """One line of a list.

    Args:
        path: of its page.
        title: what a person knows it by.
        cells: what the list shows beside it.
        due: whether it is to be checked.
    """

    path: str
    title: str
    cells: tuple[str, ...]
    due: bool


class RecordPages:
    """The pages of one kind of record.

    Args:
        kind: of record.
        list_template, form_template: of its pages.
    """

    def __init__(self, kind: Kind, list_template: str = "liste.html", form_template: str = "enregistrement.html") -> None:
        self.kind, self._list_template, self._form_template = kind, list_template, form_template

    def add(self, app: web.Application) -> None:
        """Add the pages."""
        new, one, editor = f"{self.kind.path}/nouveau", self.kind.path + r"/{id:[^/]+}", needs(Role.EDITOR)
        app.add_routes([web.get(self.kind.path, self.show), web.get(new, editor(self.show_new)), web.post(new, editor(self.create))])
        app.add_routes([web.get(one, self.show_one), web.post(one, editor(self.edit))])

    def list_values(self, request: web.Request) -> Mapping[str, Any]:
        """Return what the list shows beside the table."""
        return {}

    def form_values(self, request: web.Request, sheet: RecordSheet, values: Mapping[str, Any], tried: str) -> Mapping[str, Any]:
        """Return what the page of a record shows beside the form.

        Args:
            request: of the page.
            sheet: the record; that of a new one is empty.
            values: of the form: those typed, else those saved.
            tried: a sentence to try on them, "" for none.
        """
        return {}

    def cells(self, request: web.Request, sheet: RecordSheet, names: Mapping[str, str]) -> tuple[str, ...]:
        """Return what the list shows of a record beside its name."""
        return tuple(_said(field_of(sheet.values, name), names) for name in self.kind.shown)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """GET: every record."""
        return self._list(request)

    def _list(self, request: web.Request, **beside: Any) -> web.Response:
        kind, referential = self.kind, workshop(request).drafted()
        names, words = names_of(referential), request.query.get("q", "")[:100]
        due = {f.owner for f in due_facts(referential, date.today()) if f.kind == "guichet"} if kind is DESKS else set()
        groups: dict[str, list[Row]] = {}
        for sheet in self._ordered(request, due):
            row = Row(self._path(sheet.id), names.get(sheet.title, sheet.title), self.cells(request, sheet, names), sheet.id in due)
            if all(word in clean(" ".join([row.title, *row.cells])).plain for word in clean(words).plain.split()):
                groups.setdefault(names.get(str(field_of(sheet.values, kind.group)), "") if kind.group else "", []).append(row)
        return page(
            request,
            self._list_template,
            section="fiches",
            titre=kind.name,
            aide=kind.help,
            sorte=kind,
            entetes=kind.heads or [kind.names[name] for name in kind.shown],
            groupes=groups,
            recherche=words,
            cherche=bool(words) or sum(map(len, groups.values())) > MANY,
            perimes=len(due),
            mois=referential.age_limits["guichet"].mois,
            **{**self.list_values(request), **beside},
        )

    async def show_new(self, request: web.Request) -> web.StreamResponse:
        """GET: the empty form, or with what the address says."""
        self._refuse_new()
        given = {f.name: request.query[f.name] for f in self.kind.fields if f.shape is Shape.LINE and f.name in request.query}
        return self._form(request, RecordSheet("", {}, "", ""), given)

    async def create(self, request: web.Request) -> web.StreamResponse:
        """POST: make one."""
        self._refuse_new()
        form = await read_form(request)
        values = read_fields(form, self.kind.fields, choices_of(workshop(request).drafted()), {})
        moved = rearranged(form, self.kind.fields, choices_of(workshop(request).drafted()))
        if moved is not None or form.get("geste") == TRY:
            return self._form(request, RecordSheet("", {}, "", ""), {**values, **(moved or {})}, tried=line(form, "essai"))
        try:
            identifier, change = editor_of(draft_of(request), self.kind).create(values, actor(request))
        except EditError as error:
            return self._form(request, RecordSheet("", {}, "", ""), values, str(error).splitlines(), status=422)
        say_change(request, change, self.kind.saved)
        return redirect(self._path(identifier))

    async def show_one(self, request: web.Request) -> web.StreamResponse:
        """GET: one record, to read or change."""
        return self._form(request, self._sheet(request), {})

    async def edit(self, request: web.Request) -> web.StreamResponse:
        """POST: change a record, remove it, or change the phrases that lead to it."""
        form, sheet = await read_form(request), self._sheet(request)
        if form.get("geste") in {"phrases", "retirer_phrase"}:
            return self._phrases(request, sheet, form)
        values = read_fields(form, self.kind.fields, choices_of(workshop(request).drafted()), sheet.values)
        version = form.get("version", "")
        moved = rearranged(form, self.kind.fields, choices_of(workshop(request).drafted()))
        if moved is not None or form.get("geste") == TRY:
            return self._form(request, replace(sheet, version=version), {**values, **(moved or {})}, tried=line(form, "essai"))
        editor = editor_of(draft_of(request), self.kind)
        try:
            if form.get("geste") == "retirer":
                say_change(request, editor.remove(sheet.id, actor(request)), "C'est retiré. Cela attend dans le brouillon.")
                return redirect(self.kind.path)
            change = editor.edit(sheet.id, values, version, actor(request))
        except EditConflict as conflict:
            return self._form(request, replace(sheet, version=conflict.version), values, conflict=conflict, status=409)
        except EditError as error:
            return self._form(request, replace(sheet, version=version), values, str(error).splitlines(), status=422)
        say_change(request, change, self.kind.saved)
        renamed = values.get(self.kind.named, sheet.id) if self.kind.named in self.kind.names else sheet.id
        return redirect(self._path(str(renamed)))

    def _phrases(self, request: web.Request, sheet: RecordSheet, form: Mapping[str, str]) -> web.Response:
        writer = workshop(request).writer
        try:
            if not self.kind.taught:
                raise EditError("Ce geste n'existe pas.")
            if form["geste"] == "phrases":
                change = writer.add_phrases(sheet.id, lines(form, "phrase"), actor(request))
                say_change(request, change, "C'est dans le brouillon. Publiez-le pour que le public soit compris.")
            else:
                change = writer.remove_phrase(sheet.id, form.get("phrase", ""), actor(request))
                say_change(request, change, "Phrase retirée. Cela attend dans le brouillon.")
        except EditError as error:
            flash(request, str(error), "erreur")
        return redirect(self._path(sheet.id))

    def _sheet(self, request: web.Request) -> RecordSheet:
        return editor_of(workshop(request).drafts.edited, self.kind).read(request.match_info["id"])

    def _ordered(self, request: web.Request, due: set[str]) -> Sequence[RecordSheet]:
        sheets = editor_of(workshop(request).drafts.edited, self.kind).all()
        if self.kind is not DESKS:
            return sheets
        return sorted(sheets, key=lambda s: (s.id not in due, field_of(s.values, "x_ose.verifie_le") or date.min, s.title))

    def _path(self, identifier: str) -> str:
        return f"{self.kind.path}/{quote(identifier, safe='')}"

    def _refuse_new(self) -> None:
        if not self.kind.new:
            raise EditError(f"On ne peut pas ajouter ici : {self.kind.name.lower()}.")

    def _form(
        self,
        request: web.Request,
        sheet: RecordSheet,
        typed: Mapping[str, Any],
        mistakes: Sequence[str] = (),
        conflict: EditConflict | None = None,
        status: int = 200,
        tried: str = "",
    ) -> web.Response:
        kind, referential = self.kind, workshop(request).drafted()
        asked = [f for f in kind.fields if (not f.only_new or not sheet.id) and not (f.unless and field_of(sheet.values, f.unless))]
        values = {f.name: typed.get(f.name, field_of(sheet.values, f.name)) for f in kind.fields}
        names = names_of(referential)
        return page(
            request,
            self._form_template,
            section="fiches",
            titre=names.get(sheet.title, sheet.title) if sheet.id else kind.new,
            aide=kind.help,
            status=status,
            sorte=kind,
            nouveau=not sheet.id,
            chemin=self._path(sheet.id) if sheet.id else f"{kind.path}/nouveau",
            champs=asked,
            fixes=[(f.label, _said(values[f.name], names)) for f in kind.fields if sheet.id and f.only_new and not f.aside],
            v=loose(values),
            dit=lambda value: _said(value, names),
            lignes={f.name: _blank_rows(f, values[f.name]) for f in asked},
            version=sheet.version,
            listes=choices_of(referential),
            long=LONG,
            fautes=mistakes,
            conflit=differences(conflict.current, conflict.proposed, kind.names, names) if conflict else (),
            phrases=workshop(request).writer.phrases(sheet.id) if kind.taught and sheet.id else (),
            aujourdhui=date.today().isoformat(),
            **self.form_values(request, sheet, values, tried),
        )


def choices_of(referential: Referential) -> Choices:
    """Return what fields choose among; two choices of the same name are told apart."""
    topics = {t.id: t.libelle for t in referential.topics.values()}
    services = {s.id: s.nom_clair for s in referential.services.values()}
    delegations = {d.id: d.nom_clair for d in referential.delegations.values()}
    doors: dict[str, str] = {}
    for key, name in {**delegations, **services, **topics}.items():
        twin = name in doors.values()
        doors[key] = f"{name} ({referential.services[referential.topics[key].service].nom_clair})" if twin and key in topics else name
    return {
        "sujets": dict(sorted(((key, doors[key]) for key in topics), key=lambda pair: pair[1])),
        "portes": doors,
        "delegations": delegations,
        "guichets": dict(sorted(((d.id, d.nom) for d in referential.entry_points.values()), key=lambda pair: pair[1])),
        "numeros": {n.numero: f"{n.numero} – {n.nom}" for n in referential.emergency_numbers.values()},
        "dangers": {s.id: s.libelle for s in referential.emergency_situations.values()},
        "jours": WEEK,
    }


def _said(value: Any, names: Mapping[str, str]) -> str:
    """Return a value in one line of words."""
    if isinstance(value, Mapping):
        return _said(next(iter(value.values()), ""), names)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_said(each, names) for each in value)
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    return names.get(str(value), str(value)) if value not in (None, "") else ""


def _blank_rows(field: Field, value: Any) -> list[Any]:
    """Return the rows or choices that a form shows: those that are filled, then some that are not."""
    filled = list(value or []) if field.shape in {Shape.ROWS, Shape.SOME} else []
    blank: Any = {} if field.shape is Shape.ROWS else ""
    count = min(field.most, max(1, len(filled) + field.blank))
    shown = filled[:1] if field.keeps else filled
    return [loose(each) for each in [*shown, *[blank] * (count - len(filled))]]
