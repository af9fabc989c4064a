"""Who answers: the Rasa agent when it is there, the plain router otherwise, the fixed emergency rules at least.

Nothing heavy is imported before the server listens: models load in threads of their own.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import shutil
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bot.base.errors import AssistantError, ModelCorrupt, ModelMissing
from bot.base.paths import ProjectPaths
from bot.dialogue.wording import Card, Choice, Contact, EmergencyCall, Reply
from bot.language.foreign import Courtesy
from bot.learning.freshness import chosen_by_staff, live_mark

if TYPE_CHECKING:
    from bot.dialogue.dialogue import ConversationState, Dialogue, Turn
    from bot.referential import Referential
    from bot.routing.types import RoutingDecision

T = TypeVar("T")
log = logging.getLogger("bot.serving.engines")

EMERGENCY_NUMBERS = ("15", "17", "18", "112", "114")
"""Those shown at the foot of every page, by what they are for; their names come from the referential."""
MAX_FAILURES = 3
WATCH_SECONDS = 0.5
"""Between two looks at which model is live."""
REST_SECONDS = 60.0
"""After three failures in a row the agent is left alone for a minute: nobody waits for it at each message."""


class EngineError(AssistantError):
    """No engine could answer."""


class Condition(str, Enum):
    """How an engine is doing."""

    ABSENT = "absent"
    LOADING = "chargement"
    READY = "pret"
    FAILED = "echec"
    RESTING = "au_repos"


@dataclass(frozen=True)
class Context:
    """What an engine is told of the conversation.

    Args:
        conversation: id made by the server.
        state: of the dialogue, ``None`` at the start.
        engine: name of the engine that answered last, "" at the start.
    """

    conversation: str
    state: ConversationState | None = None
    engine: str = ""


@dataclass(frozen=True)
class Answer:
    """What an engine says.

    Args:
        reply: the words, cards and buttons.
        state: what to remember, ``None`` when the engine does not tell.
        engine: its name.
        decision: the public object of ``bot route`` that led to it, ``None`` when nothing was decided.
    """

    reply: Reply
    state: ConversationState | None
    engine: str
    decision: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class SiteFacts:
    """What every page says whatever is asked; read from the referential.

    Args:
        front_desk: of the préfecture.
        calls: emergency numbers of the footer.
    """

    front_desk: Contact | None = None
    calls: tuple[EmergencyCall, ...] = ()


class ChatEngine(Protocol):
    """What the web application needs to hold conversations; it knows nothing else of any engine."""

    @property
    def facts(self) -> SiteFacts:
        """What is known of the site so far."""

    async def start(self) -> None:
        """Begin to load, and return at once."""

    async def stop(self) -> None:
        """Let go of everything."""

    def status(self) -> dict[str, Any]:
        """Say who would answer now: ``moteur``, ``routeur``, ``agent``, ``modele``."""

    def card(self, topic: str) -> Card | None:
        """Return the card of a topic, or ``None`` when there is no such topic.

        Raises:
            EngineError: the referential is not read yet.
        """

    async def reply(self, text: str, context: Context) -> Answer:
        """Answer a typed message.

        Raises:
            EngineError: nothing can be answered.
        """

    async def choose(self, choice: str, context: Context) -> Answer:
        """Answer a button that was offered to this conversation.

        Raises:
            EngineError: nothing can be answered.
        """

    def forget(self, conversation: str) -> None:
        """Forget a conversation at once, where the engine keeps something of it."""

    async def use(self, work: Callable[[Dialogue], T]) -> T:
        """Run ``work`` with the plain router's dialogue, out of the server's loop.

        Raises:
            EngineError: it is not loaded, or takes too long. What ``work`` raises comes through as it is.
        """

    async def urgent(self, text: str) -> Urgent | None:
        """Answer an emergency with the fixed rules alone; ``None`` when it is none or they are not loaded."""


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


class LoopThread:
    """A daemon thread with an event loop: slow or blocking code runs there, never in the server's loop."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Schedule a coroutine there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and wait for it here."""
        return await asyncio.wrap_future(self.submit(work))

    def stop(self) -> None:
        """Ask the loop to end; what still blocks dies with the process."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
        elif not self._loop.is_closed():
            self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()


class FirstAid:
    """Emergencies without any model: the referential and the fixed rules only, ready in half a second."""

    def __init__(self, paths: ProjectPaths) -> None:
        from bot.dialogue.wording import Writer
        from bot.learning.loading import load_detector, shared_referential

        self._referential = referential = shared_referential(paths.referential)
        self._writer = Writer(referential)
        desk = referential.entry_points.get("prefecture_accueil")
        self.facts = SiteFacts(
            self._writer.contact(desk) if desk else None,
            self._writer.calls(EMERGENCY_NUMBERS),
        )
        self._detector = load_detector(paths.referential)

    @property
    def topics(self) -> tuple[str, ...]:
        """Ids of the topics."""
        return tuple(self._referential.topics)

    def card(self, topic: str) -> Card | None:
        """Return the card of a topic, or ``None`` when there is no such topic."""
        from bot.routing.types import Destination

        if topic not in self._referential.topics:
            return None
        service = self._referential.service_of(topic)
        return self._writer.card(Destination(service.delegation, service.id, topic, 1.0))

    def answer(self, text: str) -> Urgent | None:
        """Return the numbers to call, or ``None`` when the message is no emergency."""
        from bot.routing.types import DecisionKind, RoutingDecision

        found = self._detector.detect(text)
        if found is None:
            return None
        decision = RoutingDecision(DecisionKind.URGENCE, urgence=tuple(found.numeros), situation=found.situation)
        return Urgent(decision, self._writer.reply(decision), self._referential)


class PlainEngine:
    """The router and the dialogue, without Rasa. Emergencies are answered while it loads.

    Args:
        load: builds the dialogue; called once, in a thread of its own.
        first_aid: builds the emergency answers; called at the same time, in the engine's thread.
        seconds: given to one answer, loading included.
        load_again: builds the dialogue when another model goes live; ``load`` by default. When it raises, the dialogue
            that answers goes on.
    """

    name = "routeur"

    def __init__(
        self,
        load: Callable[[], Dialogue],
        first_aid: Callable[[], FirstAid] | None = None,
        seconds: float = 20.0,
        load_again: Callable[[], Dialogue] | None = None,
    ) -> None:
        self._load = load
        self._load_again = load_again or load
        self._load_first_aid = first_aid
        self._seconds = seconds
        self._thread = LoopThread("routeur")
        self._dialogue: Dialogue | None = None
        self._first_aid: FirstAid | None = None
        self._first_aid_done: Future[None] = Future()
        self._loaded: Future[None] = Future()
        self.condition = Condition.LOADING

    @property
    def facts(self) -> SiteFacts:
        return self._first_aid.facts if self._first_aid else SiteFacts()

    async def start(self) -> None:
        self._thread.start()
        self._thread.submit(self._prepare())

    async def stop(self) -> None:
        self._thread.stop()

    def card(self, topic: str) -> Card | None:
        if self._first_aid is None:
            raise EngineError("Le référentiel n'est pas lu.")
        return self._first_aid.card(topic)

    @property
    def loaded(self) -> Future[None]:
        """Done when loading has ended, well or badly."""
        return self._loaded

    @property
    def has_model(self) -> bool:
        """Whether a trained model is read."""
        return self._dialogue is not None and getattr(self._dialogue.router, "model", None) is not None

    def status(self) -> dict[str, Any]:
        engine = self.name if self.condition is Condition.READY else "urgences" if self._first_aid else "aucun"
        return {"moteur": engine, "routeur": self.condition.value, "agent": Condition.ABSENT.value, "modele": self.has_model}

    async def reply(self, text: str, context: Context) -> Answer:
        if self.condition is not Condition.READY:
            urgent = await self.urgent(text)
            if urgent is not None:
                return Answer(urgent.reply, context.state, self.name, {"decision": "urgence"})
        return await self._turn(lambda dialogue, state: dialogue.reply(text, state), context)

    async def choose(self, choice: str, context: Context) -> Answer:
        return await self._turn(lambda dialogue, state: dialogue.choose(choice, state), context)

    def forget(self, conversation: str) -> None:
        """Nothing to do: the state travels with the context."""

    async def use(self, work: Callable[[Dialogue], T]) -> T:
        async def run() -> T:
            if self._dialogue is None:
                raise EngineError("Le routeur n'est pas disponible.")
            return work(self._dialogue)

        if self.condition is not Condition.READY:
            raise EngineError("Le routeur n'est pas prêt.")
        try:
            return await asyncio.wait_for(self._thread.run(run()), self._seconds)
        except TimeoutError as error:
            raise EngineError("Le routeur met trop de temps.") from error

    async def _turn(self, act: Callable[[Dialogue, ConversationState], Turn], context: Context) -> Answer:
        async def work() -> Turn:
            from bot.dialogue.dialogue import ConversationState

            await asyncio.shield(asyncio.wrap_future(self._loaded))
            if self._dialogue is None:
                raise EngineError("Le routeur n'est pas disponible.")
            return act(self._dialogue, context.state or ConversationState())

        try:
            turn = await asyncio.wait_for(self._thread.run(work()), self._seconds)
        except TimeoutError as error:
            raise EngineError("Le routeur met trop de temps.") from error
        except EngineError:
            raise
        except Exception as error:
            log.error("plain turn failed", extra={"evenement": "routeur_erreur"}, exc_info=error)
            raise EngineError("Le routeur a échoué.") from error
        decision = turn.decision.as_json(None, "") if turn.decision is not None else None
        if decision is not None and decision["decision"] == "incompris" and not self.has_model:
            decision = None  # nothing was read: no one failed to understand
        return Answer(turn.reply, turn.state, self.name, decision)

    async def urgent(self, text: str) -> Urgent | None:
        try:
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._first_aid_done)), self._seconds)
            if self._first_aid is None:
                return None
            return await asyncio.to_thread(self._first_aid.answer, text)
        except Exception as error:
            log.error("first aid failed", extra={"evenement": "urgences_erreur"}, exc_info=error)
            return None

    async def _prepare(self) -> None:
        started = time.perf_counter()
        loading = asyncio.create_task(asyncio.to_thread(self._ready_dialogue))  # reads files while the first aid is made
        await asyncio.sleep(0)
        if self._load_first_aid is not None:
            try:
                self._first_aid = self._load_first_aid()
            except Exception as error:
                log.error("first aid cannot load", extra={"evenement": "urgences_absentes"}, exc_info=error)
        self._first_aid_done.set_result(None)
        try:
            self._dialogue, self.condition = await loading, Condition.READY
            log.info("router ready", extra={"evenement": "routeur_pret", "secondes": round(time.perf_counter() - started, 2)})
        except Exception as error:
            self.condition = Condition.FAILED
            log.error("router cannot load", extra={"evenement": "routeur_absent"}, exc_info=error)
        finally:
            self._loaded.set_result(None)

    def _ready_dialogue(self) -> Dialogue:
        dialogue = self._load()
        self._warm(dialogue)
        return dialogue

    async def reload(self) -> bool:
        """Load the live model beside the one that answers, then swap; whether it worked. No message waits for it."""

        def work() -> Dialogue:
            dialogue = self._load_again()
            self._warm(dialogue)
            return dialogue

        started = time.perf_counter()
        try:
            self._dialogue = await asyncio.to_thread(work)
            self.condition = Condition.READY
            if self._load_first_aid is not None:
                self._first_aid = await asyncio.to_thread(self._load_first_aid)
        except Exception as error:
            log.error("router cannot load again", extra={"evenement": "routeur_garde"}, exc_info=error)
            return False
        log.info("router swapped", extra={"evenement": "routeur_change", "secondes": round(time.perf_counter() - started, 2)})
        return True

    async def prepare_languages(self) -> None:
        """Read now what only messages in another language need."""
        languages = getattr(self._dialogue.router, "languages", None) if self._dialogue is not None else None
        if languages is not None:
            await asyncio.to_thread(languages.prepare)

    @staticmethod
    def _warm(dialogue: Dialogue) -> None:
        """Answer once to nobody: the encoder loads now, not at the first citizen's message."""
        from bot.dialogue.dialogue import ConversationState

        dialogue.reply("bonjour", ConversationState())


