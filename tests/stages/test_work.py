"""Working through chunks: who fails leaves the others alone, what halts ends it cleanly, and no budget is passed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import msgspec
import pytest

from commonplace.archive.core import Archive
from commonplace.errors import Halt, Permanent, Retryable
from commonplace.stages.work import IN_PROCESS, Budget, Chunk, Ending, InProcess, Work, telling, through, wrong

CHUNKS = [["a", "b"], ["c", "d"], ["e", "f"]]


class Using(msgspec.Struct):
    archive: Archive
    address: dict[str, Any] = {}


class Wide(InProcess):
    """As many at once as a run has, in an order that shows."""

    at_once = 3

    def __init__(self) -> None:
        super().__init__()
        self.most = 0
        self.under_way = 0

    def start(self, step: Callable[..., Any], using: Any, *, question: str = "", **arguments: Any) -> Any:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        began = super().start(step, using, question=question, **arguments)
        ending = Future[Any]()
        ending.result = lambda timeout=None: self._end(began)  # type: ignore[method-assign]
        return ending

    def _end(self, began: Any) -> Any:
        self.under_way -= 1
        return began.result()


@pytest.fixture
def using(sqlite_archive: Archive) -> Using:
    return Using(sqlite_archive)


def join(using: Using, *, ids: list[str]) -> str:
    return "".join(ids)


def failing(error: Exception) -> Callable[..., str]:
    def step(using: Using, *, ids: list[str]) -> str:
        if "c" in ids:
            raise error
        return "".join(ids)

    return step


def worked(work: Work, step: Callable[..., str], using: Using, **options: Any) -> tuple[list[Any], list[str]]:
    ended: list[Any] = []
    errors: list[str] = []
    through(work, step, using, CHUNKS, label="x", on_end=lambda chunk, got: ended.append(got), errors=errors, **options)
    return ended, errors


@pytest.mark.parametrize("work", [IN_PROCESS, Wide()], ids=["one", "three at once"])
def test_every_chunk_ends_and_one_that_fails_leaves_the_others_alone(work: Work, using: Using) -> None:
    assert worked(work, join, using) == (["ab", "cd", "ef"], [])
    for error in (Permanent("No."), Retryable("Later.")):
        assert worked(work, failing(error), using) == (["ab", None, "ef"], [str(error)])


def test_a_halt_lets_no_more_begin_and_comes_when_all_have_ended(using: Using) -> None:
    begun: list[str] = []

    def step(using: Using, *, ids: list[str]) -> str:
        begun.append(ids[0])
        raise Halt("The quota is used up.", hint="Wait.")

    ended: list[Chunk] = []
    report = Ending()
    with telling(report):
        through(
            IN_PROCESS,
            step,
            using,
            CHUNKS,
            label="x",
            on_end=lambda chunk, _: ended.append(chunk),
            errors=report.errors,
        )
    assert (begun, ended) == (["a"], [["a", "b"]])
    assert wrong(msgspec.to_builtins(report)) == ["The quota is used up. Wait."]


def test_a_bug_is_loud_in_this_process(using: Using) -> None:
    with pytest.raises(ZeroDivisionError):
        worked(IN_PROCESS, failing(ZeroDivisionError()), using)


@pytest.mark.parametrize("work", [IN_PROCESS, Wide()], ids=["one", "three at once"])
def test_however_many_are_under_way_the_same_chunks_fit_into_a_budget(work: Work, using: Using) -> None:
    spent: list[float] = []
    report = Ending()
    budget = Budget(2.5, "Raise it.", spent=lambda: sum(spent), estimate=lambda chunk: 1.5)
    with telling(report):
        through(
            work,
            join,
            using,
            CHUNKS,
            label="x",
            on_end=lambda *_: spent.append(1.0),
            errors=report.errors,
            budget=budget,
        )
    assert spent == [1.0, 1.0]
    assert (report.stopped, report.hint) == ("2 of 6 conversations would pass the limit of $2.50.", "Raise it.")
