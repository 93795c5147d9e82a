"""Find each conversation's project."""

from __future__ import annotations

from typing import Any

import msgspec
from prefect import flow
from prefect.events import emit_event

from commonplace.session import Session
from commonplace.stages.mapping import stage
from commonplace.stages.selection import Selection
from flows import reports
from flows.bounds import selection_of
from flows.forms import Force, Limit, Owner, ProjectName, Since, Until
from flows.hooks.noting import note
from flows.runner import RUNNER
from flows.running import conclude, named, working_for
from flows.work import ByTasks
from tasks.map_projects import STEPS

SUMMARY = ("conversations", "decided", "new_projects", "named", "suggested", "orphans", "cost_usd")


@flow(name="map-projects", flow_run_name=named("map"), task_runner=RUNNER)
def map_projects(
    since: Since = None,
    until: Until = None,
    project: ProjectName = None,
    limit: Limit = None,
    force: Force = False,
    owner: Owner = None,
) -> dict[str, Any]:
    """Decide which project each conversation belongs to: a person's word, ids, titles, custom GPTs, then likeness.

    Args:
        since: Only conversations updated on or after this day.
        until: Only conversations updated before this day.
        project: Only this project, by name or id.
        limit: At most so many conversations.
        force: Decide again what is decided; a person's word stays.
        owner: The user whose conversations it is about, by name. None: the owner of the server.
    """
    with working_for(owner) as opened:
        selection = selection_of(opened, since=since, until=until, project=project, limit=limit, force=force)
        report = run(opened, selection)
        assigned = sum(report["assigned"].values())
        name = f"map: {assigned} assigned, {report['suggested']} suggested, {report['orphans']} orphans"
        return conclude(opened, report, name=name, handled=report["decided"], failed=0)


def run(session: Session, selection: Selection) -> dict[str, Any]:
    """The stage by tasks, its artifacts and its event."""
    ended = stage.map_projects(session, selection, work=ByTasks(session, STEPS))
    report: dict[str, Any] = msgspec.to_builtins(ended)
    publish(report)
    if report["suggested"]:
        note(session, "project.suggested", {"suggested": report["suggested"]})
    emit_event("commonplace.map.completed", resource={"prefect.resource.id": "commonplace.archive"})
    return report


def publish(report: dict[str, Any]) -> None:
    """The run's artifacts: how many conversations each rule placed, and what likeness was measured to be worth."""
    shares = report["assigned"] | {"suggested": report["suggested"], "orphans": report["orphans"]}
    learned = [(key, value) for key, value in (report["learned"] or {}).items() if isinstance(value, int | float)]
    reports.publish(
        "map",
        {key: report[key] for key in SUMMARY},
        [
            *reports.problems("What was not bought or placed", [(why,) for why in report["errors"]], ["why"]),
            reports.chart("Placed by", shares),
            *reports.problems("What likeness learned", learned, ["what", "value"]),
        ],
    )
