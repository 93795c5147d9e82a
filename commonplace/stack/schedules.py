"""Whether a server plans the runs that its schedules ask for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from commonplace.stack.api import Api

TAG = "commonplace"
SETTLING = timedelta(minutes=2)
"""A scheduler may take so long to notice a new schedule."""


def without_runs(api: Api) -> list[str] | None:
    """Our deployments whose schedule is active and which have no run in the future. None: the server does not say."""
    ours = {"deployments": {"tags": {"all_": [TAG]}}}
    deployments = api.ask("deployments/filter", ours)
    planned = api.ask("flow_runs/filter", ours | {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}})
    if deployments is None or planned is None:
        return None
    have_runs = {run["deployment_id"] for run in planned}
    return sorted(_name(api, each) for each in deployments if _expects_runs(each) and each["id"] not in have_runs)


def _expects_runs(deployment: dict[str, Any]) -> bool:
    """Whether a deployment is scheduled, and was before a moment ago."""
    changed = datetime.fromisoformat(deployment["updated"].replace("Z", "+00:00"))
    is_settled = changed < datetime.now(UTC) - SETTLING
    is_active = any(schedule["active"] for schedule in deployment["schedules"])
    return is_settled and is_active and not deployment.get("paused")


def _name(api: Api, deployment: dict[str, Any]) -> str:
    flows = api.ask("flows/filter", {"flows": {"id": {"any_": [deployment["flow_id"]]}}}) or [{}]
    return f"{flows[0].get('name', 'flow')}/{deployment['name']}"
