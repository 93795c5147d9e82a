"""How a command works: the stage as a flow in this process, which leaves a history, or alone (`--direct`).

Both run the same stage and end alike: with its report, one sentence where it did not go well, and an exit code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import typer

from commonplace import runs
from commonplace.cli.options import moment
from commonplace.cli.output import Output, aside, plain, print_json, show_counts
from commonplace.config import load
from commonplace.errors import Refused
from commonplace.moments import to_datetime
from commonplace.session import Session, open_session
from commonplace.stages.work import InProcess, Report, Work, wrong

MOST_TOLD = 20


def directly(stage: Callable[[Session, Work], Report]) -> dict[str, Any]:
    """The stage alone, in this process; its report."""
    with open_session() as session, aside.status("Working") as status:

        def show(label: str, done: int, total: int | None) -> None:
            status.update(f"{label}: {done:,}" + (f" of {total:,}" if total else ""))

        return dict(plain(stage(session, InProcess(show))))


def as_run(flow: str, bounds: Mapping[str, Any] | None = None, **parameters: Any) -> dict[str, Any]:
    """The stage as a run that leaves a history; its report."""
    settings, _ = load()
    known = dict(bounds or {})
    for name in {"since", "until"} & known.keys():
        text = known[name]
        if text and ":" in text:
            raise Refused(f"A run takes days, not times such as {text}.", hint="Use a date, or --direct.")
        at = moment(text, settings)
        known[name] = None if at is None else to_datetime(at, settings.zone).date()
    runs.connect(settings, aside.print)
    return runs.run_here(flow, **known, **parameters)


def finish(report: dict[str, Any], show: Callable[[], object], *, failed: int = 0) -> None:
    """Show the report and what went wrong; anything that did makes the exit code 1."""
    sentences = wrong(report)
    if Output.as_json:
        error = {"error": report.get("stopped") or sentences[0]} if sentences else {}
        print_json(report | error)
    else:
        show()
    for sentence in sentences[:MOST_TOLD]:
        aside.print(sentence, style="bold red", soft_wrap=True)
    if failed or sentences:
        raise typer.Exit(1)


def show_report(title: str, report: dict[str, Any], keys: tuple[str, ...]) -> None:
    """The counts of a report, and each defect and problem with its reason."""
    show_counts(title, {key: report[key] for key in keys if key in report})
    _tell_defects(report)
    if isinstance(report.get("left_out"), list):
        _tell_left_out(report)
    for problem in report.get("problems", [])[:MOST_TOLD]:
        aside.print(f"{problem['conversation_id']}: {problem['state']}, {problem.get('reason') or ''}")


def _tell_defects(report: dict[str, Any]) -> None:
    defects = report.get("defects", [])
    for defect in defects[:MOST_TOLD]:
        aside.print(f"{defect['file']} {defect['item']}: {defect['reason']}")
    more = max(0, len(defects) - MOST_TOLD) + report.get("more_defects", 0)
    if more:
        aside.print(f"and {more:,} more")


def _tell_left_out(report: dict[str, Any]) -> None:
    """What an import did not take in, by reason, and what it took in without knowing it."""
    reasons: dict[str, list[dict[str, Any]]] = {}
    for one in report.get("left_out", []):
        reasons.setdefault(one["reason"], []).append(one)
    for reason, left in reasons.items():
        names = [one["name"] for one in left if one["name"]][:MOST_TOLD]
        more = sum(one["count"] for one in left) - len(names)
        told = ", ".join([*names, *([f"{more:,} more"] if more else [])])
        aside.print(f"Left out, {reason}: {told}")
    for where, count in report.get("unfamiliar", {}).items():
        aside.print(f"Not familiar to this version, but kept: {where} ({count:,})")
    if conflicts := report.get("conflicts", 0):
        names = report["conflicting"][:MOST_TOLD]
        more = [f"{conflicts - len(names):,} more"] if conflicts > len(names) else []
        told = ", ".join([*names, *more])
        aside.print(f"Exports of one date differ, both are kept (the other as a branch): {told}")
