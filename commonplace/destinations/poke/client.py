"""Requests to Poke, and what each answer means. Poke can be asked nothing: what may have arrived is not sent again.

    answer                              at most once            at least once
    no connection                       again (nothing was sent)
    408, 429                            again (it was turned away)
    500 to 599, timeout, reset,         Unanswered              again, then Unanswered
    200 that is no JSON
    200 with "success": false           Permanent
    401, 403                            Halt: the key
    3xx, 404, 405                       Halt: the address
    other 4xx                           Permanent

Errors name the status alone: what Poke says of a message may quote it.
"""

from __future__ import annotations

import gzip
import json
import secrets
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from commonplace import moments
from commonplace.destinations.poke.pace import SYSTEM_CLOCK, Clock, Pace, pace_of
from commonplace.destinations.poke.settings import TRIGGER_PATH, PokeSettings
from commonplace.errors import CommonplaceError, Halt, Permanent, Retryable
from commonplace.outgoing import NotSent, Reply, Sender, Unanswered

WORTH_COMPRESSING = 1024
Json = dict[str, Any]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is no success."""

    kind: Literal["turned away", "unsure", "final"]
    error: CommonplaceError
    is_down: bool = False
    """Whether the service is in trouble, and not our request."""


class PokeClient:
    """`post` and the figures of what was sent. Safe to share between threads."""

    def __init__(self, settings: PokeSettings, *, is_repeated: bool = False, clock: Clock = SYSTEM_CLOCK) -> None:
        self.settings = settings
        self.figures: defaultdict[str, float] = defaultdict(float)
        self._is_repeated = is_repeated
        self._sender = Sender(reach=settings.reach, timeout_seconds=settings.timeout_seconds)
        self.pace: Pace = pace_of(
            settings.base_url or settings.webhook_url,
            settings.api_key or settings.webhook_token,
            settings.requests_per_minute / settings.processes,
            failures=settings.breaker_failures,
            seconds=settings.breaker_seconds,
            clock=clock,
        )

    def message(self, payload: Json, check: Callable[[], None] = lambda: None) -> Json:
        """To the key's owner."""
        return self.post(self.address(self.settings.path), self.settings.api_key, payload, check)

    def fire(self, payload: Json, check: Callable[[], None] = lambda: None) -> Json:
        """To the trigger."""
        return self.post(self.settings.webhook_url, self.settings.webhook_token, payload, check)

    def create_trigger(self) -> Json:
        """The trigger's id, address and token, which cannot be asked for again."""
        wanted = {"condition": self.settings.condition, "action": self.settings.action}
        made = self.post(self.address(TRIGGER_PATH), self.settings.api_key, wanted)
        if not all(isinstance(made.get(key), str) and made[key] for key in ("webhookUrl", "webhookToken")):
            raise Halt("Poke made a trigger and did not say where it is.", hint="Remove it in Poke's settings.")
        return made

    def post(self, url: str, key: str, payload: Json, check: Callable[[], None] = lambda: None) -> Json:
        """Poke's answer. Tried again as the table of this module says."""
        body, headers = self._body(payload), {"authorization": f"Bearer {key.strip()}"}
        attempt = 0
        while True:
            attempt += 1
            answer = self._try(url, body, headers, check)
            if not isinstance(answer, Failure):
                return answer
            if answer.kind == "final" or (answer.kind == "unsure" and not self._is_repeated):
                raise answer.error
            asked = answer.error.retry_after if isinstance(answer.error, Retryable) else None
            if attempt > self.settings.max_retries or (asked or 0) > self.settings.max_backoff_seconds:
                raise answer.error
            self._wait(asked, attempt)
            self.figures["retries"] += 1

    def health(self) -> Json:
        """Whether somebody answers there. No message is sent, so the key is not tried."""
        url = self.settings.webhook_url if self.settings.mode == "webhook" else self.address(self.settings.path)
        started = moments.now()
        try:
            reply = self._sender.send("HEAD", url)
        except Retryable as error:
            return {"ok": False, "problem": error.message}
        took_ms = (moments.now() - started) // 1000
        return {"ok": reply.status < 500, "status": reply.status, "took_ms": took_ms}

    def address(self, path: str) -> str:
        base = self.settings.base_url.rstrip("/")
        return base if base.endswith(path) else base.removesuffix(self.settings.path) + path

    def close(self) -> None:
        self._sender.close()

    def _try(self, url: str, body: bytes, headers: dict[str, str], check: Callable[[], None]) -> Json | Failure:
        self.figures["waited_seconds"] += round(self.pace.turn(), 3)
        more = {"content-type": "application/json"}
        if self.settings.gzip and len(body) > WORTH_COMPRESSING:
            body, more = gzip.compress(body, 6), more | {"content-encoding": "gzip"}
        try:
            self.figures["attempts"] += 1
            self.figures["bytes"] += len(body)
            answer = _meaning(self._sender.send("POST", url, body=body, headers=headers | more, check=check))
        except NotSent as error:
            answer = Failure(kind="turned away", error=error, is_down=True)
        except Unanswered as error:
            answer = Failure(kind="unsure", error=error, is_down=True)
        except BaseException:
            self.pace.gave_up()
            raise
        if not isinstance(answer, Failure) or not answer.is_down:
            self.pace.worked()
        elif self.pace.failed():
            self.figures["circuit_opened"] += 1
        return answer

    def _body(self, payload: Json) -> bytes:
        return json.dumps(payload, ensure_ascii=True, separators=(",", ":")).encode()

    def _wait(self, asked: float | None, attempt: int) -> None:
        """As long as Poke asks for, which holds for all; else as the settings say, which holds for this one."""
        if asked is not None:
            self.pace.pause(asked)
            return
        pause = backoff(self.settings, attempt)
        self.figures["waited_seconds"] += round(pause, 3)
        self.pace.rest(pause)


