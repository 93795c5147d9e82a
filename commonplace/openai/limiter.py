"""One governor per key: as fast as the service's limits allow and not faster, whoever asks from which thread.

Two buckets, requests and tokens, fill evenly over the window, so the service sees a steady stream and never a burst.
Where its answers name the limits and what is left of them, the buckets follow; where it says when to come back, all
wait. Services limit some models apart from others: models whose answers name the same limits share two buckets, others
get their own.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping

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
        self.limit = limit * share if limit else None
        self.named: float | None = None
        """The limit as the service named it."""
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
            self.named = limit
            self.limit = limit * self._share
        if remaining is not None and self.limit is not None:
            self._level = min(self._level, remaining * self._share - self.outstanding + age * self._rate)


class _Pace:
    """What some models may use together: two buckets, and a queue in front of them."""

    def __init__(
        self, requests: float | None, tokens: float | None, window_seconds: float, share: float, moment: float
    ) -> None:
        self.requests = _Bucket(requests, window_seconds, share)
        self.tokens = _Bucket(tokens, window_seconds, share)
        self._filled_at = moment
        # One waits on the buckets, the others on it: a large request is not overtaken for ever by small ones.
        self.turnstile = threading.Lock()

    def fits(self, requests: float | None, tokens: float | None) -> bool:
        """Whether limits that an answer names are those of this pace, or may become them."""
        pairs = ((self.requests.named, requests), (self.tokens.named, tokens))
        return all(None in pair or pair[0] == pair[1] for pair in pairs)

    def fill(self, moment: float) -> None:
        for bucket in (self.requests, self.tokens):
            bucket.fill(moment - self._filled_at)
        self._filled_at = moment

    def wait_for(self, tokens: float) -> float:
        return max(self.requests.wait_for(1), self.tokens.wait_for(tokens))

    def take(self, tokens: float) -> None:
        self.requests.take(1)
        self.tokens.take(tokens)


class Turn:
    """A request that was let through."""

    def __init__(self, governor: Governor, pace: _Pace, model: str, tokens: float) -> None:
        self._governor, self._pace, self._model, self._tokens = governor, pace, model, tokens
        self._began_at = governor.clock()

    def learn(self, headers: Mapping[str, str]) -> None:
        """Adopt the limits that its answer names."""
        self._governor.learn(headers, self._governor.clock() - self._began_at, self._model)

    def settle(self, used: float | None = None) -> None:
        """It is over, and took so many tokens; None: as many as were reckoned with."""
        self._governor.settle(self._pace, self._tokens, self._tokens if used is None else used)


class Governor:
    """Lets requests through at the pace a service allows. Thread-safe; shared by everybody who asks with one key.

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
        self.clock = clock
        self._window, self._share = window_seconds, 1 / processes
        self._paces = [_Pace(requests, tokens, window_seconds, self._share, clock())]
        self._pace_of: dict[str, _Pace] = {}
        self._blocked_until = 0.0
        self._lock = threading.Lock()

    def acquire(self, tokens: float, stop: threading.Event, model: str = "") -> Turn | None:
        """Wait until a request of so many tokens may go out. None: `stop` was set meanwhile, and it may not."""
        pace = self._pace_of.get(model, self._paces[0])
        with pace.turnstile:
            while not stop.is_set():
                wait = self._take(pace, tokens)
                if wait <= 0:
                    return Turn(self, pace, model, tokens)
                stop.wait(min(wait, LONGEST_NAP))
        return None

    def settle(self, pace: _Pace, reserved: float, actual: float) -> None:
        """A request is over; it took `actual` tokens."""
        with self._lock:
            pace.requests.settle(1, 1)
            pace.tokens.settle(reserved, actual)

    def learn(self, headers: Mapping[str, str], age: float, model: str = "") -> None:
        """Adopt the limits that an answer names. `age`: seconds since its request was sent."""
        requests, tokens = (_number(headers.get(f"x-ratelimit-limit-{name}")) for name in ("requests", "tokens"))
        with self._lock:
            pace = self._pace_of[model] = self._pace_with(model, requests, tokens)
            pace.fill(self.clock())
            pace.requests.learn(requests, _number(headers.get("x-ratelimit-remaining-requests")), age)
            pace.tokens.learn(tokens, _number(headers.get("x-ratelimit-remaining-tokens")), age)

    def pause(self, seconds: float) -> None:
        """Nobody sends anything for so long."""
        with self._lock:
            self._blocked_until = max(self._blocked_until, self.clock() + seconds)

    def _pace_with(self, model: str, requests: float | None, tokens: float | None) -> _Pace:
        for pace in (self._pace_of.get(model, self._paces[0]), *self._paces):
            if pace.fits(requests, tokens):
                return pace
        self._paces.append(_Pace(requests, tokens, self._window, self._share, self.clock()))
        return self._paces[-1]

    def _take(self, pace: _Pace, tokens: float) -> float:
        with self._lock:
            moment = self.clock()
            pace.fill(moment)
            wait = max(self._blocked_until - moment, pace.wait_for(tokens))
            if wait > ROUNDING:
                return wait
            pace.take(tokens)
            return 0.0


_governors: dict[str, Governor] = {}
_opening = threading.Lock()


def governor_of(account: str, requests: float | None, tokens: float | None, *, processes: int = 1) -> Governor:
    """The one governor of an account in this process, however many clients come and go."""
    with _opening:
        if account not in _governors:
            _governors[account] = Governor(requests, tokens, processes=processes)
        return _governors[account]


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
