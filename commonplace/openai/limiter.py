"""One governor per service: as fast as its limits allow and not faster, whoever asks from which thread.

Two buckets, requests and tokens, fill evenly over the window, so the service sees a steady stream and never a burst.
Where its answers name the limits and what is left of them, the buckets follow; where it says when to come back, all
wait.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache

HEADROOM = 0.98
"""The share of a limit that is used: clocks differ, and a refused request counts too."""
BURST = 1 / 100
"""How much of a window may be saved up while idle."""
SLACK_SECONDS = 0.25
"""A thread that wakes up late finds what refilled meanwhile, up to so much more."""
LONGEST_NAP = 0.25
"""Waiting threads look up this often, to see a pause or a stop."""
ROUNDING = 1e-6
"""A wait shorter than this is no wait but arithmetic."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class _Bucket:
    """An allowance that grows with time. A large expense may overdraw it once it is full."""

    def __init__(self, limit: float | None, window_seconds: float, share: float) -> None:
        self._window = window_seconds
        self._share = share
        self.limit = limit * share if limit else limit
        self.outstanding = 0.0
        self._level = self._capacity

    @property
    def _capacity(self) -> float:
        return max(1.0, (self.limit or 0) * BURST)

    @property
    def _rate(self) -> float:
        return (self.limit or 0) * HEADROOM / self._window

    def fill(self, seconds: float) -> None:
        ceiling = self._capacity + SLACK_SECONDS * self._rate
        self._level = min(ceiling, self._level + seconds * self._rate)

    def wait_for(self, cost: float) -> float:
        """Seconds until the expense is allowed."""
        if self.limit is None:
            return 0.0
        return max(0.0, (min(cost, self._capacity) - self._level) / self._rate)

    def take(self, cost: float) -> None:
        self._level -= cost
        self.outstanding += cost

    def settle(self, reserved: float, actual: float) -> None:
        self.outstanding -= reserved
        self._level += reserved - actual

    def learn(self, limit: float | None, remaining: float | None, age: float) -> None:
        """The service's own numbers, as they were when it saw the request, `age` seconds ago.

        What is under way was sent since then, and what refilled since then is not in them either.
        """
        if limit:
            self.limit = limit * self._share
        if remaining is not None and self.limit is not None:
            self._level = min(self._level, remaining * self._share - self.outstanding + age * self._rate)


class Governor:
    """Lets requests through at the pace a service allows. Thread-safe; shared by every judge of one service.

    `requests` and `tokens` are the limits per window to start from; None is no limit until the service names one.
    `processes` as many as this share them evenly.
    """

    def __init__(
        self,
        requests: float | None = None,
        tokens: float | None = None,
        *,
        processes: int = 1,
        window_seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._requests = _Bucket(requests, window_seconds, 1 / processes)
        self._tokens = _Bucket(tokens, window_seconds, 1 / processes)
        self._filled_at = clock()
        self._blocked_until = 0.0
        self._lock = threading.Lock()
        # One waits on the buckets, the others on it: a large request is not overtaken for ever by small ones.
        self._turnstile = threading.Lock()

    def acquire(self, tokens: float, stop: threading.Event) -> bool:
        """Wait until a request of so many tokens may go out. False: `stop` was set meanwhile, and it may not."""
        with self._turnstile:
            while not stop.is_set():
                wait = self._take(tokens)
                if wait <= 0:
                    return True
                stop.wait(min(wait, LONGEST_NAP))
        return False

    def settle(self, reserved: float, actual: float) -> None:
        """The request is over; it took `actual` tokens."""
        with self._lock:
            self._requests.settle(1, 1)
            self._tokens.settle(reserved, actual)

    def learn(self, headers: Mapping[str, str], age: float) -> None:
        """Adopt the limits that an answer names. `age`: seconds since its request was sent."""
        with self._lock:
            self._fill()
            for name, bucket in (("requests", self._requests), ("tokens", self._tokens)):
                bucket.learn(
                    _number(headers.get(f"x-ratelimit-limit-{name}")),
                    _number(headers.get(f"x-ratelimit-remaining-{name}")),
                    age,
                )

    def pause(self, seconds: float) -> None:
        """Nobody sends anything for so long."""
        with self._lock:
            self._blocked_until = max(self._blocked_until, self._clock() + seconds)

    def _take(self, tokens: float) -> float:
        with self._lock:
            self._fill()
            wait = max(self._blocked_until - self._filled_at, self._requests.wait_for(1), self._tokens.wait_for(tokens))
            if wait > ROUNDING:
                return wait
            self._requests.take(1)
            self._tokens.take(tokens)
            return 0.0

    def _fill(self) -> None:
        moment = self._clock()
        for bucket in (self._requests, self._tokens):
            bucket.fill(moment - self._filled_at)
        self._filled_at = moment


@cache
def shared_governor(service: str, requests: float | None, tokens: float | None) -> Governor:
    """One governor per account and model in this process, however many judges come and go."""
    return Governor(requests, tokens)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def seconds_of(text: str | None) -> float | None:
    """A duration as headers write it: `1.5`, `250ms`, `1s`, `6m0s`."""
    if not text:
        return None
    plain = _number(text)
    if plain is not None:
        return plain
    parts = _DURATION.findall(text)
    return sum(float(count) * _SECONDS[unit] for count, unit in parts) if parts else None
