"""What several processes share through Redis: one connection, and a pause after each failure so that nobody waits for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = logging.getLogger("bot.serving.shared")

T = TypeVar("T")
PREFIX = "assistant:"
ANSWER_SECONDS = 1.0
PAUSE_SECONDS = 2.0
"""How long Redis is left alone after a failure: the memory of the process answers meanwhile."""


class SharedDown(Exception):
    """Redis does not answer now: do without it."""


class SharedStore:
    """A Redis that may be away.

    Args:
        url: ``redis://…`` or ``rediss://…``.
        clock: monotonic seconds.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        from redis.asyncio import Redis  # a server alone never imports it
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError, RedisError

        self.url = url
        self.client: Redis[str] = Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 1),  # a connection that Redis closed meanwhile is opened again at once
            retry_on_error=[ConnectionError],
        )
        self._failures = (RedisError, OSError, TimeoutError)
        self._clock = clock
        self._away_until = 0.0
        self._said = False

    @property
    def away(self) -> bool:
        """Whether Redis failed a moment ago."""
        return self._clock() < self._away_until

    async def ask(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run ``work``, which talks to Redis.

        Raises:
            SharedDown: Redis failed now or a moment ago.
        """
        if self.away:
            raise SharedDown
        try:
            result = await work()
        except self._failures as error:
            self.failed(error)
            raise SharedDown from error
        if self._said:
            self._said = False
            log.warning("redis is back", extra={"evenement": "redis_revenu"})
        return result

    def failed(self, error: BaseException) -> None:
        """Note a failure; it is logged once until Redis is back."""
        self._away_until = self._clock() + PAUSE_SECONDS
        if not self._said:
            self._said = True
            log.error("redis is away", extra={"evenement": "redis_absent"}, exc_info=error)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close(close_connection_pool=True)
