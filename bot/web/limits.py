"""How many messages one address may send; addresses are only kept hashed with a salt that dies with the process."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import math
import re
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakValueDictionary

from aiohttp import web
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from bot.base.settings import Settings
from bot.serving.shared import PREFIX, SharedDown, SharedStore

SALT = f"{PREFIX}sel"
SALT_SECONDS = 86_400


@dataclass(frozen=True)
class Allowance:
    """The limit of one caller that is known by a key.

    Args:
        name: what it is counted under.
        per_minute: messages allowed; 0 for no limit.
    """

    name: str
    per_minute: int

    def items(self) -> list[RateLimitItem]:
        return [RateLimitItemPerMinute(self.per_minute)] if self.per_minute else []


class Turns:
    """One turn at a time for each caller; whoever waits for nobody is forgotten."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def hold(self, caller: str) -> AsyncIterator[None]:
        """Wait for the caller's turn, and keep it to the end of the block."""
        lock = self._locks.setdefault(caller, asyncio.Lock())
        async with lock:
            yield


class RateLimiter:
    """Counts messages by address, over a minute and over an hour; over all processes when they share a Redis.

    Args:
        settings: the two limits, and how many proxies stand in front.
        shared: the Redis of all processes, or ``None``; while it is away each process counts alone.
    """

    def __init__(self, settings: Settings, shared: SharedStore | None = None) -> None:
        self._proxies = settings.proxies
        self._salt = secrets.token_bytes(16)
        self._items: list[RateLimitItem] = [
            *([RateLimitItemPerMinute(settings.per_minute)] if settings.per_minute else []),
            *([RateLimitItemPerHour(settings.per_hour)] if settings.per_hour else []),
        ]
        self.turns, self.bodies = Turns(), Turns()
        self._shared = shared
        self._alone = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._together = (
            SlidingWindowCounterRateLimiter(
                RedisStorage(shared.url, key_prefix=f"{PREFIX}debit", socket_timeout=1.0, socket_connect_timeout=1.0)
            )
            if shared
            else None
        )

    async def seconds_to_wait(self, request: web.Request, allowance: Allowance | None = None, cost: int = 1) -> int:
        """Count messages; return 0, or the seconds to wait when there are too many.

        Args:
            request: tells the address.
            allowance: counted instead of the address, when the caller has one of its own.
            cost: how many messages to count; more than a limit allows takes all of it but the one that was counted before.
        """
        address = self._address(request)
        items = self._items if allowance is None else allowance.items()

        def key(salt: bytes) -> str:
            return _hashed(address, salt) if allowance is None else allowance.name

        if self._shared is not None and self._together is not None:
            together = self._together
            try:
                name = key(await self._salt_of_all(self._shared))
                return await self._shared.ask(lambda: asyncio.to_thread(_count, together, items, name, cost))
            except SharedDown:
                pass
        return _count(self._alone, items, key(self._salt), cost)

    def caller(self, request: web.Request, allowance: Allowance | None = None) -> str:
        """Return what tells this caller from the others within this process: its key, or its hashed address."""
        return allowance.name if allowance is not None else _hashed(self._address(request), self._salt)

    def _address(self, request: web.Request) -> str:
        return client_address(request.remote, request.headers.getall("X-Forwarded-For", []), self._proxies)

    async def _salt_of_all(self, shared: SharedStore) -> bytes:
        """Return the salt that all processes hash addresses with; it is renewed every day."""

        async def agree() -> str:
            await shared.client.set(SALT, secrets.token_hex(16), nx=True, ex=SALT_SECONDS)
            return str(await shared.client.get(SALT))

        return bytes.fromhex(await shared.ask(agree))


def _count(limiter: SlidingWindowCounterRateLimiter, items: Sequence[RateLimitItem], key: str, cost: int) -> int:
    for item in items:
        if not limiter.hit(item, key, cost=min(cost, max(1, item.amount - 1))):
            reset = limiter.get_window_stats(item, key).reset_time - time.time()
            return max(1, min(item.get_expiry(), math.ceil(reset)))
    return 0


def _hashed(address: str, salt: bytes) -> str:
    return hashlib.blake2b(address.encode("utf-8", "surrogateescape"), key=salt, digest_size=12).hexdigest()


_PORTED = re.compile(r"\[([^\]]+)\](?::\d{1,5})?|(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}")
"""An address as some proxies write it, with the port."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses seen through a gateway; source: RFC 6052."""


def client_address(peer: str | None, forwarded: list[str], proxies: int) -> str:
    """Return the address to count: the peer, or the one our outermost proxy saw, without its port. IPv6 counts by /64
    network; an IPv4 address written or carried in IPv6 counts as itself.

    Args:
        peer: the other end of the connection.
        forwarded: values of ``X-Forwarded-For``.
        proxies: how many proxies of ours stand in front; what lies left of them may be forged.
    """
    chain = [part.strip() for value in forwarded for part in value.split(",") if part.strip()]
    address = chain[-min(proxies, len(chain))] if proxies and chain else peer or "?"
    if (ported := _PORTED.fullmatch(address)) is not None:
        address = ported.group(1) or ported.group(2)
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    if parsed in _NAT64:
        return str(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF))
    return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
