"""The dangers: what announces each, what it shows; a sentence to try, and messages written down as a danger or as none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.emergency.detector import Clue
from bot.emergency.known import CALM
from bot.learning.loading import load_detector, sound_paths
from bot.staff.danger_words import announced
from bot.staff.editing.kinds import CRIES, DANGERS, KINDS, PHRASES
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
    """Add the pages of every kind of record; those of the messages come before the dangers, whose ids could be read in their address."""
    pages = DangerPages(DANGERS, "urgences.html", "urgence.html")
    app.add_routes([web.post(f"{DANGERS.path}/essai", pages.try_out)])
    for each in (*(RecordPages(kind) for kind in KINDS if kind is not DANGERS), pages):
        each.add(app)


class DangerPages(RecordPages):
    """The pages of the dangers."""

    async def try_out(self, request: web.Request) -> web.StreamResponse:
        """POST: what the assistant of today makes of a sentence; nothing is kept."""
        typed = (await read_form(request)).get("essai", "")[:2000].strip()
        return self._list(request, **(self._tried(request, typed) if typed else {}))

    def list_values(self, request: web.Request) -> Mapping[str, Any]:
        """Return what the list shows beside the table."""
        dangers = {s.id: s.libelle for s in workshop(request).drafted().emergency_situations.values()}
        return {"essai": "", "verdict": None, "indices": (), "messages": PHRASES.path, "cris": CRIES.path, "dangers": dangers}

    def form_values(self, request: web.Request, sheet: RecordSheet) -> Mapping[str, Any]:
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
