"""A run that died without a word is marked as crashed, so that it neither looks alive nor holds up the next one.

On the local server a run is dead when its process is, and only then: a busy machine is no reason to give it up. One
that a worker took and has not started yet has no process; it lives as long as that worker, which starts it or says why
not. Where runs are on other machines, whose processes nobody here can see, runs of our deployments send a heartbeat
every 30 seconds, the least that Prefect allows (`prefect.yaml` sets it), and the server takes the silence of more than
three for the end.

A living run that is taken for dead there, because its machine slept or the network was away, does no harm: the stage's
lease in the archive is still its own, so the next run waits or is told, and whatever both do is done once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect import get_client
from prefect.automations import AutomationCore
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.states import Crashed

from commonplace.stack import processes
from commonplace.stack.processes import Process
from deployments.alerts import replace
from deployments.definitions import OURS

NAME = "Commonplace: a run died"
HEARTBEAT = timedelta(seconds=30)
SILENCE = 3 * HEARTBEAT + timedelta(seconds=15)
"""Three heartbeats that did not come, and the time that one needs to arrive at a busy server."""
MESSAGE = "No heartbeat came from this run any more. The next run does what is still missing."
GONE = "The process of this run is gone. The next run does what is still missing."

STARTING = timedelta(seconds=10)
"""A run that changed its state so recently may have a process that is not to be seen yet."""
UNDER_WAY = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
ENDED_BADLY = [StateType.CRASHED, StateType.CANCELLED, StateType.FAILED]


def apply_watch(client: SyncPrefectClient, *, is_local: bool) -> None:
    """The automation that listens for heartbeats, where processes cannot be asked instead."""
    replace(client, [NAME], [] if is_local else [_automation()])


def reap(workers: Sequence[Process] = ()) -> int:
    """Mark as crashed what this machine's processes no longer work on, its workers among them; how many runs that
    were."""
    with get_client(sync_client=True) as client:
        under_way = client.read_flow_runs(flow_run_filter=FlowRunFilter(state=with_type(UNDER_WAY)))
        dead = _without_process(client, under_way, workers) if under_way else []
        for run in dead:
            client.set_flow_run_state(run.id, Crashed(message=GONE), force=True)
        _crash_their_tasks(client, [run.id for run in dead])
    return len(dead)


def _without_process(client: SyncPrefectClient, runs: list[FlowRun], workers: Sequence[Process]) -> list[FlowRun]:
    """The runs that no process of this machine works on."""
    worked_on = processes.variable_of_all("PREFECT__FLOW_RUN_ID")
    there_since = min(filter(None, map(processes.there_since, workers)), default=None)
    living = {
        run.id
        for run in runs
        if str(run.id) in worked_on or _is_ours_alive(run) or _is_starting(run) or _is_taken(run, there_since)
    }
    return [run for run in runs if run.id not in living | _below(client, living)]


def _is_ours_alive(run: FlowRun) -> bool:
    """Whether a run that a command executes in its own process still has that process."""
    return processes.is_marked_alive(run.infrastructure_pid or "")


def _is_starting(run: FlowRun) -> bool:
    return run.state is not None and run.state.timestamp > datetime.now(UTC) - STARTING


def _is_taken(run: FlowRun, there_since: datetime | None) -> bool:
    """Whether the worker that is there was there when the run was taken, and is about to start it."""
    state = run.state
    return there_since is not None and state is not None and state.is_pending() and state.timestamp > there_since


def _below(client: SyncPrefectClient, parents: Iterable[UUID]) -> set[UUID]:
    """The runs that runs started inside themselves, in the same process, at any depth."""
    found: set[UUID] = set()
    parents = list(parents)
    while parents:
        filter_ = FlowRunFilter(
            parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=parents), state=with_type(UNDER_WAY)
        )
        parents = [run.id for run in client.read_flow_runs(flow_run_filter=filter_) if run.id not in found]
        found.update(parents)
    return found


def _crash_their_tasks(client: SyncPrefectClient, just_crashed: list[UUID]) -> None:
    """Task runs end with their flow: nobody else will ever say how they did."""
    since = datetime.now(UTC) - STARTING  # states of tasks arrive behind their flow's
    running = TaskRunFilter(state=TaskRunFilterState(type=TaskRunFilterStateType(any_=UNDER_WAY)))
    ended = FlowRunFilter(state=with_type(ENDED_BADLY))
    for task_run in client.read_task_runs(task_run_filter=running, flow_run_filter=ended):
        run_id = task_run.flow_run_id
        if run_id is None:
            continue
        flow_run = None if run_id in just_crashed else client.read_flow_run(run_id)
        if flow_run is None or (flow_run.end_time or since) < since:
            client.set_task_run_state(task_run.id, Crashed(message=GONE), force=True)


def with_type(states: list[StateType]) -> FlowRunFilterState:
    """Flow runs whose state is one of these."""
    return FlowRunFilterState(type=FlowRunFilterStateType(any_=states))


def _automation() -> AutomationCore:
    return AutomationCore(
        name=NAME,
        description="Marks runs of Commonplace as crashed that stopped sending heartbeats.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.*"},
            match=ResourceSpecification.model_validate({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification.model_validate(OURS),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, name=None, message=MESSAGE, force=False)],
    )
