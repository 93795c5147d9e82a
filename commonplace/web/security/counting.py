"""How often something happened of late: a window that slides, as two counts for each key.

In this process that is a look at one entry, from any thread. (The store in memory of `limits` looks through all that it
holds whenever it is asked, some of it on threads: thirty wrong passwords made each request of everybody 9 ms slower.)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from limits import RateLimitItem
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string

PATIENCE_SECONDS = 1.0
"""So long Redis is waited for."""
FEW = 1_000
"""So many keys are never too many to keep."""


class _Window(msgspec.Struct):
    start: float
    seconds: float
    before: int = 0
    count: int = 0

    def slide(self, now: float) -> None:
        """As it is now. What happened in the window before counts for as much of it as is still in sight."""
        passed = int((now - self.start) / self.seconds)
        if passed > 0:
            self.before, self.count = (self.count if passed == 1 else 0), 0
            self.start = now if passed > 1 else self.start + self.seconds

    def left(self, now: float) -> float:
        return 1 - (now - self.start) / self.seconds


class Counts:
    """Of one process. Each key's first window begins when it is first counted."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[tuple[str, ...], _Window] = {}
        self._most = FEW

    def hit(self, rate: RateLimitItem, *key: str) -> float:
        """Count it and return 0; or, where that is too often, return the seconds to wait and count nothing."""
        now, most = self._clock(), rate.amount
        with self._lock:
            window = self._windows.get(key) or self._new(key, now, rate.get_expiry())
            window.slide(now)
            left = window.left(now)
            if window.count >= most:
                return left * window.seconds
            if window.before * left + window.count >= most:
                return (left - (most - window.count) / window.before) * window.seconds
            window.count += 1
            return 0

    def clear(self, *key: str) -> None:
        with self._lock:
            self._windows.pop(key, None)

    def __len__(self) -> int:
        return len(self._windows)

    def _new(self, key: tuple[str, ...], now: float, seconds: float) -> _Window:
        if len(self._windows) >= self._most:
            self._windows = {it: one for it, one in self._windows.items() if now - one.start < 2 * one.seconds}
            self._most = max(FEW, 2 * len(self._windows))
        self._windows[key] = made = _Window(now, seconds)
        return made


class NotShared(Exception):
    """Redis does not answer, or not as it should."""


class SharedCounts:
    """In Redis, for several servers. All raise `NotShared`."""

    def __init__(self, uri: str) -> None:
        from redis.asyncio import ConnectionPool

        patience = {"socket_timeout": PATIENCE_SECONDS, "socket_connect_timeout": PATIENCE_SECONDS}
        self._pool: Any = ConnectionPool.from_url(uri, **patience)
        told: dict[str, Any] = {"implementation": "redispy", "wrap_exceptions": True, "connection_pool": self._pool}
        self._limiter = SlidingWindowCounterRateLimiter(storage_from_string(f"async+{uri}", **told))

    async def hit(self, rate: RateLimitItem, *key: str) -> float:
        with _translated():
            return await self._hit(rate, *key)

    async def clear(self, rate: RateLimitItem, *key: str) -> None:
        with _translated():
            await self._limiter.clear(rate, *key)

    async def close(self) -> None:
        await self._pool.aclose()

    async def _hit(self, rate: RateLimitItem, *key: str) -> float:
        if await self._limiter.hit(rate, *key):
            return 0
        stats = await self._limiter.get_window_stats(rate, *key)
        return max(1.0, stats.reset_time - time.time())


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (StorageError, OSError) as error:
        raise NotShared from error