def backoff(settings: PokeSettings, attempt: int) -> float:
    """The pause after this attempt, in seconds."""
    first = settings.initial_backoff_seconds
    if settings.backoff == "exponential":
        pause = first * settings.backoff_multiplier ** min(attempt - 1, 64)
    else:
        pause = first * (attempt if settings.backoff == "linear" else 1)
    varied = min(pause, settings.max_backoff_seconds) * (1 - settings.jitter * secrets.randbelow(1000) / 1000)
    return max(0.0, varied)


def _meaning(reply: Reply) -> Json | Failure:
    """The table of this module's docstring."""
    status = reply.status
    if 200 <= status < 300:
        return _success(reply)
    asked = moments.seconds_until(reply.headers.get("retry-after"))
    if status in (408, 429):
        error = Retryable(f"Poke wants to be asked later (HTTP {status}).", retry_after=asked)
        return Failure(kind="turned away", error=error, is_down=status == 408)
    if status >= 500:
        error = Unanswered(f"Poke failed (HTTP {status}).", retry_after=asked)
        return Failure(kind="unsure", error=error, is_down=True)
    return Failure(kind="final", error=_refusal(status))


def _success(reply: Reply) -> Json | Failure:
    try:
        answer = json.loads(reply.body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        error = Unanswered("What answered is not Poke.", hint="Look at its address: a page came instead of JSON.")
        return Failure(kind="unsure", error=error)
    if answer.get("success") is False:
        return Failure(kind="final", error=Permanent("Poke did not take the message, and said so."))
    return answer


def _refusal(status: int) -> CommonplaceError:
    if status in (401, 403):
        what = "does not accept the key" if status == 401 else "does not let this key send"
        return Halt(
            f"Poke {what} (HTTP {status}).",
            hint="Make one at poke.com/kitchen and enter it under Destinations, or with `commonplace connect poke`.",
        )
    if status < 400 or status in (404, 405):
        return Halt(f"There is no Poke at this address (HTTP {status}).", hint="Look at base_url and path.")
    if status == 413:
        return Permanent("The message is too large for Poke.", hint="Lower most_characters.")
    return Permanent(f"Poke does not take this message (HTTP {status}).")
