"""The one engine: try the agent; when it fails or is late, the dialogue answers; before either is there, first aid.

Nothing heavy is imported before the server listens: models load in threads of their own. The state of a conversation is the
caller's: it comes with each message, and goes back with the answer.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from bot.base.errors import AssistantError
from bot.base.heap import give_back
from bot.base.paths import ProjectPaths
from bot.dialogue.wording import Card, Reply
from bot.learning.freshness import is_detector_current, kept_by_workshop, live_mark, needs_training
from bot.routing.types import DecisionKind, RoutingDecision
from bot.serving import live
from bot.serving.first_aid import FirstAid, SiteFacts, TakenOver, Urgent, first_aid
from bot.serving.watched import Agent, AgentDown, Condition, LoopThread, WatchedAgent
from bot.staff.upkeep.notice import OpenSwitch

if TYPE_CHECKING:
    from bot.dialogue.dialogue import ConversationState, Dialogue, Turn

T = TypeVar("T")
log = logging.getLogger("bot.serving.engine")

AGENT, DIALOGUE, PAUSE = "agent", "routeur", "pause"
"""Who answered."""
ROOM_SECONDS = 1.0
"""The longest that a slice of a batch rests, then waits for a moment when nobody is being answered."""
QUIET_SECONDS = 2.0
REST = 3
"""While people converse, a batch rests three times as long as it works; once nobody did for two seconds, it goes on at once."""
PAUSED = "L'assistant est en pause. Une personne peut vous aider : appelez {name}, {phone}."
PAUSED_WITHOUT_PHONE = "L'assistant est en pause. Une personne peut vous aider à l'accueil de la préfecture."


class EngineError(AssistantError):
    """Nothing can be answered."""


@dataclass(frozen=True)
class Answer:
    """What the engine says.

    Args:
        reply: the words, cards and buttons.
        state: what to remember; ``None`` when nothing was learnt of a new conversation.
        engine: who answered.
        decision: what was decided, ``None`` when nothing was.
    """

    reply: Reply
    state: ConversationState | None
    engine: str
    decision: RoutingDecision | None = None


class Engine:
    """Holds the conversations of all visitors; remembers none of them.

    Args:
        load: builds the dialogue; called once, in a thread.
        first_aid: builds the emergency answers; called at the same time, in another.
        agent: tried first; ``None`` to do without.
        seconds: given to one answer of the dialogue, loading included.
        load_again: builds the dialogue when another model goes live; ``load`` by default. When it raises, the dialogue
            that answers goes on.
        mark: tells which model is live (see :func:`bot.serving.live.follow`); ``None``: it never changes.
        train: trains the models that are missing, corrupt or out of date; whether it worked. Called once, while what is there
            answers.
        stale: whether a model is out of date.
        switch: the "phone only" mode: emergencies are still answered. Never touched by default.
    """

    def __init__(
        self,
        load: Callable[[], Dialogue],
        first_aid: Callable[[], FirstAid] | None = None,
        agent: WatchedAgent | None = None,
        *,
        seconds: float = 20.0,
        load_again: Callable[[], Dialogue] | None = None,
        mark: Callable[[], str] | None = None,
        train: Callable[[], Awaitable[bool]] | None = None,
        stale: Callable[[], bool] = lambda: False,
        switch: OpenSwitch | None = None,
    ) -> None:
        self._load = load
        self._load_again = load_again or load
        self._load_first_aid = first_aid
        self._agent = agent
        self._seconds = seconds
        self._mark = mark
        self._served = ""
        """Mark of what answers."""
        self._train = train
        self._stale = stale
        self.switch = switch or OpenSwitch()
        self._thread = LoopThread("routeur")
        self._apart = LoopThread("lots")
        self._dialogue: Dialogue | None = None
        self._first_aid: FirstAid | None = None
        self._first_aid_done: Future[None] = Future()
        self.loaded: Future[None] = Future()
        """Done when the dialogue has ended loading, well or badly."""
        self._condition = Condition.LOADING
        self._tasks: list[asyncio.Task[None]] = []
        self._turns = 0
        """Messages and buttons being answered."""
        self._conversed = -QUIET_SECONDS
        self._slices = asyncio.Lock()
        self._spent = 0.0
        """Seconds that the last slice of a batch took."""

    @property
    def facts(self) -> SiteFacts:
        """What is known of the site so far."""
        return self._first_aid.facts if self._first_aid else SiteFacts()

    @property
    def has_model(self) -> bool:
        """Whether a trained model is read."""
        return self._dialogue is not None and self._dialogue.router.model is not None

    def is_up_to_date(self) -> bool:
        """Whether what is live on the disk is what answers; any thread may ask."""
        return self._mark is None or self._mark() == self._served

    async def start(self) -> None:
        """Begin to load, and return at once."""
        self.switch.start()
        seen = self._mark() if self._mark else ""
        self._tasks = [asyncio.create_task(work) for work in (self._prepare_first_aid(), self._prepare(), self._follow(seen))]

    async def stop(self) -> None:
        """Let go of everything."""
        self.switch.stop()
        for task in self._tasks:
            task.cancel()
        if self._agent is not None:
            self._agent.stop()
        self._thread.stop()
        self._apart.stop()

    def status(self) -> dict[str, Any]:
        """Say who would answer now: ``moteur``, ``routeur``, ``agent``, ``modele``, ``mode``."""
        agent = self._agent.condition if self._agent else Condition.ABSENT
        ready = AGENT if agent is Condition.READY else DIALOGUE if self._condition is Condition.READY else ""
        return {
            "moteur": ready or ("urgences" if self._first_aid else "aucun"),
            "routeur": self._condition.value,
            "agent": agent.value,
            "modele": self.has_model,
            "mode": "telephone" if self.switch.current.phone_only else "normal",
        }

    def card(self, topic: str, commune: str = "", needs: int = 0) -> Card | None:
        """Return the card of a topic, or ``None`` when there is no such topic.

        Args:
            topic: its id.
            commune: Insee code of the person's commune; one that is not in the Lot is left out.
            needs: what the person said they cannot do, one bit for each need.

        Raises:
            EngineError: the referential is not read yet.
        """
        return self._read().card(topic, commune, needs)

    def taken_over(self, code: str) -> TakenOver:
        """Return the door that a person carries.

        Args:
            code: as it was typed.

        Raises:
            DoorCodeError: it is mistyped, or its topic is no more.
            EngineError: the referential is not read yet.
        """
        return self._read().taken_over(code)

    def _read(self) -> FirstAid:
        if self._first_aid is None:
            raise EngineError("Le référentiel n'est pas lu.")
        return self._first_aid

    async def reply(self, text: str, state: ConversationState | None = None) -> Answer:
        """Answer a typed message.

        Args:
            text: any string.
            state: of the conversation, ``None`` at its start.

        Raises:
            EngineError: nothing can be answered.
        """
        if self.switch.current.phone_only:
            return await self._urgent_answer(text, state, PAUSE) or self._paused(state)
        if self._condition is not Condition.READY and (answer := await self._urgent_answer(text, state, DIALOGUE)):
            return answer
        return await self._turn(lambda agent, known: agent.reply(text, known), lambda talk, known: talk.reply(text, known), state)

    async def choose(self, choice: str, state: ConversationState | None = None) -> Answer:
        """Answer a button that was offered to this conversation; as :meth:`reply`."""
        if self.switch.current.phone_only:
            return self._paused(state)
        return await self._turn(lambda agent, known: agent.choose(choice, known), lambda talk, known: talk.choose(choice, known), state)

    async def use(self, work: Callable[[Dialogue], T], behind: bool = False) -> T:
        """Run ``work`` with the dialogue, out of the server's loop, if it is loaded.

        Args:
            work: short: everyone else waits for it.
            behind: whether it is a slice of a batch: one at a time, each batch in turn, in a thread that gives way to conversations.

        Raises:
            EngineError: it is not loaded, or takes too long. What ``work`` raises comes through as it is.
        """
        if self.switch.current.phone_only:
            raise EngineError(PAUSED_WITHOUT_PHONE)
        if self._condition is not Condition.READY:
            raise EngineError("Le routeur n'est pas prêt.")
        if not behind:
            return await self._with_dialogue(work)
        async with self._slices:
            await self._give_way()
            started = time.monotonic()
            try:
                return await self._with_dialogue(work, self._apart)
            finally:
                self._spent = time.monotonic() - started

    async def urgent(self, text: str) -> Urgent | None:
        """Answer an emergency with first aid alone; ``None`` when it is none, or when even that is not there."""
        try:
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._first_aid_done)), self._seconds)
            return await asyncio.to_thread(self._first_aid.answer, text) if self._first_aid is not None else None
        except Exception as error:
            log.error("first aid failed", extra={"evenement": "urgences_erreur"}, exc_info=error)
            return None

    async def _give_way(self) -> None:
        """Rest while people converse, then wait, not for ever, until nobody waits for an answer."""
        if self._turns or time.monotonic() < self._conversed + QUIET_SECONDS:
            await asyncio.sleep(min(REST * self._spent, ROOM_SECONDS))
        end = time.monotonic() + ROOM_SECONDS
        while self._turns and time.monotonic() < end:
            await asyncio.sleep(0.005)

    async def _turn(
        self,
        ask: Callable[[Agent, ConversationState], Awaitable[Turn]],
        tell: Callable[[Dialogue, ConversationState], Turn],
        state: ConversationState | None,
    ) -> Answer:
        self._turns += 1
        try:
            return await self._conducted(ask, tell, state)
        finally:
            self._turns -= 1
            self._conversed = time.monotonic()

    async def _conducted(
        self,
        ask: Callable[[Agent, ConversationState], Awaitable[Turn]],
        tell: Callable[[Dialogue, ConversationState], Turn],
        state: ConversationState | None,
    ) -> Answer:
        from bot.dialogue.dialogue import ConversationState

        known = state or ConversationState()
        if self._agent is not None:
            try:
                turn = await self._agent.turn(lambda agent: ask(agent, known))
                return Answer(turn.reply, turn.state, AGENT, turn.decision)
            except AgentDown:
                pass
        try:
            turn = await self._with_dialogue(lambda talk: tell(talk, known))
        except EngineError:
            raise
        except Exception as error:
            log.error("plain turn failed", extra={"evenement": "routeur_erreur"}, exc_info=error)
            raise EngineError("Le routeur a échoué.") from error
        if not self.has_model and turn.decision is not None and turn.decision.decision is DecisionKind.INCOMPRIS:
            turn = replace(turn, decision=None)  # nothing was read: no one failed to understand
        return Answer(turn.reply, turn.state, DIALOGUE, turn.decision)

    async def _with_dialogue(self, work: Callable[[Dialogue], T], thread: LoopThread | None = None) -> T:
        async def run() -> T:
            await asyncio.shield(asyncio.wrap_future(self.loaded))
            if self._dialogue is None:
                raise EngineError("Le routeur n'est pas disponible.")
            return work(self._dialogue)

        try:
            return await asyncio.wait_for((thread or self._thread).run(run()), self._seconds)
        except TimeoutError as error:
            raise EngineError("Le routeur met trop de temps.") from error

    async def _urgent_answer(self, text: str, state: ConversationState | None, engine: str) -> Answer | None:
        urgent = await self.urgent(text)
        return Answer(urgent.reply, state, engine, urgent.decision) if urgent else None

    def _paused(self, state: ConversationState | None) -> Answer:
        desk = self.facts.front_desk
        text = PAUSED.format(name=_inside(desk.name), phone=desk.phones[0]) if desk and desk.phones else PAUSED_WITHOUT_PHONE
        return Answer(Reply(" ".join(filter(None, (text, self.facts.in_danger)))), state, PAUSE)

    async def _prepare_first_aid(self) -> None:
        try:
            if self._load_first_aid is not None:
                self._first_aid = await asyncio.to_thread(self._load_first_aid)
        except Exception as error:
            log.error("first aid cannot load", extra={"evenement": "urgences_absentes"}, exc_info=error)
        finally:
            self._first_aid_done.set_result(None)

    async def _prepare(self) -> None:
        """Load the dialogue, then the agent, whose imports take the processor for seconds, then what few messages need."""
        try:
            await self._put_live(self._load)
        except Exception as error:
            self._condition = Condition.FAILED
            why = {"raison": str(error)} if isinstance(error, AssistantError) else {}  # our files: no one's words
            log.error("router cannot load", extra={"evenement": "routeur_absent", **why}, exc_info=error)
        finally:
            self.loaded.set_result(None)
        if self._agent is not None:
            await self._agent.load()
        languages = self._dialogue.router.languages if self._dialogue is not None else None
        if languages is not None:
            await asyncio.to_thread(languages.prepare)
        await asyncio.to_thread(give_back)
        if self._train is not None and await self._wants_training():
            await live.repair(self._train)

    async def _wants_training(self) -> bool:
        no_model = self._condition is Condition.READY and not self.has_model
        if no_model or (self._agent is not None and self._agent.needs_training):
            return True
        try:
            return await asyncio.to_thread(self._stale)
        except (AssistantError, OSError) as error:
            log.error("freshness cannot be told", extra={"evenement": "modele_non_refait", "raison": str(error)})
            return False

    async def _put_live(self, load: Callable[[], Dialogue]) -> None:
        started = time.perf_counter()
        self._dialogue = await asyncio.to_thread(_warm, load)
        self._condition = Condition.READY
        log.info("router ready", extra={"evenement": "routeur_pret", "secondes": round(time.perf_counter() - started, 2)})

    async def _follow(self, seen: str) -> None:
        await asyncio.shield(asyncio.wrap_future(self.loaded))
        self._served = seen
        if self._mark is not None:
            await live.follow(self._mark, seen, self._swap)

    async def _swap(self, mark: str) -> None:
        """Load the live model beside the one that answers, then swap: the dialogue without a pause, then the agent."""
        try:
            await self._put_live(self._load_again)
            if self._load_first_aid is not None:
                self._first_aid = await asyncio.to_thread(self._load_first_aid)
        except Exception as error:
            log.error("router cannot load again", extra={"evenement": "routeur_garde"}, exc_info=error)
            return
        self._served = mark  # the dialogue answers while the agent loads
        if self._agent is not None:
            await self._agent.load()
        await asyncio.to_thread(give_back)


def _warm(load: Callable[[], Dialogue]) -> Dialogue:
    """Build a dialogue and answer once to nobody: the encoder loads now, not at the first citizen's message."""
    from bot.dialogue.dialogue import ConversationState

    dialogue = load()
    dialogue.reply("bonjour", ConversationState())
    return dialogue


