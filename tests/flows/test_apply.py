"""What is applied to a server is what stands in prefect.yaml and the settings, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from prefect import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
)

from commonplace import runs
from commonplace.config import Settings
from commonplace.errors import Refused
from commonplace.stack import server
from commonplace.stack.processes import Process
from deployments import alerts, definitions

Apply = Callable[[str], list[str]]


@pytest.fixture
def apply(prefect_api: Process, server_settings: Settings, tmp_path: Path) -> Apply:
    """Applies everything as `python -m deployments.apply` does, with the settings of a file."""

    def run(settings: str) -> list[str]:
        (tmp_path / "commonplace.toml").write_text(settings)
        environment = os.environ | server.client_environment(prefect_api, server_settings)
        command = [sys.executable, "-m", "deployments.apply"]
        ended = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.split()

    return run


def _schedules() -> dict[str, str]:
    """Every schedule that the server has for us, by slug."""
    with get_client(sync_client=True) as client:
        ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[definitions.TAG]))
        found = [s for d in client.read_deployments(deployment_filter=ours) for s in d.schedules]
    return {str(schedule.slug): schedule.schedule.cron for schedule in found}  # type: ignore[union-attr]


def test_every_deployment_is_there_and_removed_schedules_disappear(apply: Apply) -> None:
    assert len(apply("")) == len(definitions.read())
    assert _schedules()["nightly"] == "0 3 * * *"
    apply('[schedule]\npipeline = "5 5 * * *"\nmaintain = ""\n')
    assert _schedules()["nightly"] == "5 5 * * *"
    assert "maintain" not in _schedules()
    apply("")
    assert _schedules()["maintain"] == "30 4 * * 0"


def test_the_server_makes_the_runs_that_are_scheduled(apply: Apply) -> None:
    """Which it does not with every version of the libraries it stands on."""
    apply('[schedule]\nimport_exports = "* * * * *"\n')
    with get_client(sync_client=True) as client:
        inbox = client.read_deployment_by_name("import-exports/inbox")
        one = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[inbox.id]))
        deadline = time.monotonic() + 60
        while not (waiting := client.read_flow_runs(flow_run_filter=one)):
            assert time.monotonic() < deadline, "the server scheduled nothing"
            time.sleep(0.5)
    assert {run.state_name for run in waiting} <= {"Scheduled", "Late"}
    apply("")


def test_alerts_come_and_go_with_the_settings(apply: Apply) -> None:
    def found() -> set[str]:
        with get_client(sync_client=True) as client:
            names = (alerts.FAILED, alerts.MISSING)
            return {automation.name for name in names for automation in client.read_automations_by_name(name)}

    apply('[alerts]\nwebhook = "https://alerts.example/hook"\nmissing_after_hours = 30\n')
    assert found() == {alerts.FAILED, alerts.MISSING}
    apply("")
    assert found() == set()


def test_prefects_own_command_finds_the_server_by_its_home(apply: Apply, server_settings: Settings) -> None:
    apply("")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    asked = subprocess.run(
        [sys.executable, "-m", "prefect", "deployment", "inspect", "sync/on-demand", "--output", "json"],
        env=plain | {"PREFECT_HOME": str(server.folder(server_settings))},
        capture_output=True,
        text=True,
        timeout=60,
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
