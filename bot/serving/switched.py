"""An engine that obeys the off switch: in "phone only" mode it gives the front desk's number, and still answers emergencies."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bot.dialogue.wording import Card, Reply
from bot.serving.engines import Answer, ChatEngine, Context, EngineError, SiteFacts, Urgent
from bot.staff.upkeep.notice import Notice

if TYPE_CHECKING:
    from bot.dialogue.dialogue import Dialogue

T = TypeVar("T")

PAUSED = "L'assistant est en pause. Une personne peut vous aider : appelez {name}, {phone}."
PAUSED_WITHOUT_PHONE = "L'assistant est en pause. Une personne peut vous aider à l'accueil de la préfecture."
NAME = "pause"


class Switchboard(Protocol):
    """What is read of the switch."""

    current: Notice

    def start(self) -> None:
        """Start reading the state."""

    def stop(self) -> None:
        """Stop reading it."""


class OpenSwitch:
    """A switch that nobody touches."""

    current = Notice()

    def start(self) -> None:
        """Nothing to read."""

    def stop(self) -> None:
        """Nothing to stop."""


class SwitchedEngine:
    """A :class:`~bot.serving.engines.ChatEngine` behind the switch.

    Args:
        engine: answers in normal mode, and emergencies in every mode.
        switch: read at each turn, from memory.
    """

    def __init__(self, engine: ChatEngine, switch: Switchboard) -> None:
        self._engine = engine
        self._switch = switch

    @property
    def facts(self) -> SiteFacts:
        return self._engine.facts

    def card(self, topic: str) -> Card | None:
        return self._engine.card(topic)

    async def start(self) -> None:
        self._switch.start()
        await self._engine.start()

    async def stop(self) -> None:
        self._switch.stop()
        await self._engine.stop()

    def status(self) -> dict[str, Any]:
        return {**self._engine.status(), "mode": "telephone" if self._switch.current.phone_only else "normal"}

    async def reply(self, text: str, context: Context) -> Answer:
        if not self._switch.current.phone_only:
            return await self._engine.reply(text, context)
        urgent = await self._engine.urgent(text)
        if urgent is not None:
            return Answer(urgent.reply, context.state, NAME, {"decision": "urgence"})
        return self._paused(context)

    async def choose(self, choice: str, context: Context) -> Answer:
        if not self._switch.current.phone_only:
            return await self._engine.choose(choice, context)
        return self._paused(context)

    def forget(self, conversation: str) -> None:
        self._engine.forget(conversation)

    async def use(self, work: Callable[[Dialogue], T]) -> T:
        if self._switch.current.phone_only:
            raise EngineError(PAUSED_WITHOUT_PHONE)
        return await self._engine.use(work)

    async def urgent(self, text: str) -> Urgent | None:
        return await self._engine.urgent(text)

    def _paused(self, context: Context) -> Answer:
        desk = self.facts.front_desk
        text = PAUSED.format(name=_inside(desk.name), phone=desk.phones[0]) if desk and desk.phones else PAUSED_WITHOUT_PHONE
        return Answer(Reply(text), context.state, NAME)


def _inside(name: str) -> str:
    """Return a name as it stands inside a sentence: "l'accueil de…"."""
    low = name[:1].lower() + name[1:]
    return f"l'{low}" if low.startswith("accueil") else low
