"""prefect.yaml fits the flows, and the settings' schedules take its place."""

from __future__ import annotations

import asyncio
import json
import re
from configparser import ConfigParser
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import yaml
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.settings.models.server.ui import ServerUISettings
from prefect.utilities.callables import parameter_schema
from prefect_kubernetes.worker import KubernetesWorkerJobConfiguration

from commonplace import runs
from commonplace.categorize import registry
from commonplace.config import MailSettings, ReminderSettings, ScheduleSettings, WatchSettings, load
from deployments import definitions
from flows.categorize import categorize

DEPLOYMENTS = definitions.read()
FOLDER = Path(__file__).parents[2] / "deployments"


def test_every_deployment_fits_its_flow() -> None:
    assert definitions.problems(DEPLOYMENTS) == []


def test_whoever_names_a_flow_alone_means_a_deployment_that_there_is() -> None:
    there = {(definitions.flow_of(one).name, one["name"]) for one in DEPLOYMENTS}
    assert {(flow, runs.default_deployment(flow)) for flow in runs.FLOWS} <= there


def test_the_form_of_a_run_offers_every_judge_there_is() -> None:
    asked = parameter_schema(categorize).properties["judge"]
    assert asked["anyOf"] == [{"enum": registry.kinds(), "type": "string"}, {"type": "null"}]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: f"{d['entrypoint']}/{d['name']}")
def test_a_person_understands_every_line_of_a_runs_form(deployment: dict[str, Any]) -> None:
    for name, shown in parameter_schema(definitions.flow_of(deployment)).properties.items():
        assert shown["title"] != name
        assert shown["title"][0].isupper(), name
        assert "_" not in shown["title"], name
        assert shown["description"].endswith("."), name


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"entrypoint": "flows.sync.sink"}, "is not a flow"),
        ({"entrypoint": "flows.nowhere.sync"}, "No module named"),
        ({"parameters": {"destinaton": "notion"}}, "sets 'destinaton'"),
        ({"work_pool": {"name": "elsewhere"}}, "another work pool"),
        ({"schedules": [{"cron": "0 0 * * *", "slug": "x"}]}, "needs cron, timezone and slug"),
        ({"tags": []}, "lacks the tag"),
    ],
)
def test_a_misfit_is_found(change: dict[str, Any], expected: str) -> None:
    sync = next(d for d in DEPLOYMENTS if d["entrypoint"] == "flows.sync.sync")
    assert any(
        expected in problem for problem in definitions.problems([*DEPLOYMENTS, {**sync, "name": "odd", **change}])
    )


def test_the_defaults_of_the_settings_are_the_schedules_of_the_file() -> None:
    settings, _ = load({"COMMONPLACE_HOME": "/nowhere"})
    in_file = {s["slug"]: s["cron"] for d in DEPLOYMENTS for s in d.get("schedules") or []}
    by_settings = {
        definitions.SCHEDULE_SLUGS[name]: cron for name, cron in msgspec.structs.asdict(settings.schedule).items()
    }
    assert by_settings == in_file


def test_settings_move_and_remove_schedules() -> None:
    settings, _ = load({"COMMONPLACE_HOME": "/nowhere"})
    changed = msgspec.structs.replace(
        settings,
        timezone="Europe/Berlin",
        schedule=ScheduleSettings(pipeline="15 1 * * *", maintain=""),
    )
    found = [s for d in DEPLOYMENTS for s in definitions.schedules_of(d, changed)]
    by_slug = {s["slug"]: s for s in found}
    assert by_slug["nightly"]["cron"] == "15 1 * * *"
    assert by_slug["nightly"]["timezone"] == "Europe/Berlin"
    assert "maintain" not in by_slug


def test_folders_are_looked_at_only_where_some_are_watched() -> None:
    settings, _ = load({"COMMONPLACE_HOME": "/nowhere"})
    watching = msgspec.structs.replace(settings, watch=WatchSettings(histories=("codex",)))
    slugs = [
        {s["slug"] for d in DEPLOYMENTS for s in definitions.schedules_of(d, each)} for each in (settings, watching)
    ]
    assert slugs[1] - slugs[0] == {"watch"}


