"""Requests to Notion: notion-client carries them, this module decides what each answer means.

notion-client's own retries are off: they repeat too little (529, 502, 504, conflicts, dropped connections), wait too
short when a workspace's budget is used up, and its wrappers drop parameters that we need. Every request goes through
`send`, and `_failure` is the one table from Notion's answers to ours:

    answer                                  a repeatable request     one that must not be sent twice
    429, 529                                the token pauses, then again (nothing was written)
    409 conflict                            again (nothing was written)
    no connection                           again (nothing was sent)
    503 that names what it wrote            it was written           it was written
    500, 502, 503, 504, timeout, reset,     again                    Unanswered
    or what Notion never says
    400 and the like                        Permanent, with Notion's message
    400, a page with too much on it; 413    TooLarge
    404, in the trash                       NotThere, InTrash
    401, 403, blocked, rows used up         Halt, with what to do
"""

from __future__ import annotations

import json
import logging
import random
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from commonplace import moments
from commonplace.connections import Connections
from commonplace.destinations.notion.governor import SYSTEM_CLOCK, Clock, Governor, Stopped, governor_for
from commonplace.destinations.notion.settings import NotionSettings
from commonplace.errors import CommonplaceError, Halt, Permanent, Retryable

if TYPE_CHECKING:
    import notion_client

NOTION_VERSION = "2026-03-11"
ATTEMPTS = 6
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.3, 10.0
LONG_PAUSE_SECONDS = 60.0

Json = dict[str, Any]
FileToSend = tuple[str, Path, str]
"""Its name, where it is, and what it is."""


class Unanswered(Retryable):
    """A request that must not be sent twice got no answer: it may have been done or not."""


class NotThere(Permanent):
    """The page was deleted or is not shared with the connection."""


class InTrash(Permanent):
    """The page is in the trash."""


class NotAllowed(Halt):
    """The connection may not do this; something else it may."""


class HoldsPages(Permanent):
    """There are pages inside the page, which replacing its body would delete."""


class TooLarge(Permanent):
    """More than Notion keeps on one page."""


class Failure(msgspec.Struct, frozen=True):
    """What an answer that is no success means."""

    kind: Literal["refused", "again", "unsure", "final", "written"]
    error: CommonplaceError
    retry_after: float | None = None
    written: Json | None = None
    is_budget: bool = False


