"""The small typed values handed from one step of the flow to the next (see docs/architecture.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bot.emergency.situations import Emergency
from bot.language.cleaning import CleanText
from bot.language.foreign import Foreign
from bot.understanding.outcome import Understanding
from bot.understanding.segmentation import Segmentation

if TYPE_CHECKING:  # numpy is imported with the model
    from bot.routing.several import Part
    from bot.understanding.use import Fragments


@dataclass(frozen=True)
class Heard:
    """One message on its way through the flow: each step adds what it found (see :meth:`bot.routing.router.Router.route_many`).

    Args:
        text: what was typed, masked then cleaned: no later step sees the rest.
        emergency: what the fixed rules found.
        foreign: the language, when it is clearly not French.
        taught: label under which it was taught word for word, or nearly; "" when it was not.
        read: the text that what comes next is read with, when the message goes on with a request; "" when it opens its own.
        back: id of the door given earlier that the message goes back to, "" when it does not.
        understanding: what the model read in the whole message.
        glanced: whether keywords alone read it, being sure.
        segmentations: the ways to cut it that may prove right; once it is split, those worth reading.
        parts: what the model read in each part of those.
        fragments: left by the model when it read the whole message, for it to read the parts faster.
    """

    text: CleanText
    emergency: Emergency | None = None
    foreign: Foreign | None = None
    taught: str = ""
    read: str = ""
    back: str = ""
    understanding: Understanding | None = None
    glanced: bool = False
    segmentations: tuple[Segmentation, ...] = ()
    parts: Mapping[str, Part] = field(default_factory=dict)
    fragments: Fragments = field(default_factory=dict, repr=False, compare=False)


class DecisionKind(StrEnum):
    """What the assistant decided to do with a message: part of the public contract."""

    ORIENTER = "orienter"
    CLARIFIER = "clarifier"
    HORS_PERIMETRE = "hors_perimetre"
    URGENCE = "urgence"
    CONVERSATION = "conversation"
    HORS_SUJET = "hors_sujet"
    INCOMPRIS = "incompris"


class Level(StrEnum):
    """How precise a destination is."""

    SUJET = "sujet"
    SERVICE = "service"
    DIS = "dis"


@dataclass(frozen=True)
class Destination:
    """One door.

    Args:
        dis: delegation id.
        service: service id, or ``None`` when only the delegation is safe.
        sujet: topic id, or ``None`` when only the service or the delegation is safe.
        confiance: calibrated probability in [0, 1].
        extrait: the words of the message that led there (empty when it is the whole message).
    """

    dis: str
    service: str | None
    sujet: str | None
    confiance: float
    extrait: str = ""

    @property
    def level(self) -> Level:
        """The precision of this destination."""
        if self.sujet:
            return Level.SUJET
        return Level.SERVICE if self.service else Level.DIS

    def as_json(self) -> dict[str, Any]:
        """Return the public form of ``design.md``."""
        row: dict[str, Any] = {
            "dis": self.dis,
            "service": self.service,
            "sujet": self.sujet,
            "confiance": round(self.confiance, 4),
        }
        if self.extrait:
            row["extrait"] = self.extrait
        return row


@dataclass(frozen=True)
class RoutingDecision:
    """The answer of the router for one message.

    Args:
        decision: what to do.
        destinations: one door, several for several requests, or the choices of a question.
        alternatives: the next best doors, for information.
        niveau: precision of the first destination.
        urgence: emergency numbers to show first, as strings.
        situation: id of the emergency situation, when there is one.
        acte: id of the conversation act or kind of non-request, when there is one.
        question: the question to ask: with ``clarifier``, or behind the numbers of an emergency that is not sure. The
            destinations are then its choices.
        commune: the place named in the message, as a mapping, or ``None``.
        offered: other doors, given as buttons beside the door: first steps, what a short message may also mean, a second request.
        invitation: what is said before those.
        read: the text that what comes next is read with, when it is not the message alone.
        back: id of the door given earlier that the message goes back to, "" when it does not.
        foreign: the language of the message, when it is clearly not French; not part of the public object.
    """

    decision: DecisionKind
    destinations: tuple[Destination, ...] = ()
    alternatives: tuple[Destination, ...] = ()
    niveau: Level | None = None
    urgence: tuple[str, ...] = ()
    situation: str | None = None
    acte: str | None = None
    question: str | None = None
    commune: Mapping[str, Any] | None = None
    offered: tuple[Destination, ...] = ()
    invitation: str = ""
    read: str = ""
    back: str = ""
    foreign: Foreign | None = None

    def as_json(self, identifier: str | None, text: str) -> dict[str, Any]:
        """Return the public object of ``design.md`` for a message ``text`` called ``identifier``."""
        return {
            "id": identifier,
            "texte": text,
            "decision": self.decision.value,
            "destinations": [d.as_json() for d in self.destinations],
            "alternatives": [d.as_json() for d in self.alternatives],
            "niveau": self.niveau.value if self.niveau else None,
            "urgence": list(self.urgence),
            "question": self.question,
            "commune": dict(self.commune) if self.commune else None,
            **({"acte": self.acte} if self.acte else {}),
        }
