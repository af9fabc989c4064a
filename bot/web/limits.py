"""How many messages one address may send; addresses are only kept hashed with a salt that dies with the process."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
import time

from aiohttp import web
from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from bot.settings import Settings


class RateLimiter:
    """Counts messages by address, over a minute and over an hour.

    Args:
        settings: the two limits, and how many proxies stand in front.
    """

    def __init__(self, settings: Settings) -> None:
        self._proxies = settings.proxies
        self._salt = secrets.token_bytes(16)
        self._items = [
            *([RateLimitItemPerMinute(settings.per_minute)] if settings.per_minute else []),
            *([RateLimitItemPerHour(settings.per_hour)] if settings.per_hour else []),
        ]
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def seconds_to_wait(self, request: web.Request) -> int:
        """Count one message; return 0, or the seconds to wait when it is one too many."""
        key = self._key(request)
        for item in self._items:
            if not self._limiter.hit(item, key):
                reset = self._limiter.get_window_stats(item, key).reset_time - time.time()
                return max(1, min(item.get_expiry(), math.ceil(reset)))
        return 0

    def _key(self, request: web.Request) -> str:
        address = client_address(request.remote, request.headers.getall("X-Forwarded-For", []), self._proxies)
        return hashlib.blake2b(address.encode(), key=self._salt, digest_size=12).hexdigest()


def client_address(peer: str | None, forwarded: list[str], proxies: int) -> str:
    """Return the address to count: the peer, or the one our outermost proxy saw. IPv6 counts by /64 network.

    Args:
        peer: the other end of the connection.
        forwarded: values of ``X-Forwarded-For``.
        proxies: how many proxies of ours stand in front; what lies left of them may be forged.
    """
    chain = [part.strip() for value in forwarded for part in value.split(",") if part.strip()]
    address = chain[-min(proxies, len(chain))] if proxies and chain else peer or "?"
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)