class Agent(Protocol):
    """What this side uses of ``bot.rasa.agent.InProcessAgent``."""

    def load(self) -> Awaitable[Any]:
        """Load the model."""

    def handle(self, text: str, conversation_id: str, state: Mapping[str, Any] | None) -> Awaitable[Sequence[Mapping[str, Any]]]:
        """Answer a typed message."""

    def choose(self, choice_id: str, conversation_id: str, state: Mapping[str, Any] | None) -> Awaitable[Sequence[Mapping[str, Any]]]:
        """Answer a pressed button."""

    def forget(self, conversation_id: str) -> None:
        """Forget a conversation."""


class AgentEngine:
    """The Rasa agent, in a thread of its own.

    Args:
        build: makes the agent (imports Rasa); called once, in the thread.
        seconds: given to one answer.
        clock: monotonic seconds.
    """

    name = "agent"

    def __init__(self, build: Callable[[], Agent], seconds: float = 4.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._build = build
        self._seconds = seconds
        self._clock = clock
        self._thread = LoopThread("agent")
        self._agent: Agent | None = None
        self._condition = Condition.LOADING
        self._failures = 0
        self._rest_until = 0.0
        self._turns = 0
        self._started = False
        self._loaded: Future[None] = Future()
        self.needs_training = False
        """Whether it could not load for want of a sound archive."""

    @property
    def condition(self) -> Condition:
        """How the agent is doing now."""
        if self._condition is Condition.READY and self._clock() < self._rest_until:
            return Condition.RESTING
        return self._condition

    @property
    def started(self) -> bool:
        """Whether :meth:`start` was called."""
        return self._started

    @property
    def loaded(self) -> Future[None]:
        """Done when the first loading has ended, well or badly."""
        return self._loaded

    def start(self) -> None:
        """Load the agent in its thread, and return at once."""
        self._started = True
        self._thread.start()
        self._thread.submit(self._prepare())

    def stop(self) -> None:
        """Let the thread end."""
        self._thread.stop()

    async def reply(self, text: str, context: Context) -> Answer:
        """Answer a typed message; raises :class:`EngineError` when the agent cannot."""
        return await self._turn(lambda agent: agent.handle(text, context.conversation, _known_state(context)), context)

    async def choose(self, choice: str, context: Context) -> Answer:
        """Answer a pressed button; raises :class:`EngineError` when the agent cannot."""
        return await self._turn(lambda agent: agent.choose(choice, context.conversation, _known_state(context)), context)

    def forget(self, conversation: str) -> None:
        """Forget a conversation, in the agent's thread."""

        async def work() -> None:
            if self._agent is not None:
                self._agent.forget(conversation)

        if self._agent is not None:
            self._thread.submit(work())

    async def _turn(self, act: Callable[[Agent], Awaitable[Sequence[Mapping[str, Any]]]], context: Context) -> Answer:
        agent = self._agent
        if agent is None or self.condition is not Condition.READY:
            raise EngineError("L'agent n'est pas prêt.")

        async def work() -> Sequence[Mapping[str, Any]]:
            return await act(agent)

        self._turns += 1
        try:
            messages = await asyncio.wait_for(self._thread.run(work()), self._seconds)
            answer = answer_of_messages(messages, context, self.name)
        except Exception as error:
            self._failed(error)
            raise EngineError("L'agent n'a pas répondu.") from error
        finally:
            self._turns -= 1
        self._failures = 0
        return answer

    async def reload(self) -> None:
        """Load the live model again; meanwhile the agent takes no message, those it holds end first."""
        agent = self._agent
        if agent is None:
            self._thread.submit(self._prepare())
            return
        self._condition = Condition.LOADING
        end = self._clock() + self._seconds
        while self._turns and self._clock() < end:
            await asyncio.sleep(0.02)

        async def work() -> None:
            try:
                await agent.load()
                self._condition = Condition.READY
                log.info("agent swapped", extra={"evenement": "agent_change"})
            except Exception as error:
                self._condition = Condition.FAILED
                log.error("agent cannot load again", extra={"evenement": "agent_absent"}, exc_info=error)

        self._thread.submit(work())

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures >= MAX_FAILURES:
            self._failures, self._rest_until = 0, self._clock() + REST_SECONDS
        log.error("agent turn failed", extra={"evenement": "agent_erreur"}, exc_info=error)

    async def _prepare(self) -> None:
        started = time.perf_counter()
        try:
            agent = self._build()
            await agent.load()
            self._agent, self._condition = agent, Condition.READY
            log.info("agent ready", extra={"evenement": "agent_pret", "secondes": round(time.perf_counter() - started, 2)})
            self.needs_training = False
        except Exception as error:
            self._condition = Condition.FAILED
            self.needs_training = isinstance(error, ModelMissing | ModelCorrupt)
            log.error("agent cannot load", extra={"evenement": "agent_absent"}, exc_info=error)
        finally:
            if not self._loaded.done():
                self._loaded.set_result(None)


class FallbackEngine:
    """The agent first, the plain router whenever the agent is not ready, fails or is late.

    The state travels with the conversation, so either goes on from where the other left: when the agent becomes ready in
    the middle, when it drops a turn, or when the turn before was answered by another process.

    When another model goes live, the router swaps first, without a pause, then the agent.

    Args:
        plain: the router.
        agent: the Rasa agent, ``None`` to do without.
        mark: changes when another model is live (see :func:`bot.learning.freshness.live_mark`); looked at every second.
        train: trains the models that are missing or corrupt; whether it worked. Called once, while what is there answers.
    """

    def __init__(
        self,
        plain: PlainEngine,
        agent: AgentEngine | None = None,
        mark: Callable[[], str] | None = None,
        train: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._plain = plain
        self._train = train
        self._repair: asyncio.Task[None] | None = None
        self._agent = agent
        self._mark = mark
        self._rest: asyncio.Task[None] | None = None
        self._follow: asyncio.Task[None] | None = None

    @property
    def router_loaded(self) -> Future[None]:
        """Done when the router has ended loading, well or badly."""
        return self._plain.loaded

    @property
    def facts(self) -> SiteFacts:
        return self._plain.facts

    def card(self, topic: str) -> Card | None:
        return self._plain.card(topic)

    async def start(self) -> None:
        seen = self._mark() if self._mark else ""
        await self._plain.start()
        self._rest = asyncio.create_task(self._load_the_rest())
        if self._mark is not None:
            self._follow = asyncio.create_task(self._follow_live_model(self._mark, seen))
        if self._train is not None:
            self._repair = asyncio.create_task(self._repair_models(self._train))

    async def stop(self) -> None:
        for task in (self._rest, self._follow, self._repair):
            if task is not None:
                task.cancel()
        if self._agent is not None:
            self._agent.stop()
        await self._plain.stop()

    def status(self) -> dict[str, Any]:
        status = self._plain.status()
        if self._agent is not None:
            status["agent"] = self._agent.condition.value
            if self._agent.condition is Condition.READY:
                status["moteur"] = self._agent.name
        return status

    async def reply(self, text: str, context: Context) -> Answer:
        if self._agent is not None and self._agent.condition is Condition.READY:
            try:
                return await self._agent.reply(text, context)
            except EngineError:
                pass
        return await self._plain.reply(text, context)

    async def choose(self, choice: str, context: Context) -> Answer:
        if self._agent is not None and self._agent.condition is Condition.READY:
            try:
                return await self._agent.choose(choice, context)
            except EngineError:
                pass
        return await self._plain.choose(choice, context)

    def forget(self, conversation: str) -> None:
        if self._agent is not None:
            self._agent.forget(conversation)

    async def use(self, work: Callable[[Dialogue], T]) -> T:
        return await self._plain.use(work)

    async def urgent(self, text: str) -> Urgent | None:
        return await self._plain.urgent(text)

    async def _follow_live_model(self, mark: Callable[[], str], seen: str) -> None:
        await asyncio.shield(asyncio.wrap_future(self._plain.loaded))
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = await asyncio.to_thread(mark)
            if now == seen:
                continue
            seen = now
            if await self._plain.reload() and self._agent is not None and self._agent.started:
                await self._agent.reload()

    async def _repair_models(self, train: Callable[[], Awaitable[bool]]) -> None:
        """Train again what could not be read, behind: the router answers meanwhile, or the emergency rules at least."""
        await asyncio.shield(asyncio.wrap_future(self._plain.loaded))
        if self._agent is not None:
            await asyncio.shield(asyncio.wrap_future(self._agent.loaded))
        plain_needs = self._plain.condition is Condition.READY and not self._plain.has_model
        if not plain_needs and not (self._agent is not None and self._agent.needs_training):
            return
        log.warning("a model is missing or corrupt: training it", extra={"evenement": "modele_refait"})
        if not await train():
            log.error("training failed: run bot train", extra={"evenement": "modele_non_refait"})
            return
        if plain_needs:
            await self._plain.reload()
        if self._agent is not None and self._agent.needs_training:
            await self._agent.reload()

    async def _load_the_rest(self) -> None:
        """Importing Rasa takes the processor for seconds: the router loads first, and what few messages need comes last."""
        await asyncio.shield(asyncio.wrap_future(self._plain.loaded))
        if self._agent is not None:
            self._agent.start()
            await asyncio.shield(asyncio.wrap_future(self._agent.loaded))
        await self._plain.prepare_languages()


def build_engine(paths: ProjectPaths, agent_seconds: float, router_seconds: float, with_agent: bool) -> FallbackEngine:
    """Return the engine of a project tree; nothing is loaded before ``start``."""

    def load() -> Dialogue:
        from bot.dialogue.dialogue import Dialogue
        from bot.learning.loading import load_router

        return Dialogue(load_router(paths, need_model=False))

    def build() -> Agent:
        agent: Agent = importlib.import_module("bot.rasa.agent").InProcessAgent()
        return agent

    def load_again() -> Dialogue:
        from bot.dialogue.dialogue import Dialogue
        from bot.learning.loading import load_router

        return Dialogue(load_router(paths))  # never swaps to a router without a model

    async def repair() -> bool:
        if plain.has_model and chosen_by_staff(paths):
            return True  # only the Rasa archive is missing: the router answers with the model that staff chose
        return await train_apart(with_agent)

    plain = PlainEngine(load, lambda: FirstAid(paths), router_seconds, load_again)
    return FallbackEngine(plain, AgentEngine(build, agent_seconds) if with_agent else None, lambda: live_mark(paths), repair)


async def train_apart(with_agent: bool) -> bool:
    """Run « bot train » in a process of its own, after everything else in line for the processor; whether it worked.

    Args:
        with_agent: whether the Rasa archive is wanted too.
    """
    nice = shutil.which("nice")
    command = [*([nice, "-n", "10"] if nice else []), sys.executable, "-m", "bot", "train", *([] if with_agent else ["--routeur-seul"])]
    silent = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdin=silent, stdout=silent, stderr=silent)
    try:
        return await process.wait() == 0
    finally:
        if process.returncode is None:  # the server stops
            process.terminate()


def _known_state(context: Context) -> Mapping[str, Any] | None:
    return context.state.as_mapping() if context.state is not None else None


def answer_of_messages(messages: Sequence[Mapping[str, Any]], context: Context, engine: str) -> Answer:
    """Read the messages of the agent.

    A message holds ``text`` and ``buttons`` as any Rasa channel gives them, or a whole reply (the fields of
    :class:`bot.dialogue.wording.Reply`) under ``custom``, with the state of the dialogue and the decision beside it. A Rasa channel sends both
    forms of one reply: when there are whole replies, the others repeat them.

    Raises:
        EngineError: nothing to say in them.
    """
    customs = [m.get("custom") for m in messages if isinstance(m.get("custom"), Mapping)]
    replies = [reply_from_mapping(c["reponse"]) for c in customs if isinstance(c, Mapping) and isinstance(c.get("reponse"), Mapping)]
    if not replies:
        replies = [_reply_of_plain_message(m) for m in messages if m.get("text") or m.get("buttons")]
    if not replies:
        raise EngineError("L'agent n'a rien dit.")
    states = [c["etat"] for c in customs if isinstance(c, Mapping) and isinstance(c.get("etat"), Mapping)]
    decisions = [c["decision"] for c in customs if isinstance(c, Mapping) and isinstance(c.get("decision"), Mapping)]
    return Answer(_merged(replies), _state(states[-1]) if states else context.state, engine, decisions[-1] if decisions else None)


def reply_from_mapping(values: Mapping[str, Any]) -> Reply:
    """Build a reply from plain values (``dataclasses.asdict`` of a reply, or its JSON)."""
    known = _known(Reply, values)
    known["cards"] = tuple(_card(c) for c in known.get("cards") or ())
    known["choices"] = tuple(Choice(str(c["id"]), str(c["label"])) for c in known.get("choices") or ())
    known["calls"] = tuple(EmergencyCall(str(c["number"]), str(c["name"]), bool(c["sms"])) for c in known.get("calls") or ())
    known.setdefault("text", "")
    if isinstance(known.get("courtesy"), Mapping):
        said = known["courtesy"]
        known["courtesy"] = Courtesy(str(said["language"]), str(said["direction"]), tuple(map(str, said["sentences"])))
    return Reply(**known)


def _card(values: Mapping[str, Any]) -> Card:
    known = _known(Card, values)
    contact = _known(Contact, known.get("contact") or {"name": ""})
    for name in ("address", "phones", "emails"):
        contact[name] = tuple(contact.get(name) or ())
    contact["websites"] = tuple((str(a), str(b)) for a, b in contact.get("websites") or ())
    for name in ("sentences", "bring", "associated"):
        known[name] = tuple(known.get(name) or ())
    known["link"] = tuple(known["link"]) if known.get("link") else None
    return Card(**{**known, "contact": Contact(**contact)})


def _known(kind: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in values.items() if k in kind.__dataclass_fields__}


def _reply_of_plain_message(message: Mapping[str, Any]) -> Reply:
    choices = []
    for button in message.get("buttons") or ():
        identifier = str(button.get("id") or button.get("payload") or "")
        if identifier and not identifier.startswith("/"):
            choices.append(Choice(identifier, str(button.get("title") or identifier)))
    return Reply(str(message.get("text") or ""), choices=tuple(choices))


def _merged(replies: Sequence[Reply]) -> Reply:
    first, *others = replies
    for other in others:
        first = replace(
            first,
            text="\n".join(t for t in (first.text, other.text) if t),
            cards=(*first.cards, *other.cards),
            choices=(*first.choices, *other.choices),
            calls=(*first.calls, *other.calls),
            instruction=first.instruction or other.instruction,
            courtesy=first.courtesy or other.courtesy,
        )
    return first


def _state(values: Mapping[str, Any]) -> ConversationState:
    from bot.dialogue.dialogue import ConversationState

    return ConversationState.from_mapping(values)
