"""One turn seen from the web: tidy the words, ask the engine, mask, remember. The page and the API share it."""

from __future__ import annotations

import asyncio
import hashlib
import time
import unicodedata
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from bot.dialogue.wording import EMPTY
from bot.language.cleaning import MAX_CHARACTERS, Script, abridged, clean
from bot.referential.hours import PARIS
from bot.serving.engine import Answer, Engine, EngineError
from bot.serving.observer import Observer, Observers, answer_id, turn_event
from bot.serving.refusals import Refusal
from bot.serving.sessions import Conversation, Exchange, Sessions
from bot.serving.view import ReplyView, reply_view, runs
from bot.staff.inbox.events import REASONS, FeedbackEvent, TurnEvent

if TYPE_CHECKING:
    from bot.dialogue.dialogue import ConversationState

T = TypeVar("T")
MAX_READ = 20_000
"""Characters handed to the engine, of a longer message its beginning and its end: emergencies are looked for in all of them, the rest
of the flow stops earlier."""
LONG = "Votre message est long : j'ai lu le début et la fin."
DOWN = "Je ne peux pas répondre pour le moment. Votre texte est gardé : essayez à nouveau dans un moment."
STALE_VOTE = "Cet avis ne correspond plus à une réponse de votre conversation."
UNKNOWN_REASON = "Cette raison n'est pas dans la liste."
MAX_COMMENT = 1_000
SHORT = 500
"""Characters read within the server's loop, under a millisecond; a longer text is tidied and masked in a thread."""
REOPENING = frozenset({"mauvaise_porte", "pas_compris"})
"""Reasons of a thumbs-down after which the next doors are offered."""
NOT_THAT_DOOR = "Non, ce n'est pas la bonne porte"
TOLD = 1_000
"""Answers that this process remembers having told the observer."""
STALE_CHOICE = "Ce bouton n'est plus valable. Écrivez votre demande avec vos mots."


