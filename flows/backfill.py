"""Work through the past, a window of time after the other."""

from __future__ import annotations

from datetime import date
from typing import Any

from prefect import flow

from commonplace.config import load
from commonplace.errors import Halt
from commonplace.moments import now, to_iso, windows
from commonplace.stages.selection import Selection, count
from flows import reports
from flows.bounds import moment_of
from flows.pipeline import Stage, run_stages, totals
from flows.running import RUNNER, conclude, describe
from tasks.session import session


@flow(name="backfill", flow_run_name="backfill-{since}", task_runner=RUNNER)
def backfill(
    since: date,
    until: date | None = None,
    window: str = "1 month",
    stages: list[Stage] = ["categorize", "map", "sync"],  # noqa: B006  (Prefect shows it as the form's default)
    destinations: list[str] | None = None,
    force: bool = False,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Run stages over conversations of the past, a window of time after the other.

    A backfill that was stopped can be started again: what is done is not done again.

    Args:
        since: Conversations updated on or after this day.
        until: Conversations updated before this day. None: until now.
        window: How much time is worked through at once, such as 1 month, 2 weeks or 1 day.
        stages: Which stages to run.
        destinations: Where to write. None: every destination of the settings.
        force: Do again what is done.
        dry_run: Say what lies in each window, and do nothing.
    """
    settings, _ = load()
    start, end = moment_of(since), moment_of(until)
    assert start is not None
    spans = windows(start, end if end is not None else now(), window, settings.zone)
    rows: list[dict[str, Any]] = []
    errors: list[Exception] = []
    for begin, finish in spans:
        selection = Selection(since=begin, until=finish, force=force)
        row, problems = _one_window(selection, stages, destinations, dry_run)
        rows.append(row)
        errors.extend(problems)
        publish(rows)
        if any(isinstance(problem, Halt) for problem in problems):
            break
    handled, failed = sum(row["handled"] for row in rows), sum(row["failed"] for row in rows)
    name = f"backfill: {handled} handled in {len(rows)} of {len(spans)} windows" + (" (dry run)" if dry_run else "")
    return conclude({"windows": rows}, name=name, handled=handled, failed=failed, errors=errors)


def _one_window(
    selection: Selection, stages: list[Stage], destinations: list[str] | None, dry_run: bool
) -> tuple[dict[str, Any], list[Exception]]:
    settings, _ = load()
    with session() as house:
        conversations = count(house.archive, selection)
    row: dict[str, Any] = {
        "since": to_iso(selection.since, settings.zone),
        "until": to_iso(selection.until, settings.zone),
        "conversations": conversations,
        "handled": 0,
        "failed": 0,
        "outcome": "dry run" if dry_run else "nothing there",
    }
    if dry_run or not conversations:
        return row, []
    report, errors = run_stages(paths=[], stages=stages, destinations=destinations, selection=selection)
    row["handled"], row["failed"] = totals(report)
    row["outcome"] = describe(errors[0]) if errors else "done"
    return row, errors


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
