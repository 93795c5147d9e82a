"""`prefect.yaml` as data, with the settings' schedules in the place of its own."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import yaml
from prefect import Flow

from commonplace.config import Settings
from commonplace.errors import Refused
from deployments.queues import PRIORITIES
from flows import turns

FILE = Path(__file__).parents[1] / "prefect.yaml"
TAG = turns.OURS
OURS = {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TAG}"}
"""What the events of our deployments' runs are related to."""

# Which setting changes the schedule with which slug.
SCHEDULE_SLUGS = {"import_exports": "inbox", "pipeline": "nightly"} | {
    name: name.replace("_", "-")
    for name in (
        "watch",
        "remind_export",
        "collect_batches",
        "receive_omi",
        "reconcile_omi",
        "deliver_hooks",
        "maintain",
    )
}


def read(file: Path = FILE) -> list[dict[str, Any]]:
    """The deployments of `prefect.yaml`, as they stand there."""
    if not file.is_file():  # installed as a package: the file travels inside it
        file = Path(__file__).parent / "prefect.yaml"
    deployments: list[dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))["deployments"]
    return deployments


def flow_of(deployment: dict[str, Any]) -> Flow[..., Any]:
    """The flow that a deployment's entrypoint names."""
    module, _, name = str(deployment["entrypoint"]).rpartition(".")
    flow = getattr(import_module(module), name, None)
    if not isinstance(flow, Flow):
        raise Refused(f"{deployment['entrypoint']} is not a flow.", hint="Correct its entrypoint in prefect.yaml.")
    return flow


def name_of(flow: str, *, is_local: bool) -> str:
    """What a flow is called on a server: one that others share may have flows of the same name."""
    return flow if is_local else f"{TAG}-{flow}"


def schedules_of(deployment: dict[str, Any], settings: Settings) -> list[dict[str, Any]]:
    """A deployment's schedules as the settings want them: another cron line, the person's time zone, or none."""
    wanted = {SCHEDULE_SLUGS[name]: cron for name, cron in msgspec.structs.asdict(settings.schedule).items()}
    if not settings.is_watching:
        wanted["watch"] = ""
    if not (settings.mail.host or settings.reminders.poke or settings.reminders.mail or settings.hooks):
        wanted["remind-export"] = ""
    found = []
    for schedule in deployment.get("schedules") or []:
        cron = wanted.get(schedule["slug"], schedule["cron"])
        if cron:
            found.append({**schedule, "cron": cron, "timezone": zone_name(settings)})
    return found


def zone_name(settings: Settings) -> str:
    """The settings' time zone by a name that a server anywhere understands."""
    if settings.timezone != "local":
        return settings.timezone
    try:
        return str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2] or "UTC"
    except OSError:
        return "UTC"


def problems(deployments: list[dict[str, Any]]) -> list[str]:
    """What in `prefect.yaml` does not fit the flows: entrypoints, parameters, schedules, pools, names."""
    found = []
    seen: set[tuple[str, str]] = set()
    for deployment in deployments:
        name = f"{deployment['entrypoint']}/{deployment['name']}"
        try:
            flow = flow_of(deployment)
        except (ImportError, Refused) as error:
            found.append(f"{name}: {error}")
            continue
        if (flow.name, deployment["name"]) in seen:
            found.append(f"{name}: named twice")
        seen.add((flow.name, deployment["name"]))
        known = set(flow.parameters.properties)
        for source, parameters in _parameters_in(deployment):
            found += [f"{name}: {source} sets {key!r}, which the flow does not have" for key in set(parameters) - known]
        found += _shape_problems(name, deployment)
    slugs = {schedule["slug"] for deployment in deployments for schedule in deployment.get("schedules") or []}
    missing = {slug for slug in SCHEDULE_SLUGS.values() if slug not in slugs}
    found += [f"[schedule] sets {slug!r}, which no schedule in prefect.yaml is called" for slug in sorted(missing)]
    return found


def _parameters_in(deployment: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    sources = [("parameters", deployment.get("parameters") or {})]
    sources += [(f"schedule {s['slug']}", s.get("parameters") or {}) for s in deployment.get("schedules") or []]
    sources += [(f"trigger {t['name']}", t.get("parameters") or {}) for t in deployment.get("triggers") or []]
    return sources


def _shape_problems(name: str, deployment: dict[str, Any]) -> list[str]:
    found = []
    if TAG not in deployment.get("tags", []):
        found.append(f"{name}: lacks the tag {TAG!r}, so it would not be removed with this file")
    if (deployment.get("work_pool") or {}).get("name") != TAG:
        found.append(f"{name}: names another work pool than {TAG!r}")
    if (deployment.get("work_pool") or {}).get("work_queue_name") not in PRIORITIES:
        found.append(f"{name}: names no queue, so that it is not known what it gives way to")
    for schedule in deployment.get("schedules") or []:
        if not {"cron", "timezone", "slug"} <= schedule.keys():
            found.append(f"{name}: a schedule needs cron, timezone and slug")
    return found
