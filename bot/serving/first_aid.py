"""Emergencies without any model: the referential and the emergency detector only, ready in half a second."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.base.errors import AssistantError, DoorCodeError, ModelError, ReferentialError
from bot.base.paths import ProjectPaths
from bot.dialogue.door_codes import UNKNOWN, read_door_code
from bot.dialogue.needs import Bending
from bot.dialogue.wording import FRONT_DESK, IN_DANGER, Card, Contact, EmergencyCall, Reply, Writer
from bot.routing.types import DecisionKind, Destination, RoutingDecision

if TYPE_CHECKING:
    from bot.emergency.detector import EmergencyDetector
    from bot.referential import Referential

log = logging.getLogger("bot.serving.first_aid")


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
        referential: they come from; ``None`` when it cannot be read.
    """

    decision: RoutingDecision
    reply: Reply
    referential: Referential | None


@dataclass(frozen=True)
class TakenOver:
    """What the code of a person says to who takes over.

    Args:
        card: the door.
        commune: its name, empty when the door does not depend on it.
        needs: what the person said they cannot do, in their words.
    """

    card: Card
    commune: str
    needs: tuple[str, ...]


class FirstAid:
    """What can be said before anything is loaded: the numbers of an emergency, the desks, the cards.

    Args:
        paths: the project tree.

    Raises:
        ReferentialError: the referential has mistakes.
    """

    def __init__(self, paths: ProjectPaths) -> None:
        from bot.learning.loading import load_detector, shared_gazetteer, shared_languages, shared_referential, sound_paths

        paths = sound_paths(paths)
        self._referential = referential = shared_referential(paths.referential)
        self._gazetteer = shared_gazetteer(paths.referential)
        self._writer = Writer(referential)
        desk = referential.entry_points.get(FRONT_DESK)
        shown = (n.numero for n in referential.emergency_numbers.values() if n.pied_de_page)
        self.facts = SiteFacts(self._writer.contact(desk) if desk else None, self._writer.calls(shown), self._writer.in_danger)
        self._detector = load_detector(paths)
        self._languages = shared_languages(paths.referential)

    @property
    def topics(self) -> tuple[str, ...]:
        """Ids of the topics."""
        return tuple(self._referential.topics)

    def card(self, topic: str, commune: str = "", needs: int = 0) -> Card | None:
        """Return the card of a topic, or ``None`` when there is no such topic.

        Args:
            topic: its id.
            commune: Insee code of the person's commune; one that is not in the Lot is left out.
            needs: what the person said they cannot do, one bit for each need.
        """
        if topic not in self._referential.topics:
            return None
        service = self._referential.service_of(topic)
        place = self._gazetteer.by_code(commune)
        known = place if place and place.in_lot else None
        card = self._writer.card(Destination(service.delegation, service.id, topic, 1.0), place=known)
        told = [need.id for need in self._referential.needs.values() if needs >> need.numero & 1]
        return Bending(self._referential, self._writer).card(card, told) if told else card

    def taken_over(self, code: str) -> TakenOver:
        """Return the door that a person carries.

        Args:
            code: as it was typed.

        Raises:
            DoorCodeError: it is mistyped, or its topic is no more.
        """
        carried = read_door_code(code, self._referential)
        place = self._gazetteer.by_code(carried.commune)
        needs = [self._referential.needs[need] for need in carried.needs]
        card = self.card(carried.topic, carried.commune, sum(1 << need.numero for need in needs))
        if card is None:
            raise DoorCodeError(UNKNOWN)
        return TakenOver(card, place.nom if place else "", tuple(need.libelle for need in needs))

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


class LastAid(FirstAid):
    """What is said when the referential cannot be read and no sound copy was kept: the numbers of ``data/secours.txt``, the one of all
    dangers first. What still can be read of the words and of what was learnt recognises the danger.

    Args:
        paths: the project tree.

    Raises:
        OSError: even that file is missing.
    """

    def __init__(self, paths: ProjectPaths) -> None:
        self._calls = _last_calls(paths)
        number = next(iter(self._calls))
        self.facts = SiteFacts(None, tuple(self._calls.values()), IN_DANGER.format(urgence=number))
        self._detector = _last_detector(paths, tuple(self._calls))

    @property
    def topics(self) -> tuple[str, ...]:
        return ()

    def card(self, topic: str, commune: str = "", needs: int = 0) -> Card | None:
        return None

    def taken_over(self, code: str) -> TakenOver:
        raise DoorCodeError(UNKNOWN)

    def answer(self, text: str) -> Urgent | None:
        found = self._detector.detect(text)
        if found is None:
            return None
        numbers = [n for n in dict.fromkeys((*found.numeros, *self._calls)) if n in self._calls]
        decision = RoutingDecision(DecisionKind.URGENCE, urgence=tuple(numbers), situation=found.situation)
        return Urgent(decision, Reply(self.facts.in_danger, calls=tuple(self._calls[n] for n in numbers)), None)


def first_aid(paths: ProjectPaths) -> FirstAid:
    """Return the emergency answers of a tree, or what is left of them."""
    try:
        return FirstAid(paths)
    except (AssistantError, OSError, ValueError, LookupError) as error:
        log.error("first aid without a referential", extra={"evenement": "urgences_sans_referentiel", "raison": str(error)}, exc_info=error)
        return LastAid(paths)


def _last_calls(paths: ProjectPaths) -> dict[str, EmergencyCall]:
    calls = {}
    for line in paths.last_numbers.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            number, _, name = line.removesuffix("| sms").strip().partition(" ")
            calls[number] = EmergencyCall(number, name, line.endswith("| sms"))
    return calls


def _last_detector(paths: ProjectPaths, numbers: tuple[str, ...]) -> EmergencyDetector:
    """Return the detector of a tree as it is, or made of the files that can be read: any danger then has the same numbers."""
    from bot.emergency.abroad import WORDS, load_abroad, load_table
    from bot.emergency.detector import CALL, EmergencyDetector
    from bot.emergency.learnt import CALM, load_learnt
    from bot.emergency.rules import Rules, load_rules
    from bot.learning.loading import load_detector

    with suppress(ReferentialError):
        return load_detector(paths)
    folder = paths.referential
    rules, learnt, abroad, known = Rules(()), None, None, {CALL}
    with suppress(ReferentialError, OSError):
        rules = load_rules(folder / "urgences_mots.yml", _Everything())
        known |= rules.situations
    with suppress(ModelError):
        learnt = load_learnt(paths.emergency_model)
        known |= set(learnt.labels) - {CALM}
    with suppress(ReferentialError, OSError):
        known |= {situation for situation, _ in load_table(folder / WORDS).situations}
        abroad = load_abroad(folder, known, CALL)
    return EmergencyDetector(dict.fromkeys(known, numbers), rules, learnt, abroad=abroad)


class _Everything(frozenset[str]):
    """The situations when their list cannot be read: any name may be one."""

    def __contains__(self, _name: object) -> bool:
        return True
