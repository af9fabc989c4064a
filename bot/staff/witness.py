"""Who must agree before the public gets a change: one rule, for a draft that is published as for a model that goes live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.base.errors import EditError, GateRefused
from bot.staff.accounts.audit import ACTIONS

MIN_REASON = 20
"""Characters of the reason that goes through objections."""
SIGNED = frozenset({"urgence_modifiee", "danger_appris", "danger_retire"})
"""Edits that another person must publish: what is shown in a danger (see docs/menaces.md)."""


@dataclass(frozen=True)
class Edit:
    """One edit of what the public will get.

    Args:
        author: who made it.
        action: what was done, a key of :data:`bot.staff.accounts.audit.ACTIONS`.
        target: on what.
        seen: whether another person has already published it.
    """

    author: str
    action: str
    target: str
    seen: bool = False

    @property
    def sentence(self) -> str:
        """What was done, in French."""
        return ACTIONS.get(self.action, self.action)

    @property
    def signed(self) -> bool:
        """Whether another person must publish it, whatever the setting says."""
        return self.action in SIGNED


@dataclass(frozen=True)
class Signature:
    """What is asked of who gives a change to the public.

    Args:
        second_person: whether nobody may give their own edits alone (the setting ``BOT_RELECTURE``).
        witness: whether another person may go through objections: nobody then goes through those to their own edits.
    """

    second_person: bool = False
    witness: bool = False

    def check(self, person: str, edits: Sequence[Edit], objections: Callable[[], Sequence[str]], reason: str, what: str) -> Sequence[str]:
        """Return the objections that a reason goes through.

        Args:
            person: who gives it.
            edits: that it holds.
            objections: what is to be said against it; asked only of a person who may give it.
            reason: written to go through objections, :data:`MIN_REASON` characters at least.
            what: it is, in French: « ce brouillon », « ce modèle ».

        Raises:
            EditError: another person must give it; says why.
            GateRefused: there are objections and no reason.
        """
        own = [edit for edit in edits if edit.author == person]
        if any(edit.signed for edit in own if not edit.seen):
            raise EditError(f"Une autre personne doit relire {what} : vous y avez changé ce qui touche à une urgence.")
        if self.second_person and any(not edit.seen for edit in own):
            raise EditError(f"Une autre personne doit relire {what} : il porte votre travail, et personne d'autre ne l'a relu.")
        found = tuple(objections())
        if found and len(" ".join(reason.split())) < MIN_REASON:
            raise GateRefused(found)
        if found and self.witness and own:
            raise EditError(f"Passer outre demande un autre administrateur que vous : {what} porte votre travail.")
        return found


ALONE = Signature()
"""One person is enough."""
