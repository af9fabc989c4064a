"""What a candidate changes for real people: the messages of the last month that would get another door."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

from bot.measure.evaluation import SILENT
from bot.routing.router import Router
from bot.routing.types import RoutingDecision
from bot.staff.candidates.comparison import QUESTION
from bot.staff.candidates.exam import NO_REQUEST, URGENT


@dataclass(frozen=True)
class Move:
    """A message that changes door.

    Args:
        group: of the inbox; its words stay there.
        before, after: topic, else service or delegation; or a question, no request, an emergency…
    """

    group: int
    before: str
    after: str


def moves(texts: Mapping[int, str], live: Router, candidate: Router) -> tuple[Move, ...]:
    """Return the messages that two routers answer otherwise, in order.

    Args:
        texts: masked messages by group.
        live: answers now.
        candidate: would answer.
    """
    words = list(texts.values())
    answers = zip(texts, live.route_many(words), candidate.route_many(words), strict=True)
    found = (Move(group, _given(before), _given(after)) for group, before, after in answers)
    return tuple(move for move in found if move.before != move.after)


def digest_of_moves(found: Sequence[Move]) -> str:
    """Return what a person who read the list sends back: another list is another digest."""
    return hashlib.sha256(json.dumps([astuple(move) for move in found]).encode()).hexdigest()[:16]


def _given(decision: RoutingDecision) -> str:
    if decision.urgence:
        return URGENT
    if decision.question is not None:
        return QUESTION
    if decision.decision in SILENT:
        return NO_REQUEST
    return "+".join(str(door.sujet or door.service or door.dis) for door in decision.destinations) or decision.decision.value
