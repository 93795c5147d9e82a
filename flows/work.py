"""A stage's steps as tasks of a run: cached, retried and shown as each task says, on threads or Dask."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar, cast, get_type_hints
from uuid import UUID

import msgspec
from prefect import Task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.futures import PrefectFuture

from commonplace.model import Usage
from commonplace.session import Session
from commonplace.stages.selection import chunk_name
from commonplace.stages.work import Bought, Using
from flows.running import say
from tasks.policy import Steps
from tasks.session import shared

R = TypeVar("R")
SHOWN_EVERY = 2.0
"""Seconds."""
TOLD_EVERY = 5.0
"""Percent, for a line in the log."""


class ByTasks:
    """A way of working (stages/work.py) that runs each step as the task that stands for it.

    Tasks in this process share the stage's session; those elsewhere open the same things at their `address`, and write
    under the same lease.
    """

    def __init__(self, session: Session, tasks: Steps) -> None:
        self._session, self._tasks = session, tasks
        self._shown: dict[str, _Shown] = {}

    @property
    def at_once(self) -> int:
        return self._session.settings.runs.workers + 1

    def do(self, step: Callable[..., R], using: Using, *, question: str = "", **arguments: Any) -> R:
        with shared(self._session._replace(archive=using.archive)):
            return _typed(step, self._tasks[step](**_parameters(using, question, arguments)))

    def start(self, step: Callable[..., R], using: Using, *, question: str = "", **arguments: Any) -> _Started[R]:
        task = cast("Task[..., Any]", self._tasks[step])
        parameters = _parameters(using, question, arguments)
        with shared(self._session._replace(archive=using.archive)):
            return _Started(step, task, parameters, task.submit(**parameters))

    def show(self, label: str, done: int, total: int | None) -> None:
        if not total:
            return
        percent = 100.0 * done / total
        shown = self._shown.get(label)
        if shown is None:
            text = f"{label}: {total:,} conversations"
            key = f"commonplace-progress-{label}"
            shown = self._shown[label] = _Shown(
                cast(UUID, create_progress_artifact(percent, key=key, description=text))
            )
        elif done == total or time.monotonic() > shown.at + SHOWN_EVERY:
            update_progress_artifact(shown.artifact, progress=percent)
            shown.at = time.monotonic()
        if percent >= shown.told + TOLD_EVERY or (done == total and percent > shown.told):
            self.say("%s: %s of %s conversations", label, f"{done:,}", f"{total:,}")
            shown.told = percent

    def say(self, text: str, *values: object) -> None:
        say(text, *values)


class _Shown:
    """How far a label was when somebody was told last."""

    def __init__(self, artifact: UUID) -> None:
        self.artifact, self.at, self.told = artifact, time.monotonic(), -TOLD_EVERY


class _Started(Generic[R]):
    """A task that was submitted."""

    def __init__(
        self, step: Callable[..., R], task: Task[..., Any], parameters: dict[str, Any], future: PrefectFuture[Any]
    ) -> None:
        self._step, self._task, self._parameters, self._future = step, task, parameters, future

    def result(self) -> R:
        result = _typed(self._step, self._future.result())
        if isinstance(result, Bought) and self._future.state.name == "Cached":
            if not result.is_complete:  # asked once more, about what had no good answer then
                return _typed(self._step, self._task.with_options(refresh_cache=True)(**self._parameters))
            return cast(R, msgspec.structs.replace(result, usage=Usage()))  # another run paid for it
        return result


def _parameters(using: Using, question: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What the task is told: ids, names and numbers."""
    named = {"chunk": chunk_name(arguments["ids"])} if "ids" in arguments else {}
    asked = {"question": question} if question else {}
    return {**using.address, **named, **arguments, **asked, "lease": using.archive.lease}


def _typed(step: Callable[..., R], result: Any) -> R:
    """A task's JSON as what the step returns."""
    kind = get_type_hints(step)["return"]
    return cast(R, msgspec.convert(result, kind))
