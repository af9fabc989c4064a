"""What an answered exchange and a vote leave behind: small values, words already masked, no one's name or address."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

LOW_CONFIDENCE = 0.6
"""A door given below this probability is "answered with doubt"."""
SURE = frozenset({"orienter", "hors_perimetre", "conversation", "urgence"})
"""Kinds of the answers that nobody would read unless they were drawn."""
CHECK_DAYS = 7
"""Days that a drawn message waits to be checked."""
NO_DECISION = "sans_decision"
"""Kind of an exchange that the router did not decide (an empty message, another alphabet, the phone-only mode)."""
REASONS = {
    "mauvaise_porte": "Ce n'est pas la bonne porte",
    "pas_compris": "La réponse ne parle pas de ma demande",
    "incomplet": "Il manque une information",
    "trop_complique": "C'est trop compliqué",
    "coordonnees_fausses": "Une adresse ou un numéro est faux",
    "autre": "Autre chose",
}
"""Reason of a thumbs-down → what the person reads."""
DOOR_MAY_BE_RIGHT = frozenset({"incomplet", "trop_complique", "coordonnees_fausses"})
"""Reasons that speak of the answer, not of its door."""


@dataclass(frozen=True)
class TurnEvent:
    """One answered exchange.

    Args:
        id: of the answer; the page sends it back with a vote.
        at: seconds since 1970.
        text: what was typed, personal data masked; empty for a button.
        kind: value of :class:`bot.routing.types.DecisionKind`, or :data:`NO_DECISION`.
        doors: destinations in the public form (``dis``, ``service``, ``sujet``, ``confiance``); the choices of a question.
        alternatives: the next best doors, in the same form.
        arrondissement: of the commune named in the message, or ``None``.
        engine: who answered.
        profile: "citoyen", "partenaire", "agent", or ``None``.
        channel: "page", "api", "widget"…
        conversation: its random reference, the same for the exchanges of one visit, whichever process answers.
        pressed: whether a button was pressed, not words typed.
        seconds: taken to answer.
        drawn: whether its words were drawn, of a sure answer, for staff to check.
    """

    id: str
    at: float
    text: str
    kind: str
    doors: tuple[Mapping[str, Any], ...] = ()
    alternatives: tuple[Mapping[str, Any], ...] = ()
    arrondissement: str | None = None
    engine: str = ""
    profile: str | None = None
    channel: str = "page"
    conversation: str = ""
    pressed: bool = False
    seconds: float | None = None
    drawn: bool = False

    @property
    def confidence(self) -> float | None:
        """Calibrated probability of the first door, or ``None`` when there is none."""
        return float(self.doors[0]["confiance"]) if self.doors else None


@dataclass(frozen=True)
class FeedbackEvent:
    """A vote on one answer.

    Args:
        answer: id of the answer.
        at: seconds since 1970.
        helpful: thumbs up or down.
        reason: a key of :data:`REASONS`, or ``None``.
        comment: free words, personal data masked, or ``None``.
        turn: the exchange voted on, when it is still known: a message that was not helped joins the inbox.
    """

    answer: str
    at: float
    helpful: bool
    reason: str | None = None
    comment: str | None = None
    turn: TurnEvent | None = None


Event = TurnEvent | FeedbackEvent


def worth_reading(event: TurnEvent) -> bool:
    """Whether an exchange has something to teach, before any vote."""
    if event.pressed or not event.text.strip():
        return False
    if event.kind in {"incompris", "clarifier", "hors_sujet"}:
        return True
    return event.kind in {"orienter", "hors_perimetre"} and (event.confidence or 0.0) < LOW_CONFIDENCE


def without_useless_words(event: Event, one_in: int = 0) -> Event:
    """Return an event with only the words that may teach something: of a sure answer nothing is written anywhere, of a
    helpful one neither (data kept to the need, GDPR article 5.1.c).

    Args:
        event: of the public.
        one_in: one sure answer in so many is drawn, words kept, for staff to check; 0: none.
    """
    if isinstance(event, TurnEvent):
        if worth_reading(event):
            return event
        drawn = bool(one_in and event.text.strip() and not event.pressed and event.kind in SURE) and not secrets.randbelow(one_in)
        return replace(event, drawn=drawn, text=event.text if drawn else "")
    return replace(event, turn=None) if event.helpful else event


def to_line(event: Event) -> str:
    """Return an event as one line of JSON."""
    kind = "turn" if isinstance(event, TurnEvent) else "feedback"
    return json.dumps({"evenement": kind, **asdict(event)}, ensure_ascii=False)


def from_line(line: str) -> Event:
    """Read an event again.

    Raises:
        ValueError: the line is not an event.
    """
    try:
        values = json.loads(line)
        kind = values.pop("evenement")
        if kind == "turn":
            return turn_from_mapping(values)
        turn = values.pop("turn", None)
        return FeedbackEvent(**values, turn=turn_from_mapping(turn) if turn else None)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("not an event") from error


def turn_from_mapping(values: Mapping[str, Any]) -> TurnEvent:
    """Build an exchange again from plain values (``dataclasses.asdict``, or its JSON)."""
    return TurnEvent(**{**values, "doors": tuple(values["doors"]), "alternatives": tuple(values["alternatives"])})
