"""The Rasa agent in a thread of its own, watched: absent, late, ill or at rest, it makes nobody wait."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bot.base.errors import AssistantError, ModelCorrupt, ModelMissing

if TYPE_CHECKING:
    from bot.dialogue.dialogue import ConversationState, Turn

T = TypeVar("T")
log = logging.getLogger("bot.serving.watched")

MAX_FAILURES = 3
REST_SECONDS = 60.0
"""After three failures in a row the agent is left alone for a minute: nobody waits for it at each message."""


class AgentDown(AssistantError):
    """The agent is not ready, failed or is late: answer without it."""


class Condition(StrEnum):
    """How a part of the engine is doing."""

    ABSENT = "absent"
    LOADING = "chargement"
    READY = "pret"
    FAILED = "echec"
    RESTING = "au_repos"


class Agent(Protocol):
    """What conducts a turn in place of the dialogue: ``bot.rasa.agent.InProcessAgent``, or another engine's."""

    async def load(self) -> None:
        """Load the live model, the first time or again."""

    async def reply(self, text: str, state: ConversationState) -> Turn:
        """Answer a typed message."""

    async def choose(self, choice: str, state: ConversationState) -> Turn:
        """Answer a pressed button."""


class LoopThread:
    """A daemon thread with an event loop: slow or blocking code runs there, never in the server's loop."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and wait for it here; the thread starts with the first."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_run_then_close, args=(self._loop,), name=self._name, daemon=True).start()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def stop(self) -> None:
        """Ask the loop to end; what still blocks dies with the process."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)


def _run_then_close(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.close()


class WatchedAgent:
    """An agent that is tried, and left alone when it fails.

    Args:
        build: makes the agent (imports Rasa); called in the thread, until it works.
        seconds: given to one answer.
        clock: monotonic seconds.
    """

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
        self._loading = asyncio.Lock()
        self.needs_training = False
        """Whether it could not load for want of a sound archive."""

    @property
    def condition(self) -> Condition:
        """How the agent is doing now."""
        if self._condition is Condition.READY and self._clock() < self._rest_until:
            return Condition.RESTING
        return self._condition

    async def load(self) -> None:
        """Load the live model, the first time or again; meanwhile no message comes, and those it holds end first."""

        async def work() -> None:
            agent = self._agent or self._build()
            await agent.load()
            self._agent = agent

        async with self._loading:
            self._condition = Condition.LOADING
            started = self._clock()
            while self._turns and self._clock() < started + self._seconds:
                await asyncio.sleep(0.02)
            try:
                await self._thread.run(work())
            except Exception as error:
                self._condition = Condition.FAILED
                self.needs_training = isinstance(error, ModelMissing | ModelCorrupt)
                if isinstance(error, ModelMissing):  # a first start: it is being trained
                    log.info("no agent yet", extra={"evenement": "agent_attendu"})
                else:
                    log.error("agent cannot load", extra={"evenement": "agent_absent"}, exc_info=error)
                return
            self._condition, self.needs_training = Condition.READY, False
            log.info("agent ready", extra={"evenement": "agent_pret", "secondes": round(self._clock() - started, 2)})

    def stop(self) -> None:
        """Let the thread end."""
        self._thread.stop()

    async def turn(self, act: Callable[[Agent], Awaitable[Turn]]) -> Turn:
        """Return the turn that ``act`` gets from the agent.

        Raises:
            AgentDown: it gets none.
        """
        agent = self._agent
        if agent is None or self.condition is not Condition.READY:
            raise AgentDown("L'agent n'est pas prêt.")

        async def work() -> Turn:
            return await act(agent)

        self._turns += 1
        try:
            turn = await asyncio.wait_for(self._thread.run(work()), self._seconds)
        except Exception as error:
            self._failures += 1
            if self._failures >= MAX_FAILURES:
                self._failures, self._rest_until = 0, self._clock() + REST_SECONDS
            log.error("agent turn failed", extra={"evenement": "agent_erreur"}, exc_info=error)
            raise AgentDown("L'agent n'a pas répondu.") from error
        finally:
            self._turns -= 1
        self._failures = 0
        return turn
