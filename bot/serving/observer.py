"""Who is told of each answered exchange. An observer must return at once and never raise: the citizen is waiting."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from bot.staff.inbox.events import NO_DECISION, FeedbackEvent, TurnEvent

if TYPE_CHECKING:
    from bot.serving.engine import Answer

log = logging.getLogger("bot.serving.observer")


class Observer(Protocol):
    """Told of each answered exchange and of each vote."""

    def start(self) -> None:
        """Get ready; called when the application starts."""

    def stop(self) -> None:
        """Let go; called when the application ends."""

    def turn(self, event: TurnEvent) -> None:
        """Take an answered exchange."""

    def feedback(self, event: FeedbackEvent) -> None:
        """Take a vote on an answer."""


class NullObserver:
    """Looks away."""

    def start(self) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""

    def turn(self, event: TurnEvent) -> None:
        """Nothing to do."""

    def feedback(self, event: FeedbackEvent) -> None:
        """Nothing to do."""


class Observers:
    """Tells several observers; one that fails hides nothing from the others, nor from the citizen.

    Args:
        observers: told in order.
    """

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)

    def start(self) -> None:
        for each in self._observers:
            each.start()

    def stop(self) -> None:
        for each in self._observers:
            each.stop()

    def turn(self, event: TurnEvent) -> None:
        for each in self._observers:
            try:
                each.turn(event)
            except Exception as error:
                log.error("observer failed", extra={"evenement": "observateur_erreur"}, exc_info=error)

    def feedback(self, event: FeedbackEvent) -> None:
        for each in self._observers:
            try:
                each.feedback(event)
            except Exception as error:
                log.error("observer failed", extra={"evenement": "observateur_erreur"}, exc_info=error)


def answer_id() -> str:
    """Return a new id for an answer, impossible to guess."""
    return secrets.token_hex(12)


def turn_event(identifier: str, masked: str, answer: Answer, *, reference: str, pressed: bool, channel: str, seconds: float) -> TurnEvent:
    """Describe an answered exchange.

    Args:
        identifier: of the answer.
        masked: what was typed, personal data masked; dropped when a button was pressed.
        answer: what was said.
        reference: of the conversation.
        pressed: whether a button was pressed.
        channel: where the person is ("page", "api"…).
        seconds: taken to answer.
    """
    decision = answer.decision.as_json(None, "") if answer.decision else {}
    commune = decision.get("commune") or {}
    doors, alternatives = tuple(decision.get("destinations") or ()), tuple(decision.get("alternatives") or ())
    if decision.get("decision") == "urgence" and decision.get("question"):
        doors, alternatives = (), doors  # choices offered behind the numbers: no door was given
    return TurnEvent(
        id=identifier,
        at=time.time(),
        text="" if pressed else masked,
        kind=str(decision.get("decision") or NO_DECISION),
        doors=doors,
        alternatives=alternatives,
        arrondissement=commune.get("arrondissement") or None,
        engine=answer.engine,
        profile=answer.state.profile if answer.state is not None else None,
        channel=channel,
        conversation=reference,
        pressed=pressed,
        seconds=round(seconds, 4),
    )
