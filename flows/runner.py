"""What maps the chunks of a run: threads or a Dask cluster, as the settings say."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any, Self, cast

from prefect import Task
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from commonplace.config import RunSettings
from commonplace.errors import Halt
from tasks.session import session


class ChosenTaskRunner(TaskRunner[PrefectFuture[Any]]):
    """Chosen with the first chunk: importing a flow decides nothing, and a run with nothing to do starts no cluster."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._opened = ExitStack()
        self._chosen: TaskRunner[PrefectFuture[Any]] | None = None

    def duplicate(self) -> Self:
        return type(self)()

    def submit(
        self,
        task: Task[..., Any],
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, Any] | None = None,
    ) -> PrefectFuture[Any]:
        if self._chosen is None:
            with session() as opened:
                self._chosen = self._opened.enter_context(_runner(opened.settings.runs))
        return self._chosen.submit(task, parameters, wait_for, dependencies)

    def __exit__(self, *about: Any) -> None:
        self._opened.__exit__(*about)
        super().__exit__(*about)


RUNNER = cast("TaskRunner[PrefectFuture[Any]]", ChosenTaskRunner())
"""The task runner of every flow."""


def _runner(wanted: RunSettings) -> TaskRunner[Any]:
    if wanted.task_runner == "threads":
        return ThreadPoolTaskRunner(max_workers=wanted.workers)
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as exc:
        raise Halt(
            "The settings ask for Dask, which is not installed.", hint="Install commonplace-book[dask]."
        ) from exc
    if wanted.dask_address:
        return cast("TaskRunner[Any]", DaskTaskRunner(address=wanted.dask_address))
    cluster = {"n_workers": wanted.workers, "threads_per_worker": 1, "dashboard_address": None}
    return cast("TaskRunner[Any]", DaskTaskRunner(cluster_kwargs=cluster))
