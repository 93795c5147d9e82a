"""Whose turn it is: work on the past waits, between its windows, until nothing runs that somebody asked for."""

from __future__ import annotations

from time import sleep

from prefect import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType

from flows.running import say

ASKED = "asked"
"""The queue of runs that somebody asked for."""
OURS = "commonplace"
"""The tag of our deployments and their runs."""
COMMAND = "commonplace-command"
"""The tag of a run that is a person's command and has no deployment."""
LOOK_SECONDS = 2.0


def give_way() -> None:
    """Wait until no run of ours is under way that somebody asked for."""
    if not (before := _asked_for()):
        return
    say("Waiting for %s", ", ".join(sorted(before)))
    while _asked_for():
        sleep(LOOK_SECONDS)


def _asked_for() -> list[str]:
    """The names of the runs under way that go first."""
    running = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING])),
        tags=FlowRunFilterTags(any_=[OURS, COMMAND]),
    )
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(flow_run_filter=running)
    return [run.name for run in found if run.work_queue_name == ASKED or COMMAND in run.tags]