class NotionClient:
    """`send` and a count of what was sent. Safe to share between threads."""

    def __init__(self, settings: NotionSettings, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.settings = settings
        self.governor: Governor = governor_for(
            settings.token,
            settings.base_url,
            max(1, settings.requests_per_minute // settings.processes),
            settings.window_seconds,
            clock,
        )
        self.requests = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._abandoned = threading.Event()
        self._connections = Connections()
        self._check: Callable[[], None] = lambda: None
        self._transport = _connect(settings, lambda: self._check(), self._connections)

    def send(self, method: str, path: str, body: Json | None = None, *, query: Json | None = None,
             file: FileToSend | None = None, repeatable: bool = True) -> Json:  # fmt: skip
        """The answer's JSON; of a write that was only half answered at least its `id`."""
        attempt, waited = 0, 0.0
        while True:
            failure = self._try(partial(self._exchange, method, path, body, query, file), attempt + 1)
            if isinstance(failure, dict):
                return failure
            if failure.kind == "written" and failure.written is not None:
                return failure.written
            if failure.kind == "unsure" and not repeatable:
                raise Unanswered(
                    f"Notion did not say whether it had done {method} {_kind_of(path)}."
                ) from failure.error
            if failure.kind in ("final", "written"):
                raise failure.error
            attempt += 1
            pause = failure.retry_after if failure.retry_after is not None else _backoff(attempt)
            waited += pause
            too_often = failure.kind != "refused" and attempt >= ATTEMPTS
            if too_often or waited > self.settings.max_wait_seconds:
                raise Retryable(failure.error.message, hint=_again_at(pause), retry_after=pause) from failure.error
            if failure.kind != "refused":
                self.governor.rest(pause, self._stop)

    def stop(self) -> None:
        """Nothing more is sent: whoever waits for a turn or for time to pass is let go with `Stopped`."""
        self._stop.set()
        self.governor.wake()

    def resume(self, check: Callable[[], None] = lambda: None) -> None:
        """A new run begins: requests are sent again. `check` is asked before each, and raises what stops them."""
        self._check = check
        self._abandoned.clear()
        self._stop.clear()

    def abandon(self) -> None:
        """Nobody waits any more: what is in flight is let go, its answer unknown, and nothing more is sent."""
        self._abandoned.set()
        self.stop()
        self._connections.cut()

    @property
    def is_stopped(self) -> bool:
        return self._stop.is_set()

    def rest(self, seconds: float) -> None:
        """Let time pass, unless the run is stopped."""
        self.governor.rest(seconds, self._stop)

    def close(self) -> None:
        self._transport.close()

    def _try(self, exchange: Callable[[], Json | Failure], attempt: int) -> Json | Failure:
        with self.governor.turn(self._stop):
            if self._abandoned.is_set():
                raise Stopped("The run was stopped before this was sent.")
            with self._lock:
                self.requests += 1
            answer = exchange()
            if isinstance(answer, Failure) and answer.kind == "refused":
                if answer.retry_after is None:
                    answer = msgspec.structs.replace(answer, retry_after=max(1.0, _backoff(attempt)))
                self.governor.refused(answer.retry_after or 0.0, is_budget=answer.is_budget)
        return answer

    def _exchange(
        self, method: str, path: str, body: Json | None, query: Json | None, file: FileToSend | None
    ) -> Json | Failure:
        import httpx
        from notion_client.errors import HTTPResponseError, RequestTimeoutError

        try:
            with ExitStack() as opened:
                form = {"file": (file[0], opened.enter_context(file[1].open("rb")), file[2])} if file else None
                answer = self._transport.request(path=path, method=method, query=query, body=body, form_data=form)
        except HTTPResponseError as exc:
            return _failure(exc.status, exc.body.replace(self.settings.token, "(the token)"), exc.headers)
        except RequestTimeoutError as exc:
            return _no_answer(exc.__context__)
        except httpx.TransportError as exc:
            return _no_answer(exc)
        except json.JSONDecodeError:
            return Failure("unsure", Retryable("Notion's answer was not JSON."))
        if not isinstance(answer, dict) or "object" not in answer:
            return Failure("unsure", Retryable("What answered was not Notion."))
        return answer


def _connect(settings: NotionSettings, check: Callable[[], None], connections: Connections) -> notion_client.Client:
    import httpx
    import notion_client

    def ask(event: str, about: Mapping[str, Any]) -> None:
        """Connecting may take its time; between here and the first byte there is none to sleep in."""
        if event.endswith("send_request_headers.started"):
            check()
        connections.traced(event, about)

    def arm(request: httpx.Request) -> None:
        request.extensions["trace"] = ask

    # notion-client would print refused requests, with Notion's messages, to standard output.
    logger = logging.getLogger("commonplace.notion.transport")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return notion_client.Client(
        client=httpx.Client(
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=64), event_hooks={"request": [arm]}
        ),
        auth=settings.token,
        base_url=settings.base_url.rstrip("/"),
        timeout_ms=int(settings.timeout_seconds * 1000),
        notion_version=NOTION_VERSION,
        retry=False,
        logger=logger,
        log_level=logging.CRITICAL,
    )


def _again_at(seconds: float) -> str | None:
    """When it is worth running again, for whoever would otherwise wait in vain."""
    if seconds < LONG_PAUSE_SECONDS:
        return None
    moment = moments.to_datetime(moments.now() + int(seconds * 1_000_000), moments.zone_named("local"))
    return f"Nothing is lost: run the sync again after {moment:%Y-%m-%d %H:%M}."


def _backoff(attempt: int) -> float:
    pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1))
    return pause * random.uniform(0.8, 1.2)  # noqa: S311


def _no_answer(error: BaseException | None) -> Failure:
    """Nothing came back. Whether the request had gone out decides if it may be repeated."""
    import httpx

    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Failure("again", Retryable("Notion could not be reached."))
    return Failure("unsure", Retryable("Notion did not answer."))


