"""Find each conversation's project."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

import msgspec
from prefect import flow
from prefect.events import emit_event

from commonplace.archive.leases import hold
from commonplace.stages import map_ as stage
from commonplace.stages.selection import Selection, chunk_name, partition
from flows import reports
from flows.bounds import selection_of
from flows.running import RUNNER, conclude, work_through
from tasks.house import House, open_house
from tasks.map_projects import compute_vectors, learn_projects, name_projects, place_by_likeness, place_by_rules

SMALLEST_CHUNK = 500


@flow(name="map-projects", flow_run_name="map-projects", task_runner=RUNNER)
def map_projects(
    since: date | None = None,
    until: date | None = None,
    project: str | None = None,
    limit: int | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Decide which project each conversation belongs to: a person's word, ids, titles, custom GPTs, then likeness.

    Args:
        since: Only conversations updated on or after this day.
        until: Only conversations updated before this day.
        project: Only this project, by name or id.
        limit: At most so many conversations.
        force: Decide again what is decided; a person's word stays.
    """
    report, errors = map_now(selection_of(since=since, until=until, project=project, limit=limit, force=force))
    assigned = sum(report["assigned"].values())
    name = f"map: {assigned} assigned, {report['suggested']} suggested, {report['orphans']} orphans"
    return conclude(report, name=name, handled=report["decided"], failed=0, errors=errors)


def map_now(selection: Selection) -> tuple[dict[str, Any], list[Exception]]:
    """The stage under its lease: sure rules, then likeness for what they left, then names."""
    started = time.monotonic()
    with open_house() as house, hold(house.archive, f"map:{house.archive.owner}"):
        sure = place_by_rules(msgspec.to_builtins(selection))
        errors, learned = _place_the_rest(house, sure["left"])
        named = name_projects()
        found = stage.describe(house.archive, selection)
    found.decided, found.named = sure["decided"] + len(sure["left"]), named
    found.new_projects = sure["new_projects"]
    found.seconds = round(time.monotonic() - started, 3)
    report: dict[str, Any] = msgspec.to_builtins(found) | {"learned": learned or None}
    publish(report)
    emit_event("commonplace.map.completed", resource={"prefect.resource.id": "commonplace.archive"})
    return report, errors


def _place_the_rest(house: House, left: list[str]) -> tuple[list[Exception], dict[str, Any]]:
    if not left:
        return [], {}

    def named(chunk: Any) -> dict[str, Any]:
        return {"chunk": chunk_name(chunk), "ids": list(chunk)}

    errors: list[Exception] = []
    if house.settings.projects.similarity:
        missing = partition(stage.needing_vectors(house.archive, left), smallest=SMALLEST_CHUNK)
        errors += work_through(compute_vectors, missing, label="vectors", arguments=named).errors
    learned = learn_projects()
    chunks = partition(left, smallest=SMALLEST_CHUNK)
    errors += work_through(place_by_likeness, chunks, label="map", arguments=named).errors
    return errors, learned


def publish(report: dict[str, Any]) -> None:
    """The run's artifacts: how many conversations each rule placed, and what likeness was measured to be worth."""
    shares = report["assigned"] | {"suggested": report["suggested"], "orphans": report["orphans"]}
    learned = [(key, value) for key, value in (report["learned"] or {}).items() if isinstance(value, int | float)]
    reports.publish(
        "map",
        {key: report[key] for key in ("conversations", "decided", "new_projects", "named", "suggested", "orphans")},
        [reports.chart("Placed by", shares), *reports.problems("What likeness learned", learned, ["what", "value"])],
    )
