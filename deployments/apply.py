"""Make a Prefect server know everything of ours: block types, the work pool, deployments with their schedules, alerts.

What was removed from `prefect.yaml` or from the settings is removed from the server; Prefect's own `deploy` leaves
schedules and deployments behind that are no longer in the file.
"""

from __future__ import annotations

import os
import sys
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.events.schemas.deployment_triggers import DeploymentEventTrigger
from prefect.exceptions import ObjectNotFound
from prefect.types.entrypoint import EntrypointType
from prefect.workers.process import ProcessWorker

import blocks
from commonplace.config import Settings, load
from commonplace.stack import processes, server
from deployments.alerts import apply_alerts
from deployments.dead_runs import apply_watch
from deployments.definitions import TAG, flow_of, read, schedules_of


def apply(settings: Settings) -> list[str]:
    """Apply everything to the server of the environment; the names of the deployments."""
    with get_client(sync_client=True) as client:
        register_blocks()
        ensure_pool(client)
        names = {_apply_one(client, deployment, settings): None for deployment in read()}
        _remove_others(client, set(names))
        apply_alerts(client, settings)
        apply_watch(client, is_local=_is_local(settings))
    return list(names)


def _is_local(settings: Settings) -> bool:
    """Whether the server is the one that this home started."""
    known = processes.recorded(server.records(settings), "server")
    return os.environ.get("PREFECT_API_URL") in {server.api_url(each) for each in known}


def register_blocks() -> None:
    for block in blocks.ALL.values():
        block.register_type_and_schema()


def ensure_pool(client: SyncPrefectClient) -> None:
    """The work pool, a process pool whose runs start in one step.

    Unless a command is named, a process worker prepares a workspace in one process and runs the flow in a second, which
    imports Prefect twice. Our flows are installed packages and need no workspace.
    """
    template = ProcessWorker.get_default_base_job_template()
    template["variables"]["properties"]["command"]["default"] = f"{sys.executable} -m prefect.engine"
    try:
        pool = client.read_work_pool(TAG)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=TAG, type="process", base_job_template=template))
    else:
        if pool.type == "process" and pool.base_job_template != template:
            client.update_work_pool(TAG, WorkPoolUpdate(base_job_template=template))


def _apply_one(client: SyncPrefectClient, definition: dict[str, Any], settings: Settings) -> str:
    flow = flow_of(definition)
    limit = definition.get("concurrency_limit")
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
        triggers=[DeploymentEventTrigger.model_validate(trigger) for trigger in definition.get("triggers") or []],
        work_pool_name=definition["work_pool"]["name"],
        job_variables=definition["work_pool"].get("job_variables"),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    identity = deployment.apply()
    assert isinstance(identity, UUID)
    _apply_schedules(client, identity, schedules_of(definition, settings))
    return f"{flow.name}/{definition['name']}"


def _apply_schedules(client: SyncPrefectClient, deployment: UUID, wanted: list[dict[str, Any]]) -> None:
    """Only the schedules that are wanted, each as it is wanted; untouched where nothing changed."""
    existing = client.read_deployment_schedules(deployment)
    schedules = {
        schedule["slug"]: CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]) for schedule in wanted
    }
    for found in existing:
        if found.slug not in schedules or found.schedule != schedules[found.slug]:
            client.delete_deployment_schedule(deployment, found.id)
        else:
            del schedules[found.slug]
    if schedules:
        new = [DeploymentScheduleCreate(slug=slug, schedule=schedule) for slug, schedule in schedules.items()]
        client.create_deployment_schedules(deployment, new)


def _remove_others(client: SyncPrefectClient, names: set[str]) -> None:
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    for found in client.read_deployments(deployment_filter=ours):
        flow = client.read_flow(found.flow_id)
        if f"{flow.name}/{found.name}" not in names:
            client.delete_deployment(found.id)


def main() -> None:
    settings, _ = load()
    for name in apply(settings):
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
