"""How a stage works through its chunks: one loop and one report of the end, whoever runs the steps.

A step is a function of the stage's: first what it works with (an open archive and the like), then what can be written
in a parameter (ids, names, numbers). `Work` runs steps: here (`IN_PROCESS`), or as tasks, which may open the same
things again at the `address` that they are given.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import msgspec

from commonplace.archive import leases
from commonplace.archive.core import Archive
from commonplace.errors import CommonplaceError, Halt, Retryable
from commonplace.model import Usage
from commonplace.session import Session

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Chunk = Sequence[str]


class Using(Protocol):
    """What a step works with."""

    @property
    def archive(self) -> Archive:
        """Under the lease of the stage."""

    @property
    def address(self) -> Mapping[str, Any]:
        """By which parameters another process opens the same."""


class Started(Protocol[R_co]):
    """A step that was begun."""

    def result(self) -> R_co:
        """Wait for it; what it raised is raised here."""


class Work(Protocol):
    """A way of running steps. `question` names what a step would buy: what was bought once need not be again."""

    @property
    def at_once(self) -> int:
        """How many chunks may be under way."""

    def do(self, step: Callable[..., R], using: Using, *, question: str = "", **arguments: Any) -> R:
        """Run a step and wait for it."""

    def start(self, step: Callable[..., R], using: Using, *, question: str = "", **arguments: Any) -> Started[R]:
        """Begin a step on a chunk, whose ids are among the arguments."""

    def show(self, label: str, done: int, total: int | None) -> None:
        """How far it is, for whoever watches. `total` is None where nobody knows."""

    def say(self, text: str, *values: object) -> None:
        """A line for the history of the run."""


class InProcess:
    """Steps one after the other in this process."""

    at_once = 1

    def __init__(self, show: Callable[[str, int, int | None], None] = lambda label, done, total: None) -> None:
        self._show = show

    def do(self, step: Callable[..., R], using: Using, *, question: str = "", **arguments: Any) -> R:
        return step(using, **arguments)

    def start(self, step: Callable[..., R], using: Using, *, question: str = "", **arguments: Any) -> Started[R]:
        started: Future[R] = Future()
        try:
            started.set_result(step(using, **arguments))
        except CommonplaceError as error:
            started.set_exception(error)
        return started

    def show(self, label: str, done: int, total: int | None) -> None:
        self._show(label, done, total)

    def say(self, text: str, *values: object) -> None:
        """Whoever looks at this process sees its report; there is no other history."""


IN_PROCESS = InProcess()


class Bought(msgspec.Struct, frozen=True, kw_only=True):
    """What a step brought that cost something. Holds no text: it may be kept anywhere."""

    usage: Usage = Usage()

    @property
    def is_complete(self) -> bool:
        """Whether asking again would bring nothing more."""
        return True


class Report(Protocol):
    """What the report of every stage says of its end."""

    seconds: float
    stopped: str | None
    hint: str | None
    errors: list[str]


class Ending(msgspec.Struct, kw_only=True):
    """A `Report` to inherit from."""

    seconds: float = 0.0
    stopped: str | None = None
    """Why it ended before everything was done."""
    hint: str | None = None
    """What to do about that."""
    errors: list[str] = msgspec.field(default_factory=list)
    """Why some of it was not done, and is left for the next run."""


@contextmanager
def telling(report: Report) -> Iterator[None]:
    """What ends the block before its end is told in the report, and how long it took."""
    started = time.monotonic()
    try:
        yield
    except (Halt, Retryable) as error:
        report.stopped, report.hint = error.message, error.hint
    finally:
        report.seconds = round(time.monotonic() - started, 3)


def wrong(report: Mapping[str, Any]) -> list[str]:
    """What keeps a run from having gone well, in sentences, from its report as JSON."""
    stopped = " ".join(filter(None, (report.get("stopped"), report.get("hint"))))
    return [*([stopped] if stopped else []), *report.get("errors", [])]


@contextmanager
def leased(session: Session, name: str) -> Iterator[Session]:
    """The session whose archive is written to under a lease, or `leases.AlreadyRunning`."""
    with leases.hold(session.archive, name, seconds=session.settings.runs.lease_seconds) as lease:
        yield session._replace(archive=lease.archive)


class Budget:
    """What a run may spend: a chunk begins when what it may cost fits beside what was spent and what is under way."""

    def __init__(
        self, limit: float, hint: str, *, spent: Callable[[], float], estimate: Callable[[Chunk], float]
    ) -> None:
        self.limit, self.hint = limit, hint
        self._spent, self._estimate = spent, estimate
        self._estimates: dict[str, float] = {}
        self._under_way: dict[str, float] = {}

    def admits(self, chunk: Chunk) -> bool:
        cost = self._estimates.get(chunk[0])
        if cost is None:
            cost = self._estimates[chunk[0]] = self._estimate(chunk)
        fits = not cost or self._spent() + sum(self._under_way.values()) + cost <= self.limit
        if fits:
            self._under_way[chunk[0]] = cost
        return fits

    def settle(self, chunk: Chunk) -> None:
        """The chunk is over, and what it did cost is spent."""
        self._under_way.pop(chunk[0], None)


def through(
    work: Work,
    step: Callable[..., R],
    using: Using,
    chunks: Sequence[Chunk],
    *,
    label: str,
    on_end: Callable[[Chunk, R | None], object],
    errors: list[str],
    budget: Budget | None = None,
    question: Callable[[Chunk], str] = lambda chunk: "",
    **arguments: Any,
) -> None:
    """Run a step over every chunk, as many at once as the work allows; `on_end` is given each with its result.

    A chunk that fails leaves the others alone: it is told in `errors`, and its end comes without a result. After a
    `Halt`, or where the budget ends, no chunk begins any more; it is raised when those under way have ended.
    """
    total, done = sum(map(len, chunks)), 0
    waiting, under_way = deque(chunks), deque[tuple[Chunk, Started[R]]]()
    halt: Halt | None = None

    def may_begin() -> bool:
        return (
            bool(waiting)
            and halt is None
            and len(under_way) < work.at_once
            and (budget is None or budget.admits(waiting[0]))
        )

    work.show(label, 0, total)
    while True:
        while may_begin():
            chunk = waiting.popleft()
            started = work.start(step, using, question=question(chunk), ids=list(chunk), **arguments)
            under_way.append((chunk, started))
        if not under_way:
            break
        chunk, started = under_way.popleft()
        try:
            _end(chunk, started, on_end)
        except Halt as error:
            halt = halt or error
        except Exception as error:
            errors.append(describe(error))
            work.say("%s: a chunk failed: %s", label, describe(error))
        if budget is not None:
            budget.settle(chunk)
        done += len(chunk)
        work.show(label, done, total)
    if halt is None and waiting and budget is not None:
        left = f"{total - done:,} of {total:,} conversations"
        halt = Halt(f"{left} would pass the limit of ${budget.limit:.2f}.", hint=budget.hint)
    if halt is not None:
        raise halt


def _end(chunk: Chunk, started: Started[R], on_end: Callable[[Chunk, R | None], object]) -> None:
    try:
        result = started.result()
    except Exception:
        on_end(chunk, None)
        raise
    on_end(chunk, result)


def describe(error: BaseException) -> str:
    """An error as a person may read it: our own say what to do; of others only the kind, which holds no content."""
    return str(error) if isinstance(error, CommonplaceError) else f"{type(error).__name__} (see the log)"
