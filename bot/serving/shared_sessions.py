"""Conversations shared by several processes through Redis; each process keeps its own recent ones for when Redis is away."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from typing import Any

from bot.serving.sessions import Conversation, MemorySessions, exchange_from_mapping, new_identifier, new_reference
from bot.serving.shared import PREFIX, SharedDown, SharedStore

LOCK_SECONDS = 30.0
"""Life of a lock whose process died: longer than any turn."""
WAIT_SECONDS = 25.0


class SharedSessions:
    """Conversations in Redis, where they expire by themselves.

    Args:
        store: Redis.
        local: conversations of this process; the newest of both copies is used, so that a thread survives Redis.
        seconds: life after the last use.
    """

    def __init__(self, store: SharedStore, local: MemorySessions, seconds: float) -> None:
        self._store = store
        self._local = local
        self._seconds = max(1, int(seconds))

    @property
    def sure(self) -> bool:
        return not self._store.away

    async def get(self, identifier: str | None) -> Conversation | None:
        if not identifier or not _is_ours(identifier):
            return None
        local = await self._local.get(identifier)
        try:
            text = await self._store.ask(lambda: self._store.client.getex(_key(identifier), ex=self._seconds))
        except SharedDown:
            return local
        shared = _read(text)
        if shared is None:
            return local if local is not None and local.unsaved else None
        return local if local is not None and local.turns > shared.turns else self._adopt(local, shared)

    def create(self, owner: str = "") -> Conversation:
        conversation = Conversation(new_identifier(), owner=owner)
        self._local.keep(conversation)
        return conversation

    @asynccontextmanager
    async def turn(self, conversation: Conversation) -> AsyncIterator[Conversation]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(conversation.lock)
            client = self._store.client
            lock = client.lock(_key(conversation.id, "verrou"), timeout=LOCK_SECONDS, blocking_timeout=WAIT_SECONDS, sleep=0.02)
            try:
                if await self._store.ask(lock.acquire):
                    stack.push_async_callback(self._release, lock)
                conversation = await self.get(conversation.id) or conversation
            except SharedDown:
                pass
            yield conversation
            self._local.keep(conversation)
            await self._write(conversation)

    async def drop(self, identifier: str | None) -> None:
        if not identifier or not _is_ours(identifier):
            return
        await self._local.drop(identifier)
        try:
            await self._store.ask(lambda: self._store.client.delete(_key(identifier)))
        except SharedDown:
            return  # it expires by itself

    async def find(self, reference: str) -> Conversation | None:
        """Return the shared conversation of this reference, without pushing back its end, or ``None``.

        Raises:
            SharedDown: Redis does not answer.
        """

        async def look() -> Conversation | None:
            async for key in self._store.client.scan_iter(match=_key("*"), count=500):
                conversation = _read(await self._store.client.get(key))
                if conversation is not None and conversation.reference == reference:
                    return conversation
            return None

        return await self._store.ask(look)

    async def purge(self) -> None:
        await self._local.purge()

    async def count(self) -> int:
        """Return how many this process keeps."""
        return await self._local.count()

    async def close(self) -> None:
        await self._store.close()

    def _adopt(self, local: Conversation | None, shared: Conversation) -> Conversation:
        """Take the shared copy, with the lock of the local one: turns of this process wait for each other."""
        if local is not None:
            shared.lock, shared.owner = local.lock, local.owner
        self._local.keep(shared)
        return shared

    async def _write(self, conversation: Conversation) -> None:
        text = json.dumps(_as_mapping(conversation), ensure_ascii=False)
        try:
            await self._store.ask(lambda: self._store.client.set(_key(conversation.id), text, ex=self._seconds))
            conversation.unsaved = False
        except SharedDown:
            conversation.unsaved = True

    async def _release(self, lock: Any) -> None:
        try:
            await self._store.ask(lock.release)
        except SharedDown:
            return  # it expires by itself


def _is_ours(identifier: str) -> bool:
    """Whether it may be an id of ours: what else was sent is not worth asking Redis, which takes no broken character."""
    return len(identifier) <= 64 and identifier.isascii()


def _key(identifier: str, kind: str = "conversation") -> str:
    return f"{PREFIX}{kind}:{identifier}"


def _as_mapping(conversation: Conversation) -> dict[str, Any]:
    return {
        "id": conversation.id,
        "reference": conversation.reference,
        "tours": conversation.turns,
        "etat": conversation.state.as_mapping() if conversation.state else None,
        "moteur": conversation.engine,
        "echanges": [asdict(e) for e in conversation.exchanges],
        "boutons": list(conversation.offered.items()),
        "envois": [[key, asdict(e)] for key, e in conversation.sends.items()],
    }


def _read(text: str | None) -> Conversation | None:
    """Build a conversation again; one that another version of the server wrote otherwise is as good as none."""
    from bot.dialogue.dialogue import ConversationState

    try:
        values = json.loads(text or "null")
        if values is None:
            return None
        return Conversation(
            id=values["id"],
            reference=str(values.get("reference") or new_reference()),  # the version before had none
            turns=int(values["tours"]),
            state=ConversationState.from_mapping(values["etat"]) if values["etat"] else None,
            engine=values["moteur"],
            exchanges=[exchange_from_mapping(e) for e in values["echanges"]],
            offered=OrderedDict((str(a), str(b)) for a, b in values["boutons"]),
            sends=OrderedDict((str(key), exchange_from_mapping(e)) for key, e in values["envois"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
