"""The guided first session: a few steps, one page each, that anyone may leave and take up again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.web.staff.framework import ROOT, SESSION, read_form, redirect, workshop
from bot.web.staff.navigation import SECTIONS

PATH = "/atelier/visite"
OVER = -1


@dataclass(frozen=True)
class Step:
    """One step.

    Args:
        section: the page it is about (id of the menu's entry).
        title: what it is about.
        text: what to look at, and what to try.
    """

    section: str
    title: str
    text: str

    @property
    def path(self) -> str:
        """Address of its page."""
        return next((s.path for s in SECTIONS if s.id == self.section), ROOT)


_STEPS = (
    Step(
        "accueil",
        "Bienvenue",
        "L'assistant indique à chacun la bonne porte. Ici, vous lui apprenez de nouvelles "
        "demandes. Rien n'est public avant une mise en ligne, et tout peut revenir en arrière.",
    ),
    Step(
        "boite",
        "La boîte de réception",
        "Lisez le premier message. Si un bouton porte le bon sujet, appuyez dessus : la "
        "phrase entre dans ses exemples. Un message sans intérêt s'écarte pour toujours.",
    ),
    Step(
        "sujets",
        "Les sujets",
        "Un sujet, c'est une demande et sa réponse : le service, la première étape, "
        "la source. Cherchez-en un, ouvrez-le, regardez l'aperçu de la carte.",
    ),
    Step(
        "entrainement",
        "L'entraînement",
        "Une fois publiées, vos phrases sont comprises tout de suite, mot pour mot. Un entraînement les étend. La page compare "
        "l'ancien modèle et le nouveau. Un modèle moins bon ne peut pas être mis en ligne.",
    ),
    Step(
        "tableau",
        "Le tableau de bord",
        "Regardez la part des demandes non comprises : c'est elle que votre "
        "travail fait baisser. Les fichiers se téléchargent en bas de la page.",
    ),
    Step(
        "interrupteur",
        "L'interrupteur",
        "Si quelque chose ne va pas, mettez l'assistant en pause ici. Il donne alors le téléphone "
        "de l'accueil, et répond encore aux urgences. C'est fini : vous pouvez commencer.",
    ),
)


@dataclass(frozen=True)
class Progress:
    """Where an account is in the tour.

    Args:
        number: of the step, from 1.
        count: of the steps.
        step: what it says.
    """

    number: int
    count: int
    step: Step


def steps() -> Sequence[Step]:
    """Return the steps whose page exists."""
    known = {section.id for section in SECTIONS}
    return [step for step in _STEPS if step.section in known]


def progress(at: int) -> Progress | None:
    """Return the step to show, or ``None`` when the tour is over."""
    found = steps()
    return Progress(at + 1, len(found), found[at]) if 0 <= at < len(found) else None


def add(app: web.Application) -> None:
    """Add the one address of the tour."""
    app.add_routes([web.post(PATH, move)])


async def move(request: web.Request) -> web.StreamResponse:
    """POST: go on, go back, leave, or start again; then show the page of the step."""
    form = await read_form(request)
    account, found = request[SESSION].account, steps()
    moves = {"suivante": account.tour + 1, "precedente": max(0, account.tour - 1), "fermer": OVER, "reprendre": 0}
    at = moves.get(form.get("geste", ""), account.tour)
    at = at if 0 <= at < len(found) else OVER
    workshop(request).accounts.set_tour(account, at)
    if at == OVER:
        back = form.get("retour", "")
        return redirect(back if back.startswith(ROOT) and "//" not in back and "\\" not in back else ROOT)
    return redirect(found[at].path)
