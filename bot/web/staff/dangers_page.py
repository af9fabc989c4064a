"""The dangers: what announces each, what it shows; a sentence to try, and messages written down as a danger or as none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.emergency.detector import Clue
from bot.emergency.known import CALM
from bot.language.lexicon import Lexicon, tokens_of
from bot.learning.loading import load_detector, sound_paths
from bot.staff.danger_words import Cries, announced, in_words
from bot.staff.editing.kinds import ABROAD, CRIES, DANGERS, KINDS, NOTIONS, PHRASES
from bot.staff.editing.record_editor import RecordSheet
from bot.web.staff.framework import read_form, workshop
from bot.web.staff.records_page import RecordPages

PARTS = {
    "mots": "Les cris les plus simples",
    "phrases": "Les messages appris mot pour mot",
    "appris": "Ce qui est appris de milliers de messages",
    "langues": "Les mots des autres langues",
}
"""Parts of the detector, as staff read them."""
NEAR = 2.0
"""Odds around the level of the learnt part that are close to it."""


def add(app: web.Application) -> None:
    """Add the pages of every kind of record; the dangers come last: their ids could be read in the addresses of the others."""
    pages = DangerPages(DANGERS, "urgences.html", "urgence.html")
    app.add_routes([web.post(f"{DANGERS.path}/essai", pages.try_out)])
    own: Mapping[str, RecordPages] = {
        DANGERS.id: pages,
        CRIES.id: CryPages(CRIES, form_template="cri.html"),
        ABROAD.id: AbroadPages(ABROAD, form_template="mots.html"),
    }
    for kind in sorted(KINDS, key=lambda each: each is DANGERS):
        own.get(kind.id, RecordPages(kind)).add(app)


class DangerPages(RecordPages):
    """The pages of the dangers."""

    async def try_out(self, request: web.Request) -> web.StreamResponse:
        """POST: what the assistant of today makes of a sentence; nothing is kept."""
        typed = (await read_form(request)).get("essai", "")[:2000].strip()
        return self._list(request, **(self._tried(request, typed) if typed else {}))

    def list_values(self, request: web.Request) -> Mapping[str, Any]:
        """Return what the list shows beside the table."""
        dangers = {s.id: s.libelle for s in workshop(request).drafted().emergency_situations.values()}
        return {
            "essai": "",
            "verdict": None,
            "indices": (),
            "messages": PHRASES.path,
            "cris": CRIES.path,
            "mots": ABROAD.path,
            "dangers": dangers,
        }

    def form_values(self, request: web.Request, sheet: RecordSheet, values: Mapping[str, Any], tried: str) -> Mapping[str, Any]:
        """Return what announces the danger."""
        return {"annonce": announced(sound_paths(workshop(request).paths), sheet.id)}

    def _tried(self, request: web.Request, typed: str) -> Mapping[str, Any]:
        detector, referential = load_detector(sound_paths(workshop(request).paths)), workshop(request).referential()
        found = detector.detect(typed)
        names = {s.id: s.libelle for s in referential.emergency_situations.values()}
        verdict = None
        if found is not None:
            numbers = [f"{n} ({referential.emergency_numbers[n].nom})" for n in found.numeros]
            verdict = (names[found.situation], numbers, referential.emergency_situations[found.situation].consigne, found.sure)
        return {"essai": typed, "verdict": verdict, "indices": [_told(clue, names) for clue in detector.clues(typed)]}


class CryPages(RecordPages):
    """The pages of the cries: each line is told in words, with a sentence that it hears; a sentence is tried on what is typed."""

    def cells(self, request: web.Request, sheet: RecordSheet, names: Mapping[str, str]) -> tuple[str, ...]:
        """Return one example, and how many lines there are."""
        found = _cries(request).told(sheet.id, sheet.values["motifs"], sheet.values.get("sauf") or ())
        return f"« {next((cry.example for cry in found if cry.learnt), found[0].example)} »", str(len(found))

    def form_values(self, request: web.Request, sheet: RecordSheet, values: Mapping[str, Any], tried: str) -> Mapping[str, Any]:
        """Return what each line means, and what they make of the sentence tried."""
        cries, lines, unless = _cries(request), values["motifs"] or (), values["sauf"] or ()
        return {
            "cris": cries.told(str(values["situation"] or ""), lines, unless),
            "arrets": [in_words(line, cries.lists) for line in unless],
            "arrets_de_tous": [in_words(line, cries.lists) for line in cries.unless],
            "listes_de_mots": cries.lists,
            "essai": tried,
            "entendu": cries.tried(lines, unless, tried) if tried else None,
        }


class AbroadPages(RecordPages):
    """The pages of the words of other languages; a sentence is tried on what is typed."""

    def form_values(self, request: web.Request, sheet: RecordSheet, values: Mapping[str, Any], tried: str) -> Mapping[str, Any]:
        """Return the ideas that the words typed hear in the sentence tried."""
        words = {name.partition(".")[2]: [word.replace(" ", "_") for word in rows or ()] for name, rows in values.items()}
        sign = Lexicon({sheet.id: words}).read(tokens_of(tried)) if tried else None
        return {"essai": tried, "idees": sorted(NOTIONS[notion] for notion in sign.notions) if sign else ()}


def _cries(request: web.Request) -> Cries:
    return Cries(workshop(request).drafts.edited)


def _told(clue: Clue, names: Mapping[str, str]) -> tuple[str, str]:
    """Return a part of the detector and what it heard, in words."""
    name = names.get(clue.situation, clue.situation)
    if clue.situation == CALM:
        return PARTS[clue.part], "ce n'est pas une urgence"
    if clue.odds is None or clue.odds > NEAR:
        return PARTS[clue.part], f"alarme, {name}"
    if clue.alarm:
        return PARTS[clue.part], f"alarme de peu, {name}"
    return PARTS[clue.part], f"presque une alarme, {name}" if clue.odds > -NEAR else "aucun danger"
