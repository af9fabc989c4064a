"""rasa-sdk actions: read the tracker, let the core conduct the dialogue, send its reply and remember its state."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.base.paths import project_paths
from bot.dialogue.dialogue import ConversationState, Dialogue, Turn
from bot.dialogue.wording import Choice, Reply
from bot.learning.loading import load_router
from bot.routing.wire import CHOICE_ENTITY, CHOOSE_INTENT, ROUTING, decision_from_mapping

log = logging.getLogger("actions")

SLOTS = {
    "destination": "destination",
    "choix": "choices",
    "en_attente": "pending",
    "profil": "profile",
    "commune": "commune",
    "echecs": "failures",
    "demande": "request",
    "autres": "others",
    "ecartes": "rejected",
    "besoins": "needs",
    "danger": "danger",
    "langue": "language",
    "avant": "earlier",
}
"""Slot of the tracker → field of the conversation state."""
TERMINAL = "cmdline"
"""Channel of ``rasa shell``: it prints JSON as it is, so it gets none."""
LAST_RESORT = "Je ne peux pas vous répondre. Appelez l'accueil de la préfecture, ou allez dans une maison France services."

_shared: list[Dialogue] = []


def share_dialogue(value: Dialogue) -> None:
    """Make the actions use a dialogue that is already loaded."""
    _shared[:] = [value]


def dialogue() -> Dialogue:
    """Return the one dialogue of the process, loaded on first use.

    Raises:
        ReferentialError: the referential has mistakes.
    """
    if not _shared:
        share_dialogue(Dialogue(load_router(project_paths(), need_model=False)))
    return _shared[0]


def state_of(tracker: Tracker) -> ConversationState:
    """Return what the slots remember; a slot that makes no sense is forgotten."""
    slots = tracker.slots if isinstance(tracker.slots, Mapping) else {}
    values: dict[str, Any] = {}
    for slot, field in SLOTS.items():
        value = slots.get(slot)
        if field == "failures":
            values[field] = int(value) if isinstance(value, (int, float)) and 0 <= value < 100 else 0
        elif field in {"choices", "others", "rejected", "needs", "danger"}:
            values[field] = [c for c in value if isinstance(c, str)] if isinstance(value, (list, tuple)) else []
        elif field == "earlier" or isinstance(value, str):
            values[field] = value
    return ConversationState.from_mapping(values)


def text_of(tracker: Tracker) -> str:
    """Return the last words typed, empty when there are none."""
    text = _latest(tracker).get("text")
    return text if isinstance(text, str) else ""


def slots_of(state: ConversationState) -> list[dict[str, Any]]:
    """Return the events that make the slots remember a state."""
    values = state.as_mapping()
    return [SlotSet(slot, values[field]) for slot, field in SLOTS.items()]


class TurnAction(Action, ABC):
    """One turn of the dialogue. Whatever goes wrong, the person is pointed to a human: never silence."""

    @abstractmethod  # so that rasa-sdk does not register the classes that share code
    def name(self) -> str:
        """Return the name of the action in the domain."""

    @abstractmethod
    def turn(self, talk: Dialogue, tracker: Tracker, state: ConversationState) -> Turn:
        """Return the reply and the next state."""

    def answer(self, tracker: Tracker) -> Turn:
        """Return the turn, or one that points to a human. This is what our own process calls."""
        state = ConversationState()
        try:
            state = state_of(tracker)
            return self.turn(dialogue(), tracker, state)
        except Exception as error:
            log.error("action failed", extra={"evenement": "action_erreur", "action": self.name()}, exc_info=error)
        try:
            return dialogue().human(state)
        except Exception as error:
            log.error("nothing to point to", extra={"evenement": "accueil_absent"}, exc_info=error)
            return Turn(Reply(LAST_RESORT), state)

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """Answer on a Rasa channel (text, buttons, and the parts as JSON for a page), and return the slots to set."""
        turn = self.answer(tracker)
        whole = {"reponse": asdict(turn.reply), "etat": turn.state.as_mapping()}
        if turn.decision is not None:
            whole["decision"] = turn.decision.as_json(None, "")
        dispatcher.utter_message(
            text=replace(turn.reply, choices=()).as_text(),
            buttons=[_button(choice) for choice in turn.reply.choices],
            json_message=None if tracker.get_latest_input_channel() == TERMINAL else whole,
        )
        return slots_of(turn.state)


class DecidedAction(TurnAction, ABC):
    """Says what the pipeline decided."""

    def turn(self, talk: Dialogue, tracker: Tracker, state: ConversationState) -> Turn:
        return talk.answer(decision_from_mapping(_latest(tracker).get(ROUTING)), text_of(tracker), state)


class ActionOrienter(DecidedAction):
    """Gives the door, or one door per request."""

    def name(self) -> str:
        return "action_orienter"


class ActionClarifier(DecidedAction):
    """Asks the one question that tells doors apart."""

    def name(self) -> str:
        return "action_clarifier"


class ActionUrgence(DecidedAction):
    """Shows the emergency numbers."""

    def name(self) -> str:
        return "action_urgence"


class ActionConverser(DecidedAction):
    """Answers a conversation act, or a message that asks for no service."""

    def name(self) -> str:
        return "action_converser"


class ActionChoisir(TurnAction):
    """Resolves a pressed button."""

    def name(self) -> str:
        return "action_choisir"

    def turn(self, talk: Dialogue, tracker: Tracker, state: ConversationState) -> Turn:
        return talk.choose(str(next(tracker.get_latest_entity_values(CHOICE_ENTITY), "")), state)


class ActionIncompris(TurnAction):
    """Asks for other words, then points to a human; also reads what the pipeline could not."""

    def name(self) -> str:
        return "action_incompris"

    def turn(self, talk: Dialogue, tracker: Tracker, state: ConversationState) -> Turn:
        read = _latest(tracker).get(ROUTING)
        return talk.reply(text_of(tracker), state, decision_from_mapping(read) if read else None)


ACTIONS: tuple[type[TurnAction], ...] = (
    ActionOrienter,
    ActionClarifier,
    ActionUrgence,
    ActionConverser,
    ActionChoisir,
    ActionIncompris,
)


def _latest(tracker: Tracker) -> Mapping[str, Any]:
    return tracker.latest_message if isinstance(tracker.latest_message, Mapping) else {}


def _button(choice: Choice) -> dict[str, str]:
    return {"title": choice.label, "payload": f'/{CHOOSE_INTENT}{{"{CHOICE_ENTITY}": "{choice.id}"}}'}
