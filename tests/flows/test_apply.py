"""What is applied to a server is what stands in prefect.yaml and the settings, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolUpdate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
)
from prefect.client.schemas.schedules import CronSchedule

from commonplace import runs
from commonplace.config import Settings
from commonplace.errors import Refused
from commonplace.stack import server
from commonplace.stack.processes import Process
from deployments import alerts, definitions
from tests.flows.conftest import Apply


@pytest.fixture
def client(prefect_api: Process) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client


def _schedules(client: SyncPrefectClient) -> dict[str, str]:
    """Every schedule that the server has for us, by slug."""
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[definitions.TAG]))
    found = [s for d in client.read_deployments(deployment_filter=ours) for s in d.schedules]
    return {str(schedule.slug): schedule.schedule.cron for schedule in found}  # type: ignore[union-attr]


def test_every_deployment_is_there_and_removed_schedules_disappear(apply: Apply, client: SyncPrefectClient) -> None:
    assert len(apply("")) == len(definitions.read())
    assert _schedules(client)["nightly"] == "0 3 * * *"
    apply('[schedule]\npipeline = "5 5 * * *"\nmaintain = ""\n')
    assert _schedules(client)["nightly"] == "5 5 * * *"
    assert "maintain" not in _schedules(client)
    apply("")
    assert _schedules(client)["maintain"] == "30 4 * * 0"


def test_a_run_is_asked_for_without_importing_prefect(
    apply: Apply, client: SyncPrefectClient, prefect_api: Process, server_settings: Settings
) -> None:
    apply("")
    assert not server.request_run(prefect_api, server_settings, "receive-omi", "no such")
    assert server.request_run(prefect_api, server_settings, "receive-omi", "on-demand")
    asked = client.read_deployment_by_name("receive-omi/on-demand")
    one = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[asked.id]))
    (run,) = client.read_flow_runs(flow_run_filter=one)
    assert run.state_name in {"Scheduled", "Late"}
    client.delete_flow_run(run.id)


def test_the_server_makes_the_runs_that_are_scheduled(apply: Apply, client: SyncPrefectClient) -> None:
    """Which it does not with every version of the libraries it stands on."""
    apply('[schedule]\nimport_exports = "* * * * *"\n')
    inbox = client.read_deployment_by_name("import-exports/inbox")
    one = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[inbox.id]))
    deadline = time.monotonic() + 240
    while not (waiting := client.read_flow_runs(flow_run_filter=one)):
        assert time.monotonic() < deadline, "the server scheduled nothing"
        time.sleep(0.5)
    assert {run.state_name for run in waiting} <= {"Scheduled", "Late"}
    apply("")


def test_alerts_come_and_go_with_the_settings(apply: Apply, client: SyncPrefectClient) -> None:
    def found() -> set[str]:
        names = (alerts.FAILED, alerts.MISSING)
        return {automation.name for name in names for automation in client.read_automations_by_name(name)}

    apply('[alerts]\nwebhook = "https://alerts.example/hook"\nmissing_after_hours = 30\n')
    assert found() == {alerts.FAILED, alerts.MISSING}
    apply("")
    assert found() == set()


def test_the_form_of_a_run_offers_what_there_is_and_its_queue_says_what_it_gives_way_to(
    apply: Apply, client: SyncPrefectClient
) -> None:
    apply('[destinations.papers]\nkind = "markdown"\n')
    named = ("sync/on-demand", "categorize/on-demand", "pipeline/on-demand", "pipeline/nightly", "backfill/on-demand")
    found = [client.read_deployment_by_name(name) for name in named]
    sync, judging, several = ((each.parameter_openapi_schema or {})["properties"] for each in found[:3])
    assert sync["destination"]["enum"] == ["papers"]
    assert "everyday" in judging["taxonomy"]["anyOf"][0]["enum"]
    assert several["destinations"]["anyOf"][0]["items"]["enum"] == ["papers"]
    queues = {each.name: each.priority or 0 for each in client.read_work_queues(work_pool_name=definitions.TAG)}
    assert queues["asked"] < queues["due"] < queues["past"]
    assert [each.work_queue_name for each in found] == ["asked", "asked", "asked", "due", "past"]
    started = runs.start("sync", {"destination": "markdown"})  # which has come back to the settings since
    client.delete_flow_run(UUID(started.id))


def test_what_others_made_on_the_server_survives(apply: Apply, client: SyncPrefectClient) -> None:
    apply("")
    inbox = client.read_deployment_by_name("import-exports/inbox")
    theirs = DeploymentScheduleCreate(schedule=CronSchedule(cron="7 7 * * *"))
    client.create_deployment_schedules(inbox.id, [theirs])
    (ours,) = [schedule for schedule in inbox.schedules if schedule.slug == "inbox"]
    client.update_deployment_schedule(inbox.id, ours.id, active=False)
    copied = client.create_deployment(inbox.flow_id, name="a-copy", tags=list(inbox.tags))
    pool = client.read_work_pool(definitions.TAG)
    pool.base_job_template["variables"]["properties"]["working_dir"]["default"] = "/srv"
    client.update_work_pool(definitions.TAG, WorkPoolUpdate(base_job_template=pool.base_job_template))

    apply('[schedule]\nimport_exports = "*/30 * * * *"\n')

    found = client.read_deployment_schedules(inbox.id)
    assert {(each.slug, each.schedule.cron, each.active) for each in found} == {  # type: ignore[union-attr]
        (None, "7 7 * * *", True),
        ("inbox", "*/30 * * * *", False),
    }
    assert client.read_deployment(copied).name == "a-copy"
    template = client.read_work_pool(definitions.TAG).base_job_template
    assert template["variables"]["properties"]["working_dir"]["default"] == "/srv"
    client.delete_deployment(copied)


def test_automations_that_a_person_switched_off_stay_off(apply: Apply, client: SyncPrefectClient) -> None:
    text = '[alerts]\nwebhook = "https://alerts.example/hook"\n'
    apply(text)
    names = [alerts.FAILED, "Commonplace: an import brought something new"]
    for name in names:
        (automation,) = client.read_automations_by_name(name)
        assert automation.enabled
        client.pause_automation(automation.id)
    apply(text)
    assert [[found.enabled for found in client.read_automations_by_name(name)] for name in names] == [[False], [False]]
    for name in names:
        client.resume_automation(client.read_automations_by_name(name)[0].id)
    apply("")


def test_on_a_server_that_others_share_names_say_whose_they_are_and_commands_fit_every_machine(
    apply: Apply, client: SyncPrefectClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply("")
    assert sys.executable in str(client.read_work_pool(definitions.TAG).base_job_template)
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("COMMONPLACE_HOME", str(elsewhere))
    assert {name.partition("-")[0] for name in apply("")} == {"commonplace"}
    assert sys.executable not in str(client.read_work_pool(definitions.TAG).base_job_template)
    started = runs.start("maintain", {}, lent_in="0123456789abcdef")
    run = client.read_flow_run(UUID(started.id))
    assert client.read_flow(run.flow_id).name == "commonplace-maintain"
    assert run.job_variables == {"env": {"COMMONPLACE_LENT": "0123456789abcdef"}}
    client.delete_flow_run(UUID(started.id))


def test_prefects_own_command_finds_the_server_by_its_home(apply: Apply, server_settings: Settings) -> None:
    apply("")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    asked = subprocess.run(
        [sys.executable, "-m", "prefect", "deployment", "inspect", "sync/on-demand", "--output", "json"],
        env=plain | {"PREFECT_HOME": str(server.folder(server_settings))},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["name"] == "on-demand"


def test_wrong_parameters_are_told_before_a_run_is_made(prefect_api: Process) -> None:
    with pytest.raises(Refused, match="no parameter 'destinaton'"):
        runs.start("sync", {"destinaton": "markdown"})
    with pytest.raises(Refused, match="needs the parameter 'since'"):
        runs.start("backfill", {})
    with pytest.raises(Refused, match="limit"):
        runs.start("sync", {"limit": "many"})
    with pytest.raises(Refused, match="no flow"):
        runs.start("sink", {})
