"""Write the archive to a destination."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec
from prefect import flow
from prefect.events import emit_event

from commonplace.archive.leases import hold
from commonplace.destinations.registry import DEFAULT
from commonplace.errors import Halt
from commonplace.model import Outcome
from commonplace.stages.selection import Selection, chunk_name, partition
from commonplace.stages.syncing import stage
from commonplace.stages.syncing.beginning import begin
from commonplace.stages.syncing.destinations import open_destination
from commonplace.stages.syncing.pending import Wishes, wishes_of
from commonplace.stages.syncing.pull import PullReport, can_pull
from commonplace.stages.syncing.stage import SyncReport
from flows import reports
from flows.bounds import selection_of
from flows.running import RUNNER, conclude, work_through
from tasks.session import session
from tasks.sync import finish_destination, pull_edits, write_chunk

MOST_PAGES = 20
"""So many pages are linked to in a report; the destination itself shows the others."""
COUNTS = ("created", "updated", "unchanged", "failed", "uncertain", "conflicts", "pulled", "requests")
SOMETIMES = ("undecided", "baseline", "left_behind", "left_out")


@flow(name="sync", flow_run_name="sync-{destination}", task_runner=RUNNER)
def sync(
    destination: str = DEFAULT,
    since: date | None = None,
    until: date | None = None,
    project: str | None = None,
    limit: int | None = None,
    dry_run: bool = False,
    force: bool = False,
    retry_failed: bool = False,
    everything: bool = False,
    resend: list[str] | None = None,
    accept: list[str] | None = None,
) -> dict[str, Any]:
    """Bring conversations to a destination: only those that are not there as they are now.

    Args:
        destination: The destination's name in the settings, such as markdown or notion.
        since: Only conversations updated on or after this day.
        until: Only conversations updated before this day.
        project: Only this project, by name or id.
        limit: At most so many conversations.
        dry_run: Say what would be written, and write nothing.
        force: Write again what is there already.
        retry_failed: Try again what failed before, although nothing changed since.
        everything: Also what was in the archive before the first run, where that is left out.
        resend: Ids of what may have arrived or not, to be sent again.
        accept: Ids of what may have arrived or not, to be taken as arrived.
    """
    selection = selection_of(since=since, until=until, project=project, limit=limit, force=force)
    wishes = wishes_of(retry_failed=retry_failed, everything=everything, resend=resend, accept=accept)
    if dry_run:
        planned = preview(destination, selection, wishes)
        return conclude(planned, name=f"sync {destination}: dry run", handled=0, failed=0)
    report, errors = sync_now(destination, selection, wishes)
    publish(destination, report)
    handled = report["created"] + report["updated"] + report["failed"]
    name = f"sync {destination}: {report['created']} created, {report['updated']} updated"
    return conclude(report, name=name, handled=handled, failed=report["failed"], errors=errors)


def sync_now(
    destination: str, selection: Selection, wishes: Wishes = Wishes()
) -> tuple[dict[str, Any], list[Exception]]:
    """Write what is pending, under the destination's lease, in chunks."""
    started = time.monotonic()
    with (
        session() as house,
        open_destination(house.settings, house.environment, house.archive, destination) as (target, rules),
        hold(house.archive, f"sync:{target.instance}"),
    ):
        report = SyncReport(destination=destination)
        if can_pull(target):
            _pull(destination, report)
        beginning = begin(house.archive, target, selection, rules, wishes)
        report.start(beginning)
        written = Written()
        errors: list[Exception] = []
        try:
            if not beginning.is_idle:
                ids = [item.conversation_id for item in beginning.waiting]
                errors = _write(destination, ids, report, written, force=selection.force)
        except Halt:  # what was done until then is told all the same
            publish(destination, _plain(report, written, target.location, started))
            raise
        plain = _plain(report, written, target.location, started)
    emit_event("commonplace.sync.completed", resource={"prefect.resource.id": f"commonplace.destination.{destination}"})
    return plain, errors


class Written(msgspec.Struct):
    """What a run wrote that its report names: some pages, and what pages do not show."""

    pages: list[Outcome] = msgspec.field(default_factory=list)
    left_out: list[Outcome] = msgspec.field(default_factory=list)
    left_out_total: int = 0

    def add(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.state in ("created", "updated") and outcome.remote_url and len(self.pages) < MOST_PAGES:
                self.pages.append(outcome)
            if outcome.state in ("created", "updated", "skipped") and outcome.reason:
                self.left_out_total += 1
                if self.left_out_total <= reports.MOST_PROBLEMS:
                    self.left_out.append(outcome)


def _plain(report: SyncReport, written: Written, location: str | None, started: float) -> dict[str, Any]:
    """The report as JSON; what was written and left out is in it only when there is something to say."""
    report.seconds = round(time.monotonic() - started, 3)
    plain: dict[str, Any] = msgspec.to_builtins(report)
    if report.created or report.updated:
        plain |= {"location": location, "pages": msgspec.to_builtins(written.pages)}
    if written.left_out:
        plain |= {"left_out": written.left_out_total, "left_out_of": msgspec.to_builtins(written.left_out)}
    return plain


def _pull(destination: str, report: SyncReport) -> None:
    """Edits come back before anything is written over them."""
    pulled = pull_edits(destination)
    report.requests += pulled.pop("requests")
    report.include(msgspec.convert(pulled, PullReport))


def _write(destination: str, ids: list[str], report: SyncReport, written: Written, *, force: bool) -> list[Exception]:
    told: list[dict[str, Any]] = []

    def add(result: dict[str, Any]) -> None:
        outcomes = msgspec.convert(result["outcomes"], list[Outcome])
        told.extend(result["outcomes"])
        report.add(outcomes)
        written.add(outcomes)
        report.requests += result["requests"]

    done = work_through(
        write_chunk,
        partition(ids),
        label=f"sync-{destination}",
        arguments=lambda chunk: {
            "destination": destination,
            "chunk": chunk_name(chunk),
            "ids": list(chunk),
            "force": force,
        },
        on_result=add,
    )
    add(finish_destination(destination, told))
    return done.errors


def preview(destination: str, selection: Selection, wishes: Wishes) -> dict[str, Any]:
    """What a sync would do, counted by reason, and what it would take where the destination can tell."""
    with (
        session() as house,
        open_destination(house.settings, house.environment, house.archive, destination) as (target, rules),
    ):
        planned = stage.preview(house.archive, target, selection, rules, wishes)
    reasons = Counter(item.state for item in planned.conversations)
    told = {"destination": destination, "pending": planned.pending, "unchanged": planned.unchanged, "reasons": reasons}
    more = {"estimate": planned.estimate, "baseline": planned.baseline}
    return told | {key: value for key, value in more.items() if value}


def publish(destination: str, report: dict[str, Any]) -> None:
    """The run's artifacts: counts, links to what was written, and every problem by conversation id."""
    pages = [(page["conversation_id"], page["state"], page["remote_url"]) for page in report.get("pages", [])]
    total = report["created"] + report["updated"]
    reports.publish(
        f"sync-{destination}",
        {key: report[key] for key in COUNTS} | {key: report[key] for key in SOMETIMES if report.get(key)},
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
