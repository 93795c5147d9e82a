"""Give conversations their category, tags, summary and insights."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from prefect import flow
from prefect.events import emit_event
from pydantic import Field

from commonplace.archive.figures.statistics import count_by
from commonplace.categorize import registry
from commonplace.session import Session
from commonplace.stages.categorizing import stage
from commonplace.stages.selection import Selection
from flows import reports
from flows.bounds import selection_of
from flows.forms import Force, Limit, Owner, ProjectName, Since, Until, titled
from flows.hooks.noting import note
from flows.runner import RUNNER
from flows.running import conclude, named, working_for
from flows.work import ByTasks
from tasks.categorize import STEPS

JudgeName = Annotated[str, Field(json_schema_extra={"enum": list(registry.kinds())})]
"""The form of a run offers the judges that there are."""
COUNTS = ("judged", "unchanged", "failed", "review")
SOMETIMES = ("submitted", "under_way", "lost", "stopped")


@flow(name="categorize", flow_run_name=named("categorize"), task_runner=RUNNER)
def categorize(
    judge: Annotated[JudgeName | None, titled("Judge")] = None,
    taxonomy: Annotated[str | None, titled("Set of categories")] = None,
    since: Since = None,
    until: Until = None,
    project: ProjectName = None,
    limit: Limit = None,
    max_cost: Annotated[float | None, titled("At most so many US dollars")] = None,
    upgrade: Annotated[bool, titled("Judge again what another judge decided")] = False,
    force: Force = False,
    owner: Owner = None,
) -> dict[str, Any]:
    """Have conversations judged that were not, or that changed since.

    Args:
        judge: Who decides: local, openai, openai-batch, compatible, or one of another package. None: as the settings
            say.
        taxonomy: The set of categories, by name. None: as the settings say.
        since: Only conversations updated on or after this day.
        until: Only conversations updated before this day.
        project: Only this project, by name or id.
        limit: At most so many conversations.
        max_cost: US dollars this run may spend. None: as the settings say.
        upgrade: Judge again what another judge decided.
        force: Judge again what is judged.
        owner: The user whose conversations it is about, by name. None: the owner of the server.
    """
    with working_for(owner) as opened:
        selection = selection_of(opened, since=since, until=until, project=project, limit=limit, force=force)
        wishes = {"judge": judge, "taxonomy": taxonomy, "max_cost": max_cost, "upgrade": upgrade}
        report = run(opened, selection, **wishes)
        return conclude(
            opened,
            report,
            name=f"categorize: {report['judged']} judged, {report['review']} to review",
            handled=report["judged"] + report["failed"],
            failed=report["failed"],
        )


def run(session: Session, selection: Selection, **wishes: Any) -> dict[str, Any]:
    """The stage by tasks, its artifacts and its event."""
    ended = stage.categorize(session, selection, work=ByTasks(session, STEPS), **wishes)
    report: dict[str, Any] = msgspec.to_builtins(ended)
    publish(report, session)
    note(session, "categorize.completed", report)
    if report["review"]:
        note(session, "review.waiting", {"review": report["review"]})
    emit_event("commonplace.categorize.completed", resource={"prefect.resource.id": "commonplace.archive"})
    return report


def publish(report: dict[str, Any], session: Session) -> None:
    """The run's artifacts: counts, cost, the distribution over categories, and what could not be judged."""
    categories = {count.value or "(not yet)": count.conversations for count in count_by(session.archive, "category")}
    summary = {key: report[key] for key in COUNTS} | {f"{k}_tokens": v for k, v in report["tokens"].items()}
    summary |= {"cost_usd": report["cost_usd"], "judge": report["judge"], "taxonomy": report["taxonomy"]}
    not_judged = [(defect["item"], defect["reason"]) for defect in report["defects"]]
    reports.publish(
        "categorize",
        summary | {key: report[key] for key in SOMETIMES if report[key]},
        [
            reports.chart("Categories", categories),
            *reports.problems("Not judged", not_judged, ["conversation", "reason"]),
        ],
    )