def test_nobody_is_reminded_by_a_run_where_nobody_wants_to_be_told() -> None:
    settings, _ = load({"COMMONPLACE_HOME": "/nowhere"})
    told = [{"reminders": ReminderSettings(poke="poke")}, {"reminders": ReminderSettings(mail="me@mine.org")}]
    wishes: list[dict[str, Any]] = [{}, {"mail": MailSettings(host="h")}, *told]
    for wish in wishes:
        changed = msgspec.structs.replace(settings, **wish)
        slugs = {s["slug"] for d in DEPLOYMENTS for s in definitions.schedules_of(d, changed)}
        assert ("remind-export" in slugs) is bool(wish)


def test_compose_runs_what_there_is() -> None:
    compose = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    services = compose["services"]
    assert {"postgres", "prefect", "apply", "worker"} <= services.keys()
    for service in services.values():
        for needed in service.get("depends_on", {}):
            assert needed in services
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"]
    # Nothing but the loopback interface of the host is bound.
    assert all(port.startswith("127.0.0.1:") for s in services.values() for port in s.get("ports", []))
    assert services["prefect"]["environment"]["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] != "*"


def test_the_example_names_every_variable_that_compose_wants() -> None:
    compose = (FOLDER / "compose.yaml").read_text()
    wanted = set(re.findall(r"\$\{(\w+)", compose))
    named = set(re.findall(r"^#? ?(\w+)=", (FOLDER.parent / ".env.example").read_text(), re.MULTILINE))
    assert wanted <= named
    must_be_set = set(re.findall(r"\$\{(\w+):\?", compose))
    assert all(name in compose.partition("name: commonplace")[0] for name in must_be_set)


def test_the_image_can_write_what_its_prefect_ui_is_served_from() -> None:
    variables = re.search(r"PREFECT_UI_STATIC_DIRECTORY=(\S+)", (FOLDER / "Dockerfile").read_text())
    assert variables
    assert variables[1].startswith("/data/"), "the one folder that the image's user owns"
    assert ServerUISettings.model_validate({"prefect_ui_static_directory": variables[1]}).static_directory


def test_the_dockerfile_copies_every_package() -> None:
    copied = {line.split()[1] for line in (FOLDER / "Dockerfile").read_text().splitlines() if line.startswith("COPY")}
    assert {"commonplace", "blocks", "tasks", "flows", "deployments"} <= copied


def test_the_kubernetes_template_is_accepted_by_its_worker() -> None:
    template = json.loads((FOLDER / "kubernetes" / "work-pool.json").read_text())
    text = json.dumps(template["job_configuration"])
    named = {part.split("}}")[0].strip() for part in text.split("{{")[1:]}
    assert named <= template["variables"]["properties"].keys()
    configuration = asyncio.run(
        KubernetesWorkerJobConfiguration.from_template_and_values(
            base_job_template=template, values={"env": {"A": "b"}}, client=PrefectClient("http://127.0.0.1:9/api")
        )
    )
    configuration.prepare_for_flow_run(FlowRun(id=uuid4(), flow_id=uuid4(), name="a-run"))
    (container,) = configuration.job_manifest["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["python", "-m", "prefect.engine"]
    assert {"name": "A", "value": "b"} in container["env"]


def test_the_kubernetes_worker_serves_our_pool() -> None:
    values = yaml.safe_load((FOLDER / "kubernetes" / "values.yaml").read_text())
    assert values["worker"]["config"]["workPool"] == definitions.TAG


@pytest.mark.parametrize("unit", sorted((FOLDER / "systemd").glob("*.service")), ids=lambda path: path.stem)
def test_systemd_units_are_complete(unit: Path) -> None:
    parser = ConfigParser(interpolation=None)
    parser.read_string(unit.read_text())
    assert parser["Service"]["ExecStart"].split()[0].startswith("%h/")
    assert parser["Install"]["WantedBy"] == "default.target"


@pytest.mark.parametrize("workflow", sorted((FOLDER.parent / ".github/workflows").glob("*.yml")), ids=lambda p: p.stem)
def test_workflows_read_no_more_than_they_need(workflow: Path) -> None:
    content = yaml.safe_load(workflow.read_text())
    assert content["permissions"] == {"contents": "read"}
    for job in content["jobs"].values():
        assert job["timeout-minutes"] <= 60