def _inside(name: str) -> str:
    """Return a name as it stands inside a sentence: "l'accueil de…"."""
    low = name[:1].lower() + name[1:]
    return f"l'{low}" if low.startswith("accueil") else low


def build_engine(
    paths: ProjectPaths, agent_seconds: float, router_seconds: float, with_agent: bool, switch: OpenSwitch | None = None
) -> Engine:
    """Return the engine of a project tree; nothing is loaded before ``start``."""

    def load(need_model: bool = False) -> Dialogue:
        from bot.dialogue.dialogue import Dialogue
        from bot.learning.loading import load_router, sound_paths

        return Dialogue(load_router(sound_paths(paths), need_model))

    def mark() -> str:
        if engine.loaded.done():  # what staff have just taught is known before anything is trained
            from bot.learning.loading import lessons_of

            with suppress(OSError):
                lessons_of(paths.corpus).follow()
        return live_mark(paths)

    def build() -> Agent:
        agent: Agent = importlib.import_module("bot.rasa.agent").InProcessAgent()
        return agent

    async def train() -> bool:
        if engine.has_model and kept_by_workshop(paths):  # neither a restart nor a repair goes round the gate
            return is_detector_current(paths) or await live.train_apart("--urgences-seules")
        return await live.train_apart(*([] if with_agent else ["--routeur-seul"]))

    engine = Engine(
        load,
        lambda: first_aid(paths),
        WatchedAgent(build, agent_seconds) if with_agent else None,
        seconds=router_seconds,
        load_again=lambda: load(need_model=engine.has_model),  # never goes back to a router without a model
        mark=mark,
        train=train,
        stale=lambda: needs_training(paths) or not is_detector_current(paths),
        switch=switch,
    )
    return engine
