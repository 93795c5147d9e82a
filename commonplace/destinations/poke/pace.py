"""How fast Poke is sent to, and whether at all: evenly spaced requests, pauses that it asks for, and a circuit breaker.

After so many failures in a row the circuit opens: nothing is sent, so that a service in trouble is left alone and a run
does not wait for it in vain. After a while one request is let through (half open), and how it ends decides.
"""

from __future__ import annotations

import threading
import time
from hashlib import blake2b

from commonplace.errors import Retryable

CATCH_UP_SECONDS = 1.0
"""Who comes late finds the moments that passed meanwhile, up to so many."""


class CircuitOpen(Retryable):
    """Nothing was sent, because too much failed before."""


class Clock:
    """Time as the pace lives it; tests have their own."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


SYSTEM_CLOCK = Clock()


class Pace:
    """One for each key in this process, shared by all threads."""

    def __init__(self, per_minute: float, *, failures: int, seconds: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self.per_minute, self.failures, self.seconds = per_minute, failures, seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock.now()
        self._failed_in_a_row = 0
        self._opened_at: float | None = None
        self._is_trying = False

    def turn(self) -> float:
        """Wait for the next free moment; the seconds waited. `CircuitOpen` while the circuit is open."""
        with self._lock:
            self._require_closed()
            now = self._clock.now()
            moment = max(now - CATCH_UP_SECONDS, self._next)
            self._next = moment + 60.0 / self.per_minute
        if moment > now:
            self._clock.sleep(moment - now)
        return max(0.0, moment - now)

    def pause(self, seconds: float) -> None:
        """Nobody sends for so long."""
        with self._lock:
            self._next = max(self._next, self._clock.now() + seconds)

    def rest(self, seconds: float) -> None:
        """The pause of one request, which keeps nobody else."""
        self._clock.sleep(seconds)

    def worked(self) -> None:
        with self._lock:
            self._failed_in_a_row, self._opened_at, self._is_trying = 0, None, False

    def failed(self) -> bool:
        """Whether that opened the circuit."""
        with self._lock:
            self._failed_in_a_row += 1
            opens = self._is_trying or (self._failed_in_a_row >= self.failures and self._opened_at is None)
            if opens:
                self._opened_at, self._is_trying = self._clock.now(), False
            return opens

    def gave_up(self) -> None:
        """The request did not go out after all."""
        with self._lock:
            self._is_trying = False

    @property
    def state(self) -> str:
        with self._lock:
            if self._opened_at is None:
                return "closed"
            return "open" if self._seconds_left() > 0 else "half open"

    def _seconds_left(self) -> float:
        opened = self._opened_at if self._opened_at is not None else -self.seconds
        return opened + self.seconds - self._clock.now()

    def _require_closed(self) -> None:
        if self._opened_at is None:
            return
        left = self._seconds_left()
        if left > 0 or self._is_trying:
            raise CircuitOpen(
                f"Poke failed {self._failed_in_a_row} times in a row: nothing is sent for now.",
                hint="The next sync sends what is left.",
                retry_after=max(left, 0.0),
            )
        self._is_trying = True


_paces: dict[bytes, Pace] = {}
_lock = threading.Lock()


def pace_of(
    address: str, key: str, per_minute: float, *, failures: int, seconds: float, clock: Clock = SYSTEM_CLOCK
) -> Pace:
    """This process's pace of a key at an address; the newest settings hold for everybody."""
    name = blake2b(f"{address}\n{key}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    with _lock:
        pace = _paces.setdefault(name, Pace(per_minute, failures=failures, seconds=seconds, clock=clock))
        pace.per_minute, pace.failures, pace.seconds = per_minute, failures, seconds
        return pace
