"""A run is dead when its process is, and not before; where that cannot be seen, when three heartbeats are missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from prefect import flow, get_client, task
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter
from prefect.states import Pending, Running

from commonplace import runs
from commonplace.stack import processes
from commonplace.stack.processes import Process
from deployments import dead_runs, definitions


@flow
def whole() -> None:
    """A run, of which only the record matters here."""


@task
def part() -> None:
    """A task run inside it."""


@pytest.fixture
def client(prefect_api: Process) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What changed a moment ago is not spared."""
    monkeypatch.setattr(dead_runs, "STARTING", timedelta(0))


def _states(client: SyncPrefectClient, *flow_runs: UUID) -> list[str | None]:
    return [client.read_flow_run(each).state_name for each in flow_runs]


@pytest.mark.usefixtures("at_once")
def test_a_run_lives_as_long_as_its_process_with_everything_inside_it(
    client: SyncPrefectClient, tmp_path: Path
) -> None:
    run = client.create_flow_run(whole, state=Running())
    inside = client.create_task_run(part, run.id, dynamic_key="0", state=Running())
    below = client.create_flow_run(whole, parent_task_run_id=inside.id, state=Running())
    variables = {"PREFECT__FLOW_RUN_ID": str(run.id)}
    process = processes.start("run", ["sleep", "600"], variables, folder=tmp_path / "records", log=tmp_path / "log")
    try:
        dead_runs.reap()
        assert _states(client, run.id, below.id) == ["Running", "Running"]
    finally:
        processes.kill(process)
    assert dead_runs.reap() == 2
    assert _states(client, run.id, below.id) == ["Crashed", "Crashed"]
    assert client.read_task_run(inside.id).state_name == "Crashed"
    assert dead_runs.reap() == 0


@pytest.mark.usefixtures("at_once")
def test_a_run_that_a_command_executes_itself_lives_as_long_as_the_command(client: SyncPrefectClient) -> None:
    run = client.create_flow_run(whole, state=Running())
    client.update_flow_run(run.id, infrastructure_pid=processes.this("command").mark)
    dead_runs.reap()
    assert _states(client, run.id) == ["Running"]
    client.update_flow_run(run.id, infrastructure_pid=f"{processes.this('command').pid}@another boot 1")
    assert dead_runs.reap() == 1
    assert _states(client, run.id) == ["Crashed"]


def test_commands_sign_the_runs_that_they_execute(client: SyncPrefectClient, own_runs: FlowRunFilter) -> None:
    runs.run_here("maintain", backup=False, verify=False, prune=False)
    (run,) = client.read_flow_runs(flow_run_filter=own_runs)
    assert processes.is_marked_alive(run.infrastructure_pid or "")


@pytest.mark.usefixtures("at_once")
def test_a_run_that_a_worker_took_lives_as_long_as_the_worker(client: SyncPrefectClient, tmp_path: Path) -> None:
    def start() -> Process:
        return processes.start("worker", ["sleep", "600"], {}, folder=tmp_path / "records", log=tmp_path / "log")

    taken_by = start()
    run = client.create_flow_run(whole, state=Pending())
    try:
        dead_runs.reap([taken_by])
        assert _states(client, run.id) == ["Pending"]
    finally:
        processes.kill(taken_by)
    its_successor = start()
    try:
        assert dead_runs.reap([taken_by, its_successor]) == 1
    finally:
        processes.kill(its_successor)


def test_a_run_that_has_just_started_is_left_alone(client: SyncPrefectClient) -> None:
    run = client.create_flow_run(whole, state=Running())
    dead_runs.reap()
    assert _states(client, run.id) == ["Running"]


def test_heartbeats_are_listened_for_only_where_processes_cannot_be_seen(client: SyncPrefectClient) -> None:
    dead_runs.apply_watch(client, is_local=False)
    dead_runs.apply_watch(client, is_local=False)
    (watch,) = client.read_automations_by_name(dead_runs.NAME)
    assert watch.enabled
    dead_runs.apply_watch(client, is_local=True)
    assert client.read_automations_by_name(dead_runs.NAME) == []


def test_three_heartbeats_may_be_missed() -> None:
    for deployment in definitions.read():
        every = deployment["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]
        assert dead_runs.SILENCE.seconds > 3 * int(every)
