"""What every flow does the same way: which runner maps its chunks, how it works through them, and how it ends.

A run ends Completed when all went well, Completed with a message that counts the defects when few items failed, and
Failed when too many did or when something has to be put right first. The report is there in every case.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from prefect import Task, get_client
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.exceptions import MissingContextError
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from commonplace.config import load
from commonplace.errors import CommonplaceError, Halt
from commonplace.moments import EPOCH

log = logging.getLogger("commonplace.flows")
"""To our own log file; `say` is for the run's page."""
R = TypeVar("R")


class RunFailed(CommonplaceError):
    """The run did what it could, and too much of it failed. `report` is what a completed run returns."""

    def __init__(self, message: str, *, hint: str | None = None, report: dict[str, Any] | None = None) -> None:
        super().__init__(message, hint=hint)
        self.report = report or {}


class ChosenTaskRunner(ThreadPoolTaskRunner[Any]):
    """Threads or Dask, as the settings say when a run starts; importing a flow decides nothing."""

    def duplicate(self) -> Self:
        settings, _ = load()
        if settings.runs.task_runner == "dask":
            return cast(Self, _dask_runner(settings.runs.dask_address, settings.runs.workers))
        return cast(Self, ThreadPoolTaskRunner(max_workers=settings.runs.workers))


RUNNER = cast("TaskRunner[PrefectFuture[Any]]", ChosenTaskRunner())
"""The task runner of every flow."""


def _dask_runner(address: str, workers: int) -> TaskRunner[Any]:
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as exc:
        raise Halt(
            "The settings ask for Dask, which is not installed.", hint="Install commonplace-book[dask]."
        ) from exc
    if address:
        return cast("TaskRunner[Any]", DaskTaskRunner(address=address))
    cluster = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    return cast("TaskRunner[Any]", DaskTaskRunner(cluster_kwargs=cluster))


class Chunks(list[R]):
    """The results of the chunks that ended well, and the errors of those that did not."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[Exception] = []


def work_through(
    task: Task[..., R],
    chunks: Sequence[Sequence[str]],
    *,
    label: str,
    arguments: Callable[[Sequence[str]], dict[str, Any]],
    on_result: Callable[[R], None] | None = None,
) -> Chunks[R]:
    """Run a task over every chunk, a few at a time, with a progress bar on the run's page.

    A chunk that fails leaves the others alone; `Halt` stops handing out chunks and is raised once those under way
    have ended, so that nothing is cut off in the middle.
    """
    settings, _ = load()
    say("%s: %d items in %d chunks", label, sum(map(len, chunks)), len(chunks))
    done: Chunks[R] = Chunks()
    waiting = deque(chunks)
    under_way: deque[PrefectFuture[R]] = deque()
    progress = _start_progress(label, len(chunks))
    halt: Halt | None = None
    while under_way or (waiting and halt is None):
        while waiting and halt is None and len(under_way) < settings.runs.workers + 1:
            under_way.append(task.submit(**arguments(waiting.popleft())))
        try:
            result = under_way.popleft().result()
        except Halt as error:
            halt = halt or error
        except Exception as error:
            say("%s: a chunk failed: %s", label, describe(error))
            done.errors.append(error)
        else:
            done.append(result)
            if on_result is not None:
                on_result(result)
        _show_progress(progress, len(done) + len(done.errors), len(chunks))
    if halt is not None:
        raise halt
    return done


def say(text: str, *values: object) -> None:
    """A line in the run's log, which its page shows."""
    get_run_logger().info(text, *values)
    log.info(text, *values)


def describe(error: BaseException) -> str:
    """An error as a person may read it: our own say what to do; of others only the kind, which holds no content."""
    return str(error) if isinstance(error, CommonplaceError) else f"{type(error).__name__} (see the log)"


def _start_progress(label: str, total: int) -> UUID | None:
    if total < 2 or not flow_run.id:
        return None
    return cast(UUID, create_progress_artifact(0.0, key=f"progress-{label}", description=f"{label}: {total} chunks"))


def _show_progress(progress: UUID | None, done: int, total: int) -> None:
    if progress is not None and (done == total or done % max(1, total // 20) == 0):
        update_progress_artifact(progress, progress=100.0 * done / total)


def rename_run(name: str) -> None:
    """Give this run a name that says what it did. A server that does not answer is no reason to fail now."""
    identity = flow_run.id
    if not identity:
        return
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(identity), name=name)
    except (MissingContextError, OSError, RuntimeError) as error:
        log.debug("the run keeps its first name: %s", type(error).__name__)


def is_superseded() -> bool:
    """Whether another run of this run's deployment waits to start; it will find what this one would have found."""
    identity = flow_run.id
    with get_client(sync_client=True) as client:
        this = client.read_flow_run(UUID(identity))
        if this.deployment_id is None:
            return False
        waiting = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
                deployment_id=FlowRunFilterDeploymentId(any_=[this.deployment_id]),
            )
        )
    return any(run.id != this.id and (run.created or EPOCH) > (this.created or EPOCH) for run in waiting)


def conclude(
    report: dict[str, Any], *, name: str, handled: int, failed: int, errors: Iterable[BaseException] = ()
) -> dict[str, Any]:
    """End the run: Completed, Completed with N defects, or Failed.

    What comes back is a state, which a flow returns to say how it ended; its caller gets the report.
    """
    settings, _ = load()
    reasons = [describe(error) for error in errors]
    rename_run(name)
    if reasons:
        raise RunFailed(f"{name}. {' '.join(reasons)}", report=report)
    if failed and failed > settings.runs.fail_above * max(handled, 1):
        raise RunFailed(
            f"{name}. {failed} of {handled} items failed.",
            hint="The report of this run names each with its reason.",
            report=report,
        )
    message = f"{name}, with {failed} defects: see the report" if failed else name
    return cast("dict[str, Any]", Completed(message=message, data=report))
