"""Write down the days on which a place is closed, public holidays aside."""

from __future__ import annotations

import re
from datetime import date

from bot.base.errors import EditError
from bot.base.paths import ProjectPaths
from bot.referential import Referential
from bot.staff.editing.workspace import Change, Workspace
from bot.staff.editing.yaml_records import RecordFile

CLOSURES = "fermetures"
LONGEST = 366
"""Days one closure may last: a place closed for longer leaves the directory."""


def places_of(referential: Referential) -> dict[str, str]:
    """Return what can be closed: id of a desk or of a place → its name."""
    desks = {desk.id: desk.nom for desk in referential.entry_points.values() if not desk.depends_on_commune}
    return {**desks, **{place.id: place.nom for place in referential.directory.places.values()}}


class ClosuresEditor:
    """The closures of a tree.

    Args:
        paths: the tree.
    """

    def __init__(self, paths: ProjectPaths) -> None:
        self._workspace = Workspace(paths)
        self._file = paths.referential / "fermetures.yml"

    def add(self, referential: Referential, place: str, first: date, last: date, reason: str, source: str, author: str) -> Change | None:
        """Add a closure.

        Args:
            referential: with the places.
            place: id of a desk or of a place.
            first: first day closed.
            last: last day closed.
            reason: what the public reads, may be empty.
            source: who said so.
            author: name of the person.

        Raises:
            EditError: a value is wrong; says which.
        """
        mistakes = []
        if place not in places_of(referential):
            mistakes.append("Choisissez un lieu de la liste.")
        if last < first:
            mistakes.append("Le dernier jour vient avant le premier.")
        elif last < date.today():
            mistakes.append("Cette fermeture est déjà passée.")
        elif (last - first).days > LONGEST:
            mistakes.append("Une fermeture dure un an au plus.")
        if len(source.strip()) < 3:
            mistakes.append("Dites qui a donné ces dates, ou d'après quoi.")
        if mistakes:
            raise EditError("\n".join(mistakes))
        done: list[Change] = []
        name = f"f{first:%Y%m%d}_{last:%Y%m%d}_{re.sub(r'[^a-z0-9]+', '_', place)}"
        summary = f"Fermeture de « {place} » du {first:%d/%m/%Y} au {last:%d/%m/%Y}"
        with self._workspace.editing(author, summary, done, "fermeture_ajoutee", place) as draft:
            records = RecordFile(draft.read(self._file), CLOSURES)
            if name in records.ids():
                raise EditError("Cette fermeture est déjà écrite.")
            reason, source = (" ".join(text.split()) for text in (reason, source))
            records.add({"id": name, "lieu": place, "du": first, "au": last, "motif": reason, "source": source})
            draft.write(self._file, records.text())
        return done[0] if done else None

    def remove(self, closure: str, author: str) -> Change | None:
        """Remove a closure.

        Raises:
            EditError: it is not there any more.
        """
        done: list[Change] = []
        with self._workspace.editing(author, f"Fermeture « {closure} » retirée", done, "fermeture_retiree", closure) as draft:
            records = RecordFile(draft.read(self._file), CLOSURES)
            records.remove(closure)
            draft.write(self._file, records.text())
        return done[0] if done else None
