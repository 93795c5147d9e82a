"""Work through the past, a window of time after the other."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from prefect import flow

from commonplace.moments import now, to_iso, windows
from commonplace.session import Session
from commonplace.stages.selection import Selection, count
from flows import reports
from flows.bounds import moment_of
from flows.forms import Destinations, DryRun, Force, Owner, Until, titled
from flows.pipeline import Stage, run_stages, totals
from flows.runner import RUNNER
from flows.running import conclude, named, working_for
from flows.turns import give_way


@flow(name="backfill", flow_run_name=named("backfill: since {since}"), task_runner=RUNNER)
def backfill(
    since: Annotated[date, titled("From this day on")],
    until: Until = None,
    window: Annotated[str, titled("Time worked through at once")] = "1 month",
    stages: Annotated[list[Stage], titled("Stages")] = ["categorize", "map", "sync"],  # noqa: B006  (the form shows it)
    destinations: Destinations = None,
    force: Force = False,
    dry_run: DryRun = False,
    owner: Owner = None,
) -> dict[str, Any]:
    """Run stages over conversations of the past, a window of time after the other.

    A backfill that was stopped can be started again: what is done is not done again. Between two windows it waits for
    runs that somebody asked for.

    Args:
        since: Conversations updated on or after this day.
        until: Conversations updated before this day. None: until now.
        window: How much time is worked through at once, such as 1 month, 2 weeks or 1 day.
        stages: Which stages to run.
        destinations: Where to write. None: every destination of the settings.
        force: Do again what is done.
        dry_run: Say what lies in each window, and do nothing.
        owner: The user whose conversations it is about, by name. None: the owner of the server.
    """
    with working_for(owner) as opened:
        zone = opened.settings.zone
        end = now() if until is None else moment_of(until, zone)
        spans = windows(moment_of(since, zone), end, window, zone)
        rows: list[dict[str, Any]] = []
        errors: list[str] = []
        for begin, finish in spans:
            give_way()
            selection = Selection(since=begin, until=finish, force=force)
            row, report, problems = _one_window(opened, selection, [] if dry_run else stages, destinations)
            rows.append(row | ({"outcome": "dry run"} if dry_run else {}))
            errors += problems
            publish(rows)
            if any(stage.get("stopped") for stage in report.values()):
                break
        handled, failed = sum(row["handled"] for row in rows), sum(row["failed"] for row in rows)
        name = f"backfill: {handled} handled in {len(rows)} of {len(spans)} windows" + (" (dry run)" if dry_run else "")
        return conclude(opened, {"windows": rows}, name=name, handled=handled, failed=failed, errors=errors)


def _one_window(
    session: Session, selection: Selection, stages: list[Stage], destinations: list[str] | None
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """The window's line in the table, the reports of its stages, and what went wrong."""
    zone, conversations = session.settings.zone, count(session.archive, selection)
    report, errors = (
        run_stages(session, stages, destinations=destinations, selection=selection) if conversations else ({}, [])
    )
    handled, failed = totals(report)
    row = {
        "since": to_iso(selection.since, zone),
        "until": to_iso(selection.until, zone),
        "conversations": conversations,
        "handled": handled,
        "failed": failed,
        "outcome": errors[0] if errors else "done" if conversations else "nothing there",
    }
    return row, report, errors


def publish(rows: list[dict[str, Any]]) -> None:
    """One table of windows with their outcomes, kept up to date while the backfill goes on."""
    headings = list(rows[0])
    summary = {
        "windows": len(rows),
        "handled": sum(r["handled"] for r in rows),
        "failed": sum(r["failed"] for r in rows),
    }
    reports.publish(
        "backfill", summary, ["## Windows\n\n" + reports.table(headings, [list(row.values()) for row in rows])]
    )
