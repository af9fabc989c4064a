"""The workshop's menu: one entry per section, and the role from which it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.staff.accounts.accounts import Role


@dataclass(frozen=True)
class Section:
    """One entry of the menu.

    Args:
        id: what a page gives as ``section`` to be marked as current.
        name: what staff read.
        path: where it leads.
        role: from which it shows.
    """

    id: str
    name: str
    path: str
    role: Role = Role.READER


SECTIONS: tuple[Section, ...] = (
    Section("accueil", "Accueil", "/atelier/"),
    Section("boite", "Boîte de réception", "/atelier/boite"),
    Section("sujets", "Sujets", "/atelier/sujets"),
    Section("fiches", "Fiches", "/atelier/fiches"),
    Section("brouillon", "Brouillon", "/atelier/brouillon"),
    Section("entrainement", "Entraînement", "/atelier/entrainement"),
    Section("modeles", "Modèles", "/atelier/modeles"),
    Section("tableau", "Tableau de bord", "/atelier/tableau"),
    Section("interrupteur", "Interrupteur", "/atelier/interrupteur"),
    Section("journal", "Journal", "/atelier/journal", Role.ADMINISTRATOR),
)


def sections_for(role: Role) -> Sequence[Section]:
    """Return the entries that show for a role."""
    return [s for s in SECTIONS if role.covers(s.role)]
