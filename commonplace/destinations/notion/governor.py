"""One budget per token, shared by everything in this process that uses the token.

Notion counts requests in fixed windows of 60 seconds, but does not say when they begin. So no span of 60 seconds,
wherever it begins, gets more than the budget: a request may start one window after the latest moment at which the one
`budget` requests before it can have been counted. That is the same rate, lets bursts happen, and cannot be refused.
When a request was counted is known from its answer: before it, and before it by nearly the time that the quickest
answer ever took.

A refusal pauses the whole token for as long as Notion says. If we had watched the refused window from its start, what
got through in it is the real budget (a smaller plan, other users of the token): it is kept to for ten windows, then
carefully raised again.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

from commonplace.errors import Retryable

WINDOWS_BEFORE_RAISING = 10
RAISE_PER_WINDOW = 1.1
ANSWERS_BEFORE_TRUST, HANDLING_SHARE = 10, 0.8
FEWEST_IN_FLIGHT, MOST_IN_FLIGHT = 12, 32
ROOM_TO_CATCH_UP = 3.0


class Stopped(Retryable):
    """The run ends because of another document or a person; this one is for the next run."""


class Clock:
    """Time as the governor and the client live it; tests and benchmarks have their own."""

    def now(self) -> float:
        return time.monotonic()

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait to be notified, for this long at most."""
        condition.wait(seconds)


SYSTEM_CLOCK = Clock()


class Governor:
    """Lets requests through, one `turn` each."""

    def __init__(self, budget: int, *, window_seconds: float = 60.0, clock: Clock = SYSTEM_CLOCK) -> None:
        self.budget = budget
        self.window_seconds = window_seconds
        self.latency_seconds = 0.0
        self._clock = clock
        self._condition = threading.Condition()
        self._counted: deque[float] = deque()
        self._answers = 0
        self._quickest = math.inf
        self._in_flight = 0
        self._paused_until = self._born = clock.now()
        self._learned: tuple[int, float] | None = None
        self._keys: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def turn(self, stop: threading.Event | None = None) -> Iterator[None]:
        """Held for one request, from before it is sent until its answer is here. Stopped if it is not to be sent."""
        with self._condition:
            while (seconds := self._seconds_to_wait()) is None or seconds > 0:
                if stop is not None and stop.is_set():
                    raise Stopped("The run was stopped before this was sent.")
                self._clock.wait(self._condition, seconds)
            self._in_flight += 1
            started = self._clock.now()
        try:
            yield
        finally:
            with self._condition:
                self._in_flight -= 1
                latency = self._clock.now() - started
                self._answers += 1
                self._quickest = min(self._quickest, latency)
                handling = HANDLING_SHARE * self._quickest if self._answers > ANSWERS_BEFORE_TRUST else 0.0
                self._counted.append(self._clock.now() - handling)
                self.latency_seconds += (latency - self.latency_seconds) * (0.2 if self.latency_seconds else 1.0)
                self._condition.notify_all()

    def rest(self, seconds: float, stop: threading.Event) -> None:
        """Let time pass, unless the run is stopped."""
        until = self._clock.now() + seconds
        with self._condition:
            while not stop.is_set() and (left := until - self._clock.now()) > 0:
                self._clock.wait(self._condition, left)
        if stop.is_set():
            raise Stopped("The run was stopped while it waited.")

    def wake(self) -> None:
        """Whoever waits looks whether to stop."""
        with self._condition:
            self._condition.notify_all()

    def refused(self, retry_after: float, *, is_budget: bool = True) -> None:
        """The request of this turn was turned away: everybody waits; `is_budget`: there is something to learn."""
        with self._condition:
            now = self._clock.now()
            window_began = min(now, now + retry_after - self.window_seconds)
            if is_budget and now >= self._paused_until and self._born <= window_began:
                passed = sum(moment >= window_began for moment in self._counted)
                self._learned = max(1, min(self.limit(now), passed)), now + retry_after
            self._paused_until = max(self._paused_until, now + retry_after)
            self._condition.notify_all()

    def limit(self, now: float | None = None) -> int:
        """How many requests a window may have at present."""
        if self._learned is None:
            return self.budget
        learned, since = self._learned
        windows = ((self._clock.now() if now is None else now) - since) // self.window_seconds - WINDOWS_BEFORE_RAISING
        if windows <= 0:
            return min(self.budget, learned)
        raised: float = learned * RAISE_PER_WINDOW ** min(windows, 100.0)
        return min(self.budget, math.ceil(raised))

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """One writer per page (or conversation) at a time: Notion answers parallel ones with conflicts."""
        with self._condition:
            lock, users = self._keys.get(key, (threading.Lock(), 0))
            self._keys[key] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._condition:
                lock, users = self._keys.pop(key)
                if users > 1:
                    self._keys[key] = lock, users - 1

    def seconds_for(self, requests: int) -> float:
        """The least time that so many requests take from a fresh window."""
        if requests <= 0:
            return 0.0
        return (math.ceil(requests / self.limit()) - 1) * self.window_seconds + (self.latency_seconds or 1.0)

    def _seconds_to_wait(self) -> float | None:
        """0 or less: go; None: until another request is answered."""
        now = self._clock.now()
        if now < self._paused_until:
            return self._paused_until - now
        while self._counted and self._counted[0] + self.window_seconds <= now:
            self._counted.popleft()
        limit = self.limit(now)
        if self._in_flight >= self._useful_in_flight(limit):
            return None
        excess = len(self._counted) + self._in_flight - limit
        if excess < 0:
            return 0.0
        if excess >= len(self._counted):
            return None
        return self._counted[excess] + self.window_seconds - now

    def _useful_in_flight(self, limit: int) -> int:
        """Rate times latency, with room to catch up after a pause; more would only burden Notion."""
        needed = math.ceil(ROOM_TO_CATCH_UP * self.latency_seconds * limit / self.window_seconds)
        return max(FEWEST_IN_FLIGHT, min(MOST_IN_FLIGHT, needed))


_governors: dict[bytes, Governor] = {}
_governors_lock = threading.Lock()


def governor_for(
    token: str, base_url: str, budget: int, window_seconds: float, clock: Clock = SYSTEM_CLOCK
) -> Governor:
    """This process's governor of a token; the newest settings hold for everybody."""
    key = blake2b(f"{base_url}\n{token}".encode(), digest_size=16).digest()
    with _governors_lock:
        governor = _governors.get(key)
        if governor is None:
            governor = _governors[key] = Governor(budget, window_seconds=window_seconds, clock=clock)
        governor.budget, governor.window_seconds = budget, window_seconds
        return governor
