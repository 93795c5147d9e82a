"""Make a Prefect server know everything of ours: block types, the work pool, deployments with their schedules, alerts.

What was removed from `prefect.yaml` or from the settings is removed from the server; Prefect's own `deploy` leaves
schedules and deployments behind that are no longer in the file. What others made there (schedules, deployments, the
rest of the work pool's template) is theirs and stays, and what a person switched off stays off: a variable on the
server says what was applied before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import CronSchedule
from prefect.context import SyncClientContext
from prefect.deployments.runner import RunnerDeployment
from prefect.events.schemas.deployment_triggers import DeploymentEventTrigger
from prefect.exceptions import ObjectNotFound
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.processutils import command_to_string
from prefect.variables import Variable
from prefect.workers.process import ProcessWorker

import blocks
from commonplace.config import Settings, load
from commonplace.stack import server
from deployments import choices, queues
from deployments.alerts import apply_alerts, called
from deployments.dead_runs import apply_watch
from deployments.definitions import TAG, flow_of, name_of, read, schedules_of

APPLIED = "commonplace_applied"
"""The variable that says which deployments and schedules are ours."""
ENGINE = "-m prefect.engine"


def apply(settings: Settings) -> list[str]:
    """Apply everything to the server of the environment; the names of the deployments."""
    is_local = server.is_local(settings)
    settings, offered = choices.with_added(settings)
    with SyncClientContext.get_or_create() as opened:  # one client for all that Prefect asks as well
        client = opened.client
        register_blocks()
        ensure_pool(client, is_local=is_local)
        queues.ensure_queues(client, TAG)
        before: dict[str, list[str]] = Variable.get(APPLIED, {})
        applied: dict[str, list[str]] = {}
        for definition in read():
            flow = flow_of(definition)
            named = flow.with_options(name=name_of(flow.name, is_local=is_local))
            slugs = before.get(f"{named.name}/{definition['name']}", [])
            applied |= _apply_one(client, named, definition, settings, slugs, offered)
        _remove(client, before.keys() - applied.keys())
        Variable.set(APPLIED, applied, overwrite=True)
        apply_alerts(client, settings, is_local=is_local)
        apply_watch(client, is_local=is_local)
    return list(applied)


def register_blocks() -> None:
    for block in blocks.ALL.values():
        block.register_type_and_schema()


def ensure_pool(client: SyncPrefectClient, *, is_local: bool) -> None:
    """The work pool. Of one that is there, only the command is ours, and only where it is Prefect's engine.

    Unless a command is named, a process worker prepares a workspace in one process and runs the flow in a second, which
    imports Prefect twice. Our flows are installed packages and need no workspace. A worker on another machine has its
    Python elsewhere, so there the choice is the worker's.
    """
    command = command_to_string([sys.executable, "-P", *ENGINE.split()]) if is_local else None
    try:
        pool = client.read_work_pool(TAG)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        template["variables"]["properties"]["command"]["default"] = command
        client.create_work_pool(WorkPoolCreate(name=TAG, type="process", base_job_template=template))
        return
    template = pool.base_job_template
    ours = template.get("variables", {}).get("properties", {}).get("command", {})
    if pool.type == "process" and str(ours.get("default", "")).endswith(ENGINE) and ours["default"] != command:
        ours["default"] = command
        client.update_work_pool(TAG, WorkPoolUpdate(base_job_template=template))


def _apply_one(
    client: SyncPrefectClient,
    flow: Flow[..., Any],
    definition: dict[str, Any],
    settings: Settings,
    slugs_before: list[str],
    offered: dict[str, list[str]],
) -> dict[str, list[str]]:
    """Apply one deployment: its name, and the slugs of its schedules."""
    limit = definition.get("concurrency_limit")
    triggers = [DeploymentEventTrigger.model_validate(trigger) for trigger in definition.get("triggers") or []]
    deployment: RunnerDeployment = flow.to_deployment(  # type: ignore[assignment]  # not awaitable outside a loop
        name=definition["name"],
        description=definition.get("description"),
        tags=definition.get("tags"),
        parameters=definition.get("parameters") or {},
        concurrency_limit=ConcurrencyLimitConfig(
            limit=limit["limit"], collision_strategy=ConcurrencyLimitStrategy(limit["collision_strategy"])
        )
        if limit
        else None,
        triggers=[*triggers],
        work_pool_name=definition["work_pool"]["name"],
        work_queue_name=definition["work_pool"]["work_queue_name"],
        job_variables=definition["work_pool"].get("job_variables"),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    deployment.model_fields_set.discard("schedules")  # an empty list would remove those that others made
    choices.narrow(deployment._parameter_openapi_schema.properties, offered)
    off = [each.name for each in called(client, [str(trigger.name) for trigger in triggers]) if not each.enabled]
    identity = deployment.apply()
    assert isinstance(identity, UUID)
    for automation in called(client, off):
        client.pause_automation(automation.id)
    wanted = schedules_of(definition, settings)
    _apply_schedules(client, identity, wanted, slugs_before)
    return {f"{flow.name}/{definition['name']}": [schedule["slug"] for schedule in wanted]}


def _apply_schedules(
    client: SyncPrefectClient, deployment: UUID, wanted: list[dict[str, Any]], slugs_before: list[str]
) -> None:
    """Each schedule as it is wanted; of the others, those go that were applied before."""
    schedules = {each["slug"]: CronSchedule(cron=each["cron"], timezone=each["timezone"]) for each in wanted}
    for found in client.read_deployment_schedules(deployment):
        schedule = schedules.pop(found.slug or "", None)
        if schedule is None and found.slug in slugs_before:
            client.delete_deployment_schedule(deployment, found.id)
        elif schedule is not None and found.schedule != schedule:
            client.update_deployment_schedule(deployment, found.id, active=found.active, schedule=schedule)
    if schedules:
        new = [DeploymentScheduleCreate(slug=slug, schedule=schedule) for slug, schedule in schedules.items()]
        client.create_deployment_schedules(deployment, new)


def _remove(client: SyncPrefectClient, names: Iterable[str]) -> None:
    """Remove deployments that were applied before."""
    for name in names:
        with suppress(ObjectNotFound):
            client.delete_deployment(client.read_deployment_by_name(name).id)


def main() -> None:
    settings, _ = load()
    for name in apply(settings):
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
