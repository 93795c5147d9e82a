"""Write the archive to a destination."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import msgspec
from prefect import flow
from prefect.events import emit_event

from commonplace.destinations.registry import DEFAULT
from commonplace.session import Session
from commonplace.stages.selection import Selection
from commonplace.stages.syncing import stage
from commonplace.stages.syncing.pending import Wishes, wishes_of
from flows import assets, reports
from flows.bounds import selection_of
from flows.forms import Chosen, DryRun, Force, Limit, Owner, ProjectName, Since, Until, titled
from flows.hooks.noting import note
from flows.runner import RUNNER
from flows.running import conclude, named, working_for
from flows.work import ByTasks
from tasks.sync import STEPS

COUNTS = ("created", "updated", "unchanged", "failed", "uncertain", "conflicts", "pulled", "requests")
SOMETIMES = ("undecided", "baseline", "left_behind", "left_out")


@flow(name="sync", flow_run_name=named("sync {destination}"), task_runner=RUNNER)
def sync(
    destination: Annotated[str, titled("Destination")] = DEFAULT,
    since: Since = None,
    until: Until = None,
    project: ProjectName = None,
    chosen: Chosen = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    force: Force = False,
    retry_failed: Annotated[bool, titled("Try again what failed")] = False,
    everything: Annotated[bool, titled("Also what was there before the first run")] = False,
    resend: Annotated[list[str] | None, titled("Send again, by id")] = None,
    accept: Annotated[list[str] | None, titled("Take as arrived, by id")] = None,
    adopt: Annotated[list[str] | None, titled("Take the place of a lost archive, by its mark")] = None,
    agreed: Annotated[bool, titled("However many messages it makes")] = False,
    pull_only: Annotated[bool, titled("Only take in what happened there")] = False,
    owner: Owner = None,
) -> dict[str, Any]:
    """Bring conversations to a destination: only those that are not there as they are now.

    Args:
        destination: The destination's name in the settings, such as markdown or notion.
        since: Only conversations updated on or after this day.
        until: Only conversations updated before this day.
        project: Only this project, by name or id.
        chosen: Only what was chosen on the pages of the web app, by the name of the choice.
        limit: At most so many conversations.
        dry_run: Say what would be written, and write nothing.
        force: Write again what is there already.
        retry_failed: Try again what failed before, although nothing changed since.
        everything: Also what was in the archive before the first run, where that is left out.
        resend: Ids of what may have arrived or not, to be sent again.
        accept: Ids of what may have arrived or not, to be taken as arrived.
        adopt: Marks of archives that wrote there and are lost: this one goes on in their place.
        agreed: Send also more messages than the destination sends without being told to.
        pull_only: Take in what people changed or said there, and write nothing.
        owner: The user whose conversations it is about, by name. None: the owner of the server.
    """
    with working_for(owner) as opened:
        selection = selection_of(
            opened, since=since, until=until, project=project, chosen=chosen, limit=limit, force=force
        )
        wishes = wishes_of(
            retry_failed=retry_failed,
            everything=everything,
            resend=resend,
            accept=accept,
            adopt=adopt,
            agreed=agreed,
            pull_only=pull_only,
        )
        if dry_run:
            planned = preview(opened, destination, selection, wishes)
            return conclude(opened, planned, name=f"sync {destination}: dry run", handled=0, failed=0)
        report = run(opened, destination, selection, wishes)
        return conclude(
            opened,
            report,
            name=f"sync {destination}: {report['created']} created, {report['updated']} updated",
            handled=report["created"] + report["updated"] + report["failed"],
            failed=report["failed"],
        )


def run(session: Session, destination: str, selection: Selection, wishes: Wishes = Wishes()) -> dict[str, Any]:
    """The stage by tasks, its artifacts and its event."""
    ended = stage.sync(session, destination, selection, wishes, work=ByTasks(session, STEPS))
    report: dict[str, Any] = msgspec.to_builtins(ended)
    publish(report)
    note(session, "sync.completed", report)
    emit_event("commonplace.sync.completed", resource={"prefect.resource.id": f"commonplace.destination.{destination}"})
    if report["created"] + report["updated"]:
        assets.made(assets.destination(destination), of=assets.ARCHIVE, **{key: report[key] for key in COUNTS[:3]})
    return report


def preview(session: Session, destination: str, selection: Selection, wishes: Wishes) -> dict[str, Any]:
    """What a sync would do, counted by reason, and what it would take where the destination can tell."""
    planned = stage.preview(session, destination, selection, wishes)
    reasons = Counter(item.state for item in planned.conversations)
    told = {"destination": destination, "pending": planned.pending, "unchanged": planned.unchanged, "reasons": reasons}
    more = {"estimate": planned.estimate, "baseline": planned.baseline}
    return told | {key: value for key, value in more.items() if value}


def publish(report: dict[str, Any]) -> None:
    """The run's artifacts: counts, links to what was written, and every problem by conversation id."""
    pages = [(page["conversation_id"], page["state"], page["remote_url"]) for page in report.get("pages", [])]
    total = report["created"] + report["updated"]
    reports.publish(
        f"sync-{report['destination']}",
        {key: report[key] for key in COUNTS}
        | {key: report[key] for key in SOMETIMES if report.get(key)}
        | report["figures"],
        [
            reports.chart("Conversations", {key: report[key] for key in COUNTS[:6]}),
            *reports.links("Written", pages, total=total, location=report.get("location")),
            *_named("What needs a look", report["problems"]),
            *_named("What pages do not show", report.get("left_out_of", []), total=report.get("left_out", 0)),
        ],
    )


def _named(title: str, outcomes: list[dict[str, Any]], *, total: int = 0) -> list[str]:
    rows = [(outcome["conversation_id"], outcome["state"], outcome.get("reason")) for outcome in outcomes]
    return reports.problems(title, rows, ["conversation", "state", "reason"], total=total)
