"""Emergencies without any model: the referential and the emergency detector only, ready in half a second."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.base.paths import ProjectPaths
from bot.dialogue.wording import Card, Contact, EmergencyCall, Reply, Writer
from bot.routing.types import DecisionKind, Destination, RoutingDecision

if TYPE_CHECKING:
    from bot.referential import Referential


@dataclass(frozen=True)
class SiteFacts:
    """What every page says whatever is asked; read from the referential.

    Args:
        front_desk: of the préfecture.
        calls: emergency numbers of the footer.
        in_danger: what is said in small where nothing was read: the number of all dangers.
    """

    front_desk: Contact | None = None
    calls: tuple[EmergencyCall, ...] = ()
    in_danger: str = ""


@dataclass(frozen=True)
class Urgent:
    """An emergency answered without the router.

    Args:
        decision: with the numbers.
        reply: the words.
        referential: they come from.
    """

    decision: RoutingDecision
    reply: Reply
    referential: Referential


class FirstAid:
    """What can be said before anything is loaded: the numbers of an emergency, the desks, the cards.

    Args:
        paths: the project tree.

    Raises:
        ReferentialError: the referential has mistakes.
    """

    def __init__(self, paths: ProjectPaths) -> None:
        from bot.learning.loading import load_detector, shared_languages, shared_referential, sound_paths

        paths = sound_paths(paths)
        self._referential = referential = shared_referential(paths.referential)
        self._writer = Writer(referential)
        desk = referential.entry_points.get("prefecture_accueil")
        shown = (n.numero for n in referential.emergency_numbers.values() if n.pied_de_page)
        self.facts = SiteFacts(self._writer.contact(desk) if desk else None, self._writer.calls(shown), self._writer.in_danger)
        self._detector = load_detector(paths)
        self._languages = shared_languages(paths.referential)

    @property
    def topics(self) -> tuple[str, ...]:
        """Ids of the topics."""
        return tuple(self._referential.topics)

    def card(self, topic: str) -> Card | None:
        """Return the card of a topic, or ``None`` when there is no such topic."""
        if topic not in self._referential.topics:
            return None
        service = self._referential.service_of(topic)
        return self._writer.card(Destination(service.delegation, service.id, topic, 1.0))

    def answer(self, text: str) -> Urgent | None:
        """Return the numbers to call, or ``None`` when the message is no emergency."""
        found = self._detector.detect(text)
        if found is None:
            return None
        decision = RoutingDecision(DecisionKind.URGENCE, urgence=tuple(found.numeros), situation=found.situation)
        reply = self._writer.reply(decision)
        if found.language in self._languages.ids:
            said = self._languages.courtesy(found.language, self._writer.front_desk_phone, danger=True)
            reply = replace(reply, courtesy=said, instruction="")
        return Urgent(decision, reply, self._referential)