class Chat:
    """Conducts the conversations of all visitors.

    Args:
        engine: answers.
        sessions: remembers.
        observer: told of each answered exchange.
        clock: the time of day in France, to tell whether a desk is open.
    """

    def __init__(
        self,
        engine: Engine,
        sessions: Sessions,
        observer: Observer | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(PARIS),
    ) -> None:
        self.clock = clock
        self.engine = engine
        self.sessions = sessions
        self.observer = Observers([observer] if observer is not None else [])
        self._told: deque[str] = deque(maxlen=TOLD)

    async def say(
        self, text: str, conversation: Conversation | None, send: str, channel: str = "page", owner: str = ""
    ) -> tuple[Conversation, Exchange]:
        """Answer a typed message; a conversation is opened only now, when there is something to answer.

        Args:
            text: any string.
            conversation: the one going on, or ``None``.
            send: identifies this send, so that sending twice is answered once; may be empty.
            channel: where the person is ("page", "api", "widget"…).
            owner: who opens a conversation, hashed: see :class:`bot.serving.sessions.MemorySessions`.

        Raises:
            Refusal: nothing was written, or no engine answers.
        """
        words = await _apart(text, _tidied)
        if not words:
            raise Refusal(422, EMPTY)
        return await self._exchange(words, conversation, send, lambda state: self.engine.reply(words, state), channel, owner)

    async def press(
        self, choice: str, conversation: Conversation | None, send: str, channel: str = "page", owner: str = ""
    ) -> tuple[Conversation, Exchange]:
        """Answer a button; only those offered to this very conversation are known.

        Raises:
            Refusal: the button was never offered here, or no engine answers.
        """
        label = conversation.offered.get(choice) if conversation else None
        if label is None:
            raise Refusal(409, STALE_CHOICE)
        return await self._exchange(label, conversation, send, lambda state: self.engine.choose(choice, state), channel, owner, True)

    async def vote(
        self,
        conversation: Conversation | None,
        answer: str,
        helpful: bool,
        reason: str = "",
        comment: str = "",
        channel: str = "page",
        owner: str = "",
    ) -> Exchange | None:
        """Take a vote on an answer of this very conversation; the observer is told, personal data masked.

        A danger told in the comment is answered as a message is. When the last door is said to be wrong, the next ones are
        offered. Either exchange is returned.

        One vote an answer: those that follow change nothing.

        Args:
            conversation: the one going on, or ``None``.
            answer: id of the answer.
            helpful: thumbs up or down.
            reason: a key of :data:`bot.staff.inbox.events.REASONS`, or empty.
            comment: free words, or empty.
            channel: where the person is.
            owner: as for :meth:`say`.

        Raises:
            Refusal: the answer is not one of this conversation, or the reason is unknown.
        """
        from bot.language.privacy import mask

        if conversation is None or conversation.answer(answer) is None:
            raise Refusal(409, STALE_VOTE)
        if reason and reason not in REASONS:
            raise Refusal(422, UNKNOWN_REASON)
        told = await _apart(comment, tidy)
        urgent = told if told and await self.engine.urgent(told) is not None else ""
        words = await _apart(told[:MAX_COMMENT], mask)
        async with self.sessions.turn(conversation) as conversation:
            exchange = conversation.answer(answer)
            if exchange is None:
                raise Refusal(409, STALE_VOTE)
            last = conversation.exchanges[-1].id == answer
            if not exchange.voted:
                conversation.exchanges = [replace(e, voted=True) if e.id == answer else e for e in conversation.exchanges]
        if not exchange.voted:
            self.observer.feedback(FeedbackEvent(answer, time.time(), helpful, reason or None, words or None, exchange.event))
        if urgent:
            return (await self.say(urgent, conversation, "", channel, owner))[1]
        if helpful or exchange.voted or not last or reason not in REOPENING:
            return None
        try:
            again = self._exchange(NOT_THAT_DOOR, conversation, "", self._reopen, channel, owner, True)
            return (await again)[1]
        except Refusal:  # the vote is taken, whatever happens to what follows
            return None

    async def _reopen(self, state: ConversationState | None) -> Answer:
        from bot.dialogue.dialogue import WRONG_DOOR

        return await self.engine.choose(WRONG_DOOR, state)

    async def _exchange(
        self,
        words: str,
        conversation: Conversation | None,
        send: str,
        ask: Callable[[ConversationState | None], Awaitable[Answer]],
        channel: str,
        owner: str,
        pressed: bool = False,
    ) -> tuple[Conversation, Exchange]:
        conversation = conversation or self.sessions.create(owner)
        key = _send_key(send, words)
        async with self.sessions.turn(conversation) as conversation:
            if key in conversation.sends:
                exchange = conversation.sends[key]
                if exchange.event is not None and exchange.id not in self._told:
                    self._tell(exchange.event)  # the process that answered may have died before it told; an id counts once
                return conversation, exchange
            started = time.perf_counter()
            try:
                answer = await ask(conversation.state)
            except EngineError as error:
                if not conversation.exchanges:
                    await self.sessions.drop(conversation.id)
                raise Refusal(503, DOWN, {"Retry-After": "30"}) from error
            exchange = await _apart(words, lambda said: _exchange_of(said, answer, self.clock(), self.engine.facts.in_danger))
            event = turn_event(
                exchange.id,
                exchange.said,
                answer,
                reference=conversation.reference,
                pressed=pressed,
                channel=channel,
                seconds=time.perf_counter() - started,
            )
            exchange = replace(exchange, event=event)
            conversation.state, conversation.engine = await _masked_state(answer), answer.engine
            conversation.remember(exchange, key)
        self._tell(event)
        return conversation, exchange

    def _tell(self, event: TurnEvent) -> None:
        self._told.append(event.id)
        self.observer.turn(event)


def tidy(text: str) -> str:
    """Return what was typed, safe to show and to encode: no control character, no half character."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if len(text) > MAX_READ:
        text = f"{text[: MAX_READ // 2]}\n\n{text[-MAX_READ // 2 + 2 :]}"
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c if c == "\n" or unicodedata.category(c) not in {"Cc", "Cs"} else " " for c in text).strip()


async def _apart(text: str, work: Callable[[str], T]) -> T:
    """Return what ``work`` makes of a text, in a thread when it is long: nobody else waits for it."""
    return await asyncio.to_thread(work, text) if len(text) > SHORT else work(text)


def _tidied(text: str) -> str:
    """Return what was typed, tidy, or "" when it says nothing."""
    words = tidy(text)
    return "" if clean(words).script is Script.EMPTY else words


def _exchange_of(words: str, answer: Answer, now: datetime, in_danger: str) -> Exchange:
    from bot.language.privacy import mask  # phone number tables: not before the server listens

    shown = abridged(words)
    masked = mask(shown)
    reply: ReplyView = reply_view(answer.reply, now)
    if len(words) > MAX_CHARACTERS:
        reply["phrases"] = [runs(LONG), *map(runs, filter(None, (in_danger,))), *reply["phrases"]]
    return Exchange(masked, reply, masked != shown, answer_id())


async def _masked_state(answer: Answer) -> ConversationState | None:
    from bot.language.privacy import mask

    state = answer.state
    return replace(state, pending=await _apart(state.pending, mask)) if state is not None and state.pending else state


def _send_key(send: str, words: str) -> str:
    return hashlib.blake2b(f"{send}\0{words}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest() if send else ""
