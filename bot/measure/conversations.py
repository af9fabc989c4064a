"""Hold whole conversations never seen, and tell at which door each turn leaves the person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.dialogue.dialogue import ConversationState, Dialogue, Turn
from bot.learning.metrics import proportion
from bot.routing.context import asks_nothing
from bot.routing.types import DecisionKind


class Left(StrEnum):
    """Where a turn left the person."""

    RIGHT = "juste"
    AMONG = "parmi_les_choix"
    ASKED = "question_a_cote"
    WRONG = "fausse"
    NOWHERE = "sans_porte"


@dataclass(frozen=True)
class Step:
    """One evaluated turn.

    Args:
        row: the labelled turn (``texte``, ``genre``, ``porte``, ``plausibles``).
        turn: what the dialogue made of it.
        left: where it left the person.
    """

    row: Mapping[str, Any]
    turn: Turn
    left: Left


def hold(dialogue: Dialogue, turns: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Say the turns of one conversation one after the other.

    Args:
        dialogue: answers.
        turns: rows with ``texte``, ``genre``, ``porte`` ({"dis", "service"} or ``None``) and maybe ``plausibles`` ("dis/service").
    """
    state = ConversationState()
    steps = []
    for row in turns:
        turn = dialogue.reply(row["texte"], state)
        state = turn.state
        steps.append(Step(row, turn, where(dialogue, row, turn)))
    return steps


def where(dialogue: Dialogue, row: Mapping[str, Any], turn: Turn) -> Left:
    """Return where a turn left the person: at the last door given, or before a question."""
    asked = [dialogue.destination(c.id) for c in turn.reply.choices if c.id in dialogue.doors]
    door = dialogue.destination(turn.state.destination) if turn.state.destination else None
    first = row.get("porte")
    if first is None:
        return Left.NOWHERE if asked or not turn.reply.cards else Left.WRONG
    accepted = {(first["dis"], first["service"]), *(tuple(p.split("/")) for p in row.get("plausibles") or ())}
    question = bool(asked) and not turn.reply.cards
    if not question:
        right = door is not None and ((door.dis, door.service) in accepted or (door.service is None and door.dis == first["dis"]))
        return Left.RIGHT if right else Left.WRONG
    return Left.AMONG if any((d.dis, d.service) in accepted for d in asked) else Left.ASKED


def conversations(dialogue: Dialogue, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how many conversations end at the right door, and each kind of turn, with intervals.

    Args:
        dialogue: answers.
        rows: conversations, each with its ``tours``.
    """
    held = [hold(dialogue, row["tours"]) for row in rows]
    last = [steps[-1].left for steps in held if steps[-1].left is not Left.NOWHERE]
    kinds: dict[str, list[Step]] = defaultdict(list)
    for steps in held:
        for step in steps:
            kinds[step.row["genre"]].append(step)
    return {
        "conversations": len(held),
        "dernier_tour_juste": proportion([left is Left.RIGHT for left in last]),
        "avec_question": proportion([left in {Left.RIGHT, Left.AMONG} for left in last]),
        "prises_pour_du_bavardage": proportion([_chatted(dialogue, step) for kind in ASKING for step in kinds.get(kind, ())]),
        "ouvertures_vagues": proportion([_open(step) for step in kinds.pop("ouverture_vague", [])]),
        "genres": {
            kind: {"juste": proportion([s.left is Left.RIGHT for s in steps]), "avec_question": proportion([s.left in KEPT for s in steps])}
            for kind, steps in sorted(kinds.items())
        },
    }


ASKING = ("suite", "suite_pleine", "precision", "correction", "nouveau")
"""Kinds of the turns that ask or tell something."""
KEPT = frozenset({Left.RIGHT, Left.AMONG, Left.NOWHERE})


def _chatted(dialogue: Dialogue, step: Step) -> bool:
    """Whether a turn got words of courtesy and no door."""
    act = dialogue.referential.acts.get((step.turn.decision and step.turn.decision.acte) or "")
    return act is not None and asks_nothing(act) and not step.turn.reply.cards and not step.turn.reply.choices


def _open(step: Step) -> bool:
    """Whether a vague opening got a question, a door with first steps to choose from, or kind words."""
    decision = step.turn.decision
    return bool(step.turn.reply.choices) or decision is None or decision.decision in {DecisionKind.CONVERSATION, DecisionKind.INCOMPRIS}
