"""Conversations kept for the length of a visit: bounded in number, in length and in time, never on disk."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from bot.serving.view import ReplyView

if TYPE_CHECKING:
    from bot.dialogue.dialogue import ConversationState
    from bot.staff.inbox.events import TurnEvent

MAX_EXCHANGES = 20
MAX_SENDS = 8
MAX_OFFERED = 60


@dataclass(frozen=True)
class Exchange:
    """One turn as the page shows it.

    Args:
        said: the words of the person, personal data masked.
        reply: what was answered, ready to show.
        masked: whether something was masked.
        id: of the answer, to vote on it.
        event: what the observer was told, to join a vote to it.
        voted: whether the person said if it helped.
    """

    said: str
    reply: ReplyView
    masked: bool = False
    id: str = ""
    event: TurnEvent | None = None
    voted: bool = False


def exchange_from_mapping(values: Mapping[str, Any]) -> Exchange:
    """Build a turn again from plain values (``dataclasses.asdict``, or its JSON).

    Raises:
        KeyError, TypeError: not such values.
    """
    from bot.staff.inbox.events import turn_from_mapping

    if not ReplyView.__required_keys__ <= values["reply"].keys():
        raise KeyError("reply")  # drawn by a version that showed less: the page could not draw it again
    event = values.get("event")
    return Exchange(**{**values, "event": turn_from_mapping(event) if event else None})


@dataclass
class Conversation:
    """What is known of one visit.

    Args:
        id: random, made by the server.
        reference: random too; names this visit in what is recorded, and leads back to no conversation.
        state: of the dialogue; ``None`` before the first answer.
        engine: who answered last, "" before the first answer.
        exchanges: the last turns, to draw the page again.
        offered: every button offered to this conversation, id to label.
        sends: the last sends, so that a double send is answered once.
        turns: how many were answered.
        unsaved: whether the last turn could not be shared with the other processes.
        lock: one turn at a time.
        owner: who opened it, hashed, known to this process alone; "" when another one did.
    """

    id: str
    state: ConversationState | None = None
    engine: str = ""
    exchanges: list[Exchange] = field(default_factory=list)
    offered: OrderedDict[str, str] = field(default_factory=OrderedDict)
    sends: OrderedDict[str, Exchange] = field(default_factory=OrderedDict)
    turns: int = 0
    unsaved: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    reference: str = field(default_factory=lambda: new_reference())
    owner: str = ""

    def answer(self, identifier: str) -> Exchange | None:
        """Return the exchange whose answer has this id, while it is remembered."""
        return next((e for e in reversed(self.exchanges) if e.id and e.id == identifier), None)

    def remember(self, exchange: Exchange, send: str) -> None:
        """Keep a turn, and drop the oldest beyond the bounds."""
        self.turns += 1
        self.exchanges = [*self.exchanges, exchange][-MAX_EXCHANGES:]
        for choice in exchange.reply["choix"]:
            self.offered.pop(choice["id"], None)
            self.offered[choice["id"]] = choice["libelle"]
        while len(self.offered) > MAX_OFFERED:
            self.offered.popitem(last=False)
        if send:
            self.sends[send] = exchange
        while len(self.sends) > MAX_SENDS:
            self.sends.popitem(last=False)


class Sessions(Protocol):
    """The conversations of all visitors, wherever they are kept."""

    @property
    def sure(self) -> bool:
        """Whether a conversation that is not found is truly forgotten."""

    async def get(self, identifier: str | None) -> Conversation | None:
        """Return a living conversation and push back its end, or ``None``."""

    def create(self, owner: str = "") -> Conversation:
        """Open a conversation with a new random id.

        Args:
            owner: who opens it, hashed.
        """

    def turn(self, conversation: Conversation) -> AbstractAsyncContextManager[Conversation]:
        """Hold a conversation alone for one turn, as it is now; what was changed in it is kept when the turn ends well."""

    async def drop(self, identifier: str | None) -> None:
        """Forget a conversation at once."""

    async def purge(self) -> None:
        """Forget what has expired."""

    async def count(self) -> int:
        """Return how many conversations are kept."""

    async def close(self) -> None:
        """Let go of connections."""


class MemorySessions:
    """Conversations in the memory of one process.

    Args:
        limit: how many are kept; beyond, whoever opened the most loses the least recently used of theirs.
        seconds: life after the last use.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        limit: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, Conversation]] = OrderedDict()
        self._owned: Counter[str] = Counter()

    @property
    def sure(self) -> bool:
        return True

    async def get(self, identifier: str | None) -> Conversation | None:
        self._forget_expired()
        found = self._kept.get(identifier) if identifier else None
        if found is None:
            return None
        self._kept[found[1].id] = (self._clock(), found[1])
        self._kept.move_to_end(found[1].id)
        return found[1]

    def create(self, owner: str = "") -> Conversation:
        self._forget_expired()
        conversation = Conversation(new_identifier(), owner=owner)
        self.keep(conversation)
        return conversation

    def keep(self, conversation: Conversation) -> None:
        """Keep a conversation made elsewhere."""
        self._drop(conversation.id)
        self._kept[conversation.id] = (self._clock(), conversation)
        self._owned[_owner(conversation)] += 1
        while len(self._kept) > self._limit:
            most = max(self._owned.values())
            self._drop(next(i for i, (_, kept) in self._kept.items() if self._owned[_owner(kept)] == most))

    @asynccontextmanager
    async def turn(self, conversation: Conversation) -> AsyncIterator[Conversation]:
        async with conversation.lock:
            yield conversation

    async def drop(self, identifier: str | None) -> None:
        self._drop(identifier)

    async def purge(self) -> None:
        self._forget_expired()

    async def count(self) -> int:
        return len(self._kept)

    async def close(self) -> None:
        """Nothing to let go of."""

    def _drop(self, identifier: str | None) -> None:
        found = self._kept.pop(identifier or "", None)
        if found is None:
            return
        owner = _owner(found[1])
        self._owned[owner] -= 1
        if not self._owned[owner]:
            del self._owned[owner]

    def _forget_expired(self) -> None:
        """The oldest use comes first."""
        limit = self._clock() - self._seconds
        while self._kept:
            identifier, (used, _) = next(iter(self._kept.items()))
            if used > limit:
                return
            self._drop(identifier)


def _owner(conversation: Conversation) -> str:
    """Return whom a conversation counts for: itself when nobody knows who opened it."""
    return conversation.owner or conversation.id


def new_reference() -> str:
    """Return a random reference of 96 bits."""
    return secrets.token_hex(12)


def new_identifier() -> str:
    """Return a random conversation id of 192 bits."""
    return secrets.token_urlsafe(24)