def _failure(status: int, body: str, headers: Mapping[str, str]) -> Failure:
    """The table of this module's docstring."""
    answer = _parse(body)
    code, extra = str(answer.get("code", "")), answer.get("additional_data") or {}
    message = _without_values(str(answer.get("message", "")) or f"HTTP {status}")
    if status in (429, 529):
        return _refusal(status, message, extra, headers)
    if status == 409 and code == "row_limit_exceeded":
        return Failure("final", Halt("Notion's database is full.", hint="Connect another database or archive rows."))
    if status == 409:
        return Failure("again", Retryable(f"Notion saw parallel changes: {message}"))
    if status >= 500:
        if extra.get("committed_resource_id"):
            return Failure("written", Retryable(message), written=_committed(extra))
        return Failure("unsure", Retryable(f"Notion is unavailable: {message}"))
    if status in (401, 403):
        return Failure("final", _locked_out(status, message, extra))
    if status == 413:
        return Failure("final", TooLarge(f"The request is too large for Notion: {message}"))
    if status == 404:
        return Failure("final", NotThere(f"Notion does not know it: {message}"))
    return Failure("final", _rejection(message, extra))


def _refusal(status: int, message: str, extra: Json, headers: Mapping[str, str]) -> Failure:
    reason = extra.get("rate_limit_reason")
    if reason == "public_api_request_blocked":
        return Failure("final", Halt("Notion has blocked this connection.", hint="Ask Notion's support why."))
    retry_after = moments.seconds_until(headers.get("retry-after"))
    if retry_after is None:
        retry_after = moments.seconds_until(str(extra.get("retry_after", "")))
    return Failure(
        "refused",
        Retryable(f"Notion asks for a pause: {message}", retry_after=retry_after),
        retry_after=retry_after,
        is_budget=status == 429 and reason != "public_api_endpoint_rate_limit",
    )


def _locked_out(status: int, message: str, extra: Json) -> Halt:
    if status == 401:
        return Halt(
            "Notion refuses the token.",
            hint="Make a new one and enter it under Destinations, or with `commonplace connect notion`.",
        )
    if extra.get("block_limit"):
        return Halt(
            "The workspace has used up the blocks of Notion's free plan.",
            hint="Upgrade it, use a workspace with one member, or connect with a personal access token.",
        )
    return NotAllowed(
        f"Notion does not allow this: {message}",
        hint="Share the page with the connection (••• > Connections) and let it read, insert and update content.",
    )


def _rejection(message: str, extra: Json) -> Permanent:
    lowered = message.lower()
    if extra.get("limit_kind") == "page_record_count" or re.search(r"page .*\btoo (large|heavily)", lowered):
        return TooLarge(f"The page is too large for Notion: {message}")
    if "archived" in lowered or "in trash" in lowered or "in the trash" in lowered:
        return InTrash(f"The page is in Notion's trash: {message}")
    if "allow_deleting_content" in lowered or "child page" in lowered:
        return HoldsPages(f"The page holds other pages: {message}")
    return Permanent(f"Notion rejects it: {message}")


def _committed(extra: Json) -> Json:
    return {
        "id": extra["committed_resource_id"],
        "results": [{"id": i} for i in extra.get("committed_child_ids") or []],
    }


def _parse(body: str) -> Json:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


LONGEST_MESSAGE = 10_000
_VALUE = re.compile(r"""(instead was\s+)(?!`?\d)[^,;]+|[`"“][^`"”]{40,}[`"”]""", re.DOTALL)


def _without_values(message: str) -> str:
    """Notion quotes what it rejects, which may be conversation text: names and numbers stay, values go. So does what
    turns the line around that it is shown in."""
    plain = "".join(char if char.isprintable() else " " for char in message[:LONGEST_MESSAGE])
    return _VALUE.sub(lambda match: (match[1] or "") + "(a value)", plain)[:500]


def _kind_of(path: str) -> str:
    """A path without its ids."""
    return re.sub(r"/?[0-9a-f-]{32,}", "", path)
