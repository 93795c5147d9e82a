"""Give conversations vectors, by which they are found in other words."""

from __future__ import annotations

from typing import Any

import msgspec
from prefect import flow
from prefect.events import emit_event

from commonplace.session import Session
from commonplace.stages import embedding as stage
from commonplace.stages.selection import Selection
from flows import reports
from flows.bounds import selection_of
from flows.forms import Force, Limit, Owner, ProjectName, Since, Until
from flows.runner import RUNNER
from flows.running import conclude, named, working_for
from flows.work import ByTasks
from tasks.embed import STEPS

SUMMARY = ("embedded", "unchanged", "passages", "tokens", "cost_usd")


@flow(name="embed", flow_run_name=named("embed"), task_runner=RUNNER)
def embed(
    since: Since = None,
    until: Until = None,
    project: ProjectName = None,
    limit: Limit = None,
    force: Force = False,
    owner: Owner = None,
) -> dict[str, Any]:
    """Make vectors of what is new or changed, the newest first; only new passages are given to the model.

    Args:
        since: Only conversations updated on or after this day.
        until: Only conversations updated before this day.
        project: Only this project, by name or id.
        limit: At most so many conversations.
        force: Look again at what is done; passages that have a vector keep it.
        owner: The user whose conversations it is about, by name. None: the owner of the server.
    """
    with working_for(owner) as opened:
        selection = selection_of(opened, since=since, until=until, project=project, limit=limit, force=force)
        report = run(opened, selection)
        name = f"embed: {report['embedded']} conversations, {report['passages']} passages"
        return conclude(opened, report, name=name, handled=report["embedded"], failed=0)


def run(session: Session, selection: Selection) -> dict[str, Any]:
    """The stage by tasks, its artifacts and its event."""
    ended = stage.embed_pending(session, selection, work=ByTasks(session, STEPS))
    report: dict[str, Any] = msgspec.to_builtins(ended)
    failures = reports.problems("What was not embedded", [(why,) for why in report["errors"]], ["why"])
    reports.publish("embed", {key: report[key] for key in SUMMARY}, failures)
    emit_event("commonplace.embed.completed", resource={"prefect.resource.id": "commonplace.archive"})
    return report
