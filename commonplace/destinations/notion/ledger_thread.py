"""The ledger for worker threads: every call happens on the thread that called `write`.

Requests wait for Notion in many threads at once; a ledger need not be prepared for that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from commonplace.destinations.contract import Entries
from commonplace.errors import Retryable
from commonplace.model import LedgerEntry

T = TypeVar("T")

GRACE_SECONDS = 1.5
"""How long answers to what is in flight are waited for after an interruption: a person waits too."""


class LedgerOnOneThread:
    """Implements `Entries` by asking; `serve` answers until the work is done."""

    def __init__(self, ledger: Entries) -> None:
        self._ledger = ledger
        self._asked: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._is_closed = False
        self._remaining = 0

    def serve(self, work: Sequence[Future[Any]], *, on_interruption: Callable[[], None]) -> None:
        """Answer on this thread until all the work is done, however it ends. After an interruption, which is told at
        once, what still comes in a short time is noted too."""
        for future in work:
            future.add_done_callback(lambda _: self._asked.put(None))
        self._remaining = len(work)
        try:
            self._answer_all()
        except BaseException:
            on_interruption()
            self._answer_all(time.monotonic() + GRACE_SECONDS)
            raise
        finally:
            self._close()

    def _answer_all(self, until: float | None = None) -> None:
        while self._remaining:
            try:
                asked = self._asked.get(timeout=None if until is None else max(0.0, until - time.monotonic()))
            except Empty:
                return
            if asked is None:
                self._remaining -= 1
            else:
                _answer(*asked)

    def check(self) -> None:
        """At once: the thread that writes may be waiting for the database while a request is about to go out."""
        self._ledger.check()

    def get(self, conversation_ids: Iterable[str]) -> dict[str, LedgerEntry]:
        return self._ask(lambda: self._ledger.get(conversation_ids))

    def intend(self, conversation_id: str, input_hash: str, detail: Mapping[str, Any] | None = None) -> None:
        self._ask(lambda: self._ledger.intend(conversation_id, input_hash, detail))

    def done(
        self,
        conversation_id: str,
        input_hash: str,
        remote_id: str,
        remote_url: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        self._ask(lambda: self._ledger.done(conversation_id, input_hash, remote_id, remote_url, detail))

    def fail(self, conversation_id: str, input_hash: str, reason: str) -> None:
        self._ask(lambda: self._ledger.fail(conversation_id, input_hash, reason))

    def uncertain(
        self, conversation_id: str, input_hash: str, reason: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        self._ask(lambda: self._ledger.uncertain(conversation_id, input_hash, reason, detail))

    def conflict(
        self, conversation_id: str, input_hash: str, reason: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        self._ask(lambda: self._ledger.conflict(conversation_id, input_hash, reason, detail))

    def refused(self, conversation_id: str) -> None:
        self._ask(lambda: self._ledger.refused(conversation_id))

    def _ask(self, call: Callable[[], T]) -> T:
        answer: Future[T] = Future()
        with self._lock:
            if self._is_closed:
                raise Retryable("The write was interrupted.")
            self._asked.put((call, answer))
        return answer.result()

    def _close(self) -> None:
        """After an interruption nobody answers any more: let the workers go."""
        with self._lock:
            self._is_closed = True
        while not self._asked.empty():
            if (asked := self._asked.get()) is not None:
                asked[1].set_exception(Retryable("The write was interrupted."))


def _answer(call: Callable[[], Any], future: Future[Any]) -> None:
    try:
        future.set_result(call())
    except Exception as exc:
        future.set_exception(exc)
    except BaseException:
        future.set_exception(Retryable("The write was interrupted."))
        raise
