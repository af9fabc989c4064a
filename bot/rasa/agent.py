"""The Rasa agent inside our own process: no HTTP, no port, no public channel; actions run here too.

A conversation's state belongs to who holds the conversation (the web session). Each turn Rasa gets a tracker made from that
state; the action hands its :class:`~bot.dialogue.dialogue.Turn` over as it is, and the tracker goes.

Importing this module imports Rasa (2 to 5 s): do it in a thread, and answer with the plain dialogue meanwhile.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from bot.base.errors import AssistantError
from bot.base.once import turn
from bot.base.paths import ProjectPaths, project_paths
from bot.dialogue.dialogue import ConversationState, Dialogue, Turn
from bot.rasa.deferral import defer_unused
from bot.rasa.quiet import hush_logs, hush_warnings, swallowed_warnings
from bot.rasa.training import verified_model
from bot.routing.wire import CHOICE_ENTITY, CHOOSE_INTENT

hush_warnings()
with swallowed_warnings():
    defer_unused()

    from rasa.core.agent import Agent
    from rasa.core.channels.channel import OutputChannel, UserMessage
    from rasa.core.tracker_store import InMemoryTrackerStore
    from rasa.shared.core.constants import ACTION_LISTEN_NAME
    from rasa.shared.core.domain import Domain
    from rasa.shared.core.events import ActionExecuted, SlotSet
    from rasa.shared.core.trackers import DialogueStateTracker
    from rasa_sdk import Tracker

    import actions
    from bot.rasa.components import ROUTER
    from bot.rasa.shortcuts import TrustedEndpoint, take_shortcuts

CHANNEL = "assistant"
TURN_SECONDS = 4.0
_AS_IT_BEGINS: tuple[Any, ...] = (None, [], 0)
_LEADING_SLASHES = re.compile(r"^[\s/]+")


class AgentError(AssistantError):
    """The agent is not ready, is late, or said nothing: answer with the plain dialogue."""


class InProcessAgent:
    """Answers with Rasa, in this process, as :class:`~bot.dialogue.dialogue.Dialogue` does without it.

    One instance serves many conversations; use it from one event loop. Rasa computes in that loop (about ten
    milliseconds a turn): a server runs it in a thread of its own, and bounds its own wait as well.

    Args:
        paths: the project tree; this one by default.
        seconds: given to one turn.
    """

    def __init__(self, paths: ProjectPaths | None = None, seconds: float = TURN_SECONDS) -> None:
        self._paths = paths or project_paths()
        self._seconds = seconds
        self._agent: Agent | None = None
        self._trackers = TurnTrackers(Domain.empty())
        self._actions = InProcessActions()
        self._names = count()

    async def load(self) -> None:
        """Load the model, or swap to a newer one: when this fails, the old one goes on serving.

        Raises:
            ModelMissing, ModelCorrupt: no archive, or not the one of the manifest.
            AgentError: Rasa could not load it.
        """
        archive = verified_model(self._paths).archive
        hush_logs()
        take_shortcuts()
        try:
            with swallowed_warnings():
                agent = Agent.load(archive, tracker_store=self._trackers, action_endpoint=self._actions)
            await self._share_model(agent)
        except AssistantError:
            raise
        except Exception as error:
            raise AgentError(f"Rasa n'a pas pu charger le modèle ({type(error).__name__}). Relancez « bot train ».") from error
        self._agent = agent

    async def reply(self, text: str, state: ConversationState) -> Turn:
        """Answer a typed message.

        Args:
            text: what the person typed; a leading « / » never names an intent.
            state: of the conversation so far.

        Raises:
            AgentError: not ready, late, or nothing said.
        """
        return await self._turn(_LEADING_SLASHES.sub("", text), None, state)

    async def choose(self, choice: str, state: ConversationState) -> Turn:
        """Answer a pressed button; same arguments and errors as :meth:`reply`, with the id of the choice as it was offered."""
        pressed = {
            "text": "",
            "intent": {"name": CHOOSE_INTENT, "confidence": 1.0},
            "entities": [{"entity": CHOICE_ENTITY, "value": choice, "start": 0, "end": 0}],
        }
        return await self._turn("", pressed, state)

    async def _turn(self, text: str, parsed: dict[str, Any] | None, state: ConversationState) -> Turn:
        if self._agent is None:
            raise AgentError("L'agent n'est pas prêt.")
        name = f"tour-{next(self._names)}"
        message = UserMessage(text, Silence(), name, parse_data=parsed, input_channel=CHANNEL)
        try:
            with turn(), self._trackers.turn(name, state), self._actions.turn(name) as said:
                await asyncio.wait_for(self._agent.handle_message(message), self._seconds)
        except TimeoutError as error:
            raise AgentError("L'agent met trop de temps.") from error
        except Exception as error:
            raise AgentError(f"L'agent a échoué ({type(error).__name__}).") from error
        if not said:
            raise AgentError("L'agent n'a rien dit.")
        return said[-1]

    async def _share_model(self, agent: Agent) -> None:
        """Warm the pipeline up, and let the actions use its model instead of reading another from disk."""
        parsed = await agent.processor.parse_message(UserMessage("bonjour"), only_output_properties=False)
        actions.share_dialogue(Dialogue(parsed[ROUTER]))


class Silence(OutputChannel):
    """A channel on which nothing is sent: the action hands its turn over as it is."""

    @classmethod
    def name(cls) -> str:
        return CHANNEL


class InProcessActions(TrustedEndpoint):
    """An action server without the server: runs the action here, and keeps its turn for whoever opened it."""

    def __init__(self) -> None:
        super().__init__("http://in-process.invalid")
        self._known = {action().name(): action() for action in actions.ACTIONS}
        self._turns: dict[str, list[Turn]] = {}

    @contextmanager
    def turn(self, name: str) -> Iterator[list[Turn]]:
        """Yield the list that the turns of a conversation go to."""
        said: list[Turn] = []
        self._turns[name] = said
        try:
            yield said
        finally:
            del self._turns[name]

    async def request(self, *_: Any, json: dict[str, Any] | None = None, **__: Any) -> Any:
        """Run the action named in ``json`` and return its events."""
        call = json or {}
        turn = self._known[call["next_action"]].answer(Tracker.from_dict(call["tracker"]))
        self._turns[call["sender_id"]].append(turn)
        return {"events": [], "responses": []}  # the state goes with the turn: the tracker ends here


class TurnTrackers(InMemoryTrackerStore):
    """Trackers that live for one turn: made from the state of the conversation, which Rasa never keeps."""

    def __init__(self, domain: Domain) -> None:
        super().__init__(domain)
        self._living: dict[str, DialogueStateTracker] = {}

    @contextmanager
    def turn(self, name: str, state: ConversationState) -> Iterator[None]:
        """Hold a tracker that knows ``state`` and waits for a message."""
        self._living[name] = tracker = self.init_tracker(name)
        for slot in actions.slots_of(state):
            if slot["value"] not in _AS_IT_BEGINS:  # Rasa goes through all events again for each copy it makes of the tracker
                tracker.update(SlotSet(slot["name"], slot["value"]), self.domain)
        tracker.update(ActionExecuted(ACTION_LISTEN_NAME), self.domain)
        try:
            yield
        finally:
            del self._living[name]

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Nothing is kept of a turn."""

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """Return the tracker of a turn that goes on, or ``None``."""
        return self._living.get(sender_id)
