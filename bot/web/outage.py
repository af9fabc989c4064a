"""The page that nginx serves when nothing else answers: written once from the referential, then read without us."""

from __future__ import annotations

from bot.dialogue.wording import CALL, FRONT_DESK, Writer
from bot.referential import Referential
from bot.serving.view import telephone, typeset
from bot.web.assets import Pages


def outage_page(referential: Referential) -> str:
    """Return the page as HTML: the numbers of the foot of every page, the one of all dangers first, and the front desk."""
    every = referential.emergency_situations[CALL].numeros[0]
    shown = [n for n in referential.emergency_numbers.values() if n.pied_de_page]
    desk = Writer(referential).contact(referential.entry_points[FRONT_DESK])
    return Pages({}, "neutre").render(
        "panne.html",
        europeen=every,
        appels=sorted(shown, key=lambda n: n.numero != every),
        accueil=desk.name,
        telephones=[(typeset(phone), telephone(phone)) for phone in desk.phones],
    )
