"""The Rasa agent inside our own process: no HTTP, no port, no public channel; actions run here too.

Importing this module imports Rasa (2 to 5 s): do it in a thread, and answer with the plain dialogue meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from bot.base.errors import AssistantError
from bot.base.paths import ProjectPaths, project_paths
from bot.dialogue.dialogue import Dialogue
from bot.language.privacy import mask
from bot.learning.loading import bare_router
from bot.rasa.deferral import defer_unused
from bot.rasa.quiet import hush_logs, hush_warnings, swallowed_warnings
from bot.rasa.training import verified_model
from bot.routing.wire import CHOICE_ENTITY, CHOOSE_INTENT

hush_warnings()
with swallowed_warnings():
    defer_unused()

    from rasa.core.agent import Agent
    from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
    from rasa.core.tracker_store import InMemoryTrackerStore
    from rasa.shared.core.domain import Domain
    from rasa.shared.core.events import SlotSet
    from rasa.shared.core.trackers import DialogueStateTracker
    from rasa_sdk.executor import ActionExecutor

    import actions
    from bot.rasa.components import STORED_MODEL, serving
    from bot.rasa.shortcuts import TrustedEndpoint, take_shortcuts

log = logging.getLogger("bot.rasa.agent")

CHANNEL = "assistant"
TURN_SECONDS = 4.0
MAX_CONVERSATIONS = 2000
MAX_EVENTS = 60
"""Events kept per conversation, about four turns: every turn writes all the slots again."""
FORGET_SECONDS = 30 * 60
_LEADING_SLASHES = re.compile(r"^[\s/]+")


class AgentError(AssistantError):
    """The agent is not ready, is late, or said nothing: answer with the plain dialogue."""


class InProcessAgent:
    """Holds conversations with Rasa, in this process.

    One instance serves many conversations; use it from one event loop. Rasa computes in that loop (about ten
    milliseconds a turn): a server runs it in a thread of its own, and bounds its own wait as well.

    Args:
        paths: the project tree; this one by default.
        seconds: given to one turn, waiting for the turn before included.
    """

    def __init__(self, paths: ProjectPaths | None = None, seconds: float = TURN_SECONDS) -> None:
        self._paths = paths or project_paths()
        self._seconds = seconds
        self._agent: Agent | None = None
        self._store = RecentTrackerStore(Domain.empty())

    @property
    def ready(self) -> bool:
        """Whether a model is loaded."""
        return self._agent is not None

    @property
    def model_name(self) -> str | None:
        """Name of the archive that serves, or ``None``."""
        return self._agent.model_name if self._agent else None

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
            with swallowed_warnings(), serving(self._paths):
                agent = Agent.load(archive, tracker_store=self._store, action_endpoint=InProcessEndpoint())
            await self._share_model(agent)
        except AssistantError:
            raise
        except Exception as error:
            raise AgentError(f"Rasa n'a pas pu charger le modèle ({type(error).__name__}). Relancez « bot train ».") from error
        self._agent = agent

    async def handle(self, text: str, conversation_id: str, state: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Answer a typed message.

        Args:
            text: what the person typed; a leading « / » never names an intent.
            conversation_id: made by the server, one per conversation.
            state: what is known of the conversation elsewhere (fields of :class:`bot.dialogue.dialogue.ConversationState`): the tracker
                takes it, whoever answered the turn before; ``None`` leaves the tracker as it is.

        Returns:
            Messages with ``text``, ``buttons`` and ``custom`` (``reponse``: the fields of
            :class:`bot.dialogue.wording.Reply`; ``etat``: those of :class:`bot.dialogue.dialogue.ConversationState`;
            ``decision``: the public object of ``bot route``).

        Raises:
            AgentError: not ready, late, or nothing said.
        """
        return await self._bounded(self._typed(_LEADING_SLASHES.sub("", text), conversation_id, state))

    async def choose(self, choice_id: str, conversation_id: str, state: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Answer a pressed button; same returns and errors as :meth:`handle`.

        Args:
            choice_id: the id of the choice, as it was offered.
            conversation_id, state: as in :meth:`handle`.
        """
        pressed = {
            "text": "",
            "intent": {"name": CHOOSE_INTENT, "confidence": 1.0},
            "entities": [{"entity": CHOICE_ENTITY, "value": choice_id, "start": 0, "end": 0}],
        }
        return await self._bounded(self._turn("", pressed, conversation_id, state))

    def forget(self, conversation_id: str) -> None:
        """Forget a conversation at once."""
        self._store.forget(conversation_id)

    async def _typed(self, text: str, conversation_id: str, state: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        processor = self._loaded().processor
        async with self._store.turn(conversation_id):
            tracker = await self._store.retrieve(conversation_id)
            parsed = await processor.parse_message(UserMessage(text, sender_id=conversation_id), tracker)
            # The pipeline read the message itself; the tracker only ever holds it masked.
            return await self._turn(mask(text), parsed, conversation_id, state)

    async def _turn(self, text: str, parsed: dict[str, Any], conversation_id: str, state: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        channel = WholeMessages()
        async with self._store.turn(conversation_id):
            if state is not None:
                await self._recall(conversation_id, state)
            await self._loaded().handle_message(UserMessage(text, channel, conversation_id, parse_data=parsed, input_channel=CHANNEL))
        if not channel.messages:
            raise AgentError("L'agent n'a rien dit.")
        return channel.messages

    async def _recall(self, conversation_id: str, state: Mapping[str, Any]) -> None:
        """Bring the slots of a tracker to ``state``; a new session is opened first, since opening one empties them."""
        tracker = await self._loaded().processor.fetch_tracker_and_update_session(conversation_id)
        stale = [slot for slot, field in actions.SLOTS.items() if tracker.get_slot(slot) != state.get(field)]
        for slot in stale:
            tracker.update(SlotSet(slot, state.get(actions.SLOTS[slot])))
        if stale:
            await self._store.save(tracker)

    async def _bounded(self, turn: Coroutine[Any, Any, list[dict[str, Any]]]) -> list[dict[str, Any]]:
        if self._agent is None:
            turn.close()
            raise AgentError("L'agent n'est pas prêt.")
        try:
            return await asyncio.wait_for(turn, self._seconds)
        except AssistantError:
            raise
        except TimeoutError as error:
            raise AgentError("L'agent met trop de temps.") from error
        except Exception as error:
            raise AgentError(f"L'agent a échoué ({type(error).__name__}).") from error

    def _loaded(self) -> Agent:
        if self._agent is None:
            raise AgentError("L'agent n'est pas prêt.")
        return self._agent

    async def _share_model(self, agent: Agent) -> None:
        """Warm the pipeline up, and let the actions use its model instead of reading another from disk."""
        parsed = await agent.processor.parse_message(UserMessage("bonjour"), only_output_properties=False)
        stored = parsed.get(STORED_MODEL)
        bare = bare_router(self._paths)
        actions.share_dialogue(Dialogue(bare.with_model(stored.model, stored.thresholds) if stored else bare))


class WholeMessages(CollectingOutputChannel):
    """Keeps each message of an action whole, where Rasa's own channel splits text, buttons and JSON."""

    @classmethod
    def name(cls) -> str:
        return CHANNEL

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Keep a message."""
        await self._persist_message({"recipient_id": recipient_id, **message})


class InProcessEndpoint(TrustedEndpoint):
    """An action server without the server: hands the call to rasa-sdk's executor."""

    def __init__(self) -> None:
        super().__init__("http://in-process.invalid", enable_selective_domain=True)
        self._executor = ActionExecutor()
        for action in actions.ACTIONS:
            self._executor.register_action(action)

    async def request(self, *_: Any, json: dict[str, Any] | None = None, **__: Any) -> Any:
        """Run the action named in ``json`` and return its events and responses."""
        return await self._executor.run(json or {})


class RecentTrackerStore(InMemoryTrackerStore):
    """Trackers in memory, few and short-lived.

    Args:
        domain: of the model.
        conversations: at most; the least recent go first.
        seconds: without a message, after which a conversation is forgotten.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        domain: Domain,
        conversations: int = MAX_CONVERSATIONS,
        seconds: float = FORGET_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(domain)
        self.max_event_history = MAX_EVENTS
        self._conversations = conversations
        self._seconds = seconds
        self._clock = clock
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._turns: dict[str, DialogueStateTracker | None] = {}

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Save a tracker, and forget those that are old or too many."""
        if tracker.sender_id in self._turns:
            self._turns[tracker.sender_id] = tracker
            return
        await super().save(tracker)
        self._seen[tracker.sender_id] = self._clock()
        self._seen.move_to_end(tracker.sender_id)
        self._forget_old()

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """Return a tracker that is not too old, or ``None``."""
        if sender_id in self._turns:
            return self._turns[sender_id]
        self._forget_old()
        return await super().retrieve(sender_id)

    @asynccontextmanager
    async def turn(self, sender_id: str) -> AsyncIterator[None]:
        """Read a tracker once for a turn and write it once, at its end: Rasa does each several times.

        A turn that fails writes nothing. One that begins inside another of the same conversation is part of it.
        """
        if sender_id in self._turns:
            yield
            return
        self._turns[sender_id] = await self.retrieve(sender_id)
        try:
            yield
            tracker = self._turns.pop(sender_id)
            if tracker is not None:
                await self.save(tracker)
        finally:
            self._turns.pop(sender_id, None)

    def forget(self, sender_id: str) -> None:
        """Forget one conversation, a turn that goes on included."""
        if sender_id in self._turns:
            self._turns[sender_id] = None
        self._seen.pop(sender_id, None)
        self.store.pop(sender_id, None)

    def _forget_old(self) -> None:
        oldest_kept = self._clock() - self._seconds
        while self._seen:
            sender_id, seen = next(iter(self._seen.items()))
            if seen > oldest_kept and len(self._seen) <= self._conversations:
                return
            self.forget(sender_id)
