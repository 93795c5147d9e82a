"""What every flow does the same way: what it says on its run's page, and how it ends.

A run ends Completed when all went well, Completed with a message that counts the defects when few items failed, and
Failed when too many did or when something has to be put right first. The report is there in every case.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.settings import PREFECT_LOGGING_EXTRA_LOGGERS
from prefect.states import Completed, Failed

from commonplace import whose
from commonplace.errors import CommonplaceError
from commonplace.moments import EPOCH
from commonplace.session import Session
from commonplace.stack.history import tag_of
from commonplace.stages.work import wrong
from flows.hooks.noting import note_failure
from flows.made_up_names import is_made_up
from tasks.session import session

log = logging.getLogger("commonplace.flows")
"""To our own log file; `say` is for the run's page."""


class RunFailed(CommonplaceError):
    """The run did what it could, and too much of it failed. `report` is what a completed run returns."""

    def __init__(self, message: str, *, hint: str | None = None, report: dict[str, Any] | None = None) -> None:
        super().__init__(message, hint=hint)
        self.report = report or {}


@contextmanager
def working_for(owner: str | None) -> Iterator[Session]:
    """The session of a run for the user of that name, whom its tags then name; without one for the server's owner."""
    with session(owner=owner) as opened:
        if name := whose.name_of(opened.settings, opened.archive):
            _tag_run(tag_of(name))
        yield opened


def say(text: str, *values: object) -> None:
    """A line in the run's log, which its page shows, and in our own log file."""
    if log.name.partition(".")[0] not in PREFECT_LOGGING_EXTRA_LOGGERS.value():  # else Prefect shows our log itself
        get_run_logger().info(text, *values)
    log.info(text, *values)


def named(pattern: str) -> Callable[[], str]:
    """What a run is called until it has ended; a name that a person gave it stays."""

    def name() -> str:
        first = pattern.format(**flow_run.parameters)
        return first if _is_ours(flow_run.name, first) else flow_run.name

    return name


def _is_ours(name: str, other: str) -> bool:
    """Whether we may replace a run's name by this other one: it was made up, or is one of ours."""
    return is_made_up(name) or name.partition(":")[0] == other.partition(":")[0]


def rename_run(name: str) -> None:
    """Give this run a name that says what it did."""
    if flow_run.id and _is_ours(flow_run.name, name):
        _update_run(name=name)


def _tag_run(tag: str) -> None:
    if flow_run.id and tag not in flow_run.tags:
        _update_run(tags=[*flow_run.tags, tag])


def _update_run(**about: Any) -> None:
    """A server that does not answer is no reason to fail now."""
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(flow_run.id), **about)
    except (MissingContextError, OSError, RuntimeError) as error:
        log.debug("the run stays as it is called and tagged: %s", type(error).__name__)


def is_superseded() -> bool:
    """Whether another run of this run's deployment waits to start, for the same person: it will find what this one
    would have found."""
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
    return any(
        run.id != this.id and (run.created or EPOCH) > (this.created or EPOCH) and _owner_of(run) == _owner_of(this)
        for run in waiting
    )


def _owner_of(run: FlowRun) -> str:
    return run.parameters.get("owner") or ""


def conclude(
    session: Session, report: dict[str, Any], *, name: str, handled: int, failed: int, errors: Sequence[str] = ()
) -> dict[str, Any]:
    """End the run: Completed, Completed with N defects, or Failed. `errors` are beside those that the report tells.

    What comes back is a state, which a flow returns to say how it ended; its caller gets the report, or `RunFailed`
    with it.
    """
    rename_run(name)
    reasons = " ".join(dict.fromkeys([*wrong(report), *errors]))
    if reasons:
        note_failure(session, name)
        return _failed(
            RunFailed(f"{name}. {reasons}", report=report | {"errors": [*report.get("errors", []), *errors]})
        )
    if failed and failed > session.settings.runs.fail_above * max(handled, 1):
        note_failure(session, name)
        told = f"{name}. {failed} of {handled} items failed."
        return _failed(RunFailed(told, hint="The report of this run names each with its reason.", report=report))
    message = f"{name}, with {failed} defects: see the report" if failed else name
    return cast("dict[str, Any]", Completed(message=message, data=report))


def _failed(error: RunFailed) -> dict[str, Any]:
    """A state, so that the run's page says this one sentence and shows no traceback."""
    return cast("dict[str, Any]", Failed(message=str(error), data=error))
