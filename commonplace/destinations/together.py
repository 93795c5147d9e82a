"""Several documents at once: requests wait for the service in threads, each document in one.

A ledger need not be prepared for that: every call of it happens on the thread that called `write`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from commonplace.destinations.contract import Document, Entries
from commonplace.errors import CommonplaceError, Halt, Retryable
from commonplace.model import LedgerEntry, LedgerItem, Outcome

T = TypeVar("T")

GRACE_SECONDS = 1.5
"""How long answers to what is in flight are waited for after an interruption: a person waits too."""


class Door(Protocol):
    """The way to the service, as far as it has to be shut in a hurry."""

    @property
    def is_stopped(self) -> bool:
        """Whether nothing more is sent."""

    def stop(self) -> None:
        """Nothing more is sent: whoever waits for a turn or for time to pass is let go."""

    def abandon(self) -> None:
        """Nobody waits any more: what is in flight is let go too, its answer unknown."""


def bring_together(
    documents: Sequence[Document],
    bring: Callable[[Document, Entries], Outcome],
    ledger: Entries,
    door: Door,
    *,
    at_once: int,
) -> list[Outcome]:
    """What became of each that was begun. An error shuts the door; the `Halt`, else the first, is raised when all are
    over. Who interrupts waits a moment for what is in flight, and for no more."""
    errors: list[CommonplaceError] = []

    def bring_one(document: Document) -> Outcome | None:
        if door.is_stopped:
            return None
        try:
            return bring(document, desk)
        except CommonplaceError as error:
            errors.append(error)
            door.stop()
            raise

    desk = LedgerOnOneThread(ledger)
    with ThreadPoolExecutor(max(1, min(at_once, len(documents))), thread_name_prefix="destination") as pool:
        work = [pool.submit(bring_one, document) for document in documents]

        def interrupted() -> None:
            door.stop()
            for future in work:
                future.cancel()

        try:
            desk.serve(work, on_interruption=interrupted)
        finally:
            if not all(future.done() for future in work):
                door.abandon()
    for error in sorted(errors, key=lambda error: not isinstance(error, Halt)):
        raise error
    return [outcome for future in work if (outcome := future.result()) is not None]


class LedgerOnOneThread:
    """Implements `Entries` by asking; `serve` answers until the work is done."""

    def __init__(self, ledger: Entries) -> None:
        self._ledger = ledger
        self._asked: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._is_closed = False
        self._remaining = 0
        self._failure: BaseException | None = None

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
            elif self._failure is not None:
                asked[1].set_exception(self._failure)
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

    def removed(self, conversation_id: str) -> None:
        self._ask(lambda: self._ledger.removed(conversation_id))

    def items(self, conversation_id: str) -> list[LedgerItem]:
        return self._ask(lambda: self._ledger.items(conversation_id))

    def add_items(self, conversation_id: str, items: Sequence[LedgerItem]) -> None:
        """Noted while the next request is under way. Where that fails, whoever asks for anything later is told."""
        self._put(lambda: self._ledger.add_items(conversation_id, items)).add_done_callback(self._keep_failure)

    def drop_items(self, conversation_id: str, ids: Iterable[str]) -> None:
        self._ask(lambda: self._ledger.drop_items(conversation_id, ids))

    def _ask(self, call: Callable[[], T]) -> T:
        return self._put(call).result()

    def _put(self, call: Callable[[], T]) -> Future[T]:
        answer: Future[T] = Future()
        with self._lock:
            if self._is_closed:
                raise Retryable("The write was interrupted.")
            self._asked.put((call, answer))
        return answer

    def _keep_failure(self, noted: Future[None]) -> None:
        self._failure = noted.exception() or self._failure

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
