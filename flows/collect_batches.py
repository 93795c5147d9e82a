"""Bring in what OpenAI's batches have finished."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows import reports
from flows.running import RUNNER, conclude
from tasks.batches import collect_batches as collect_task


@flow(name="collect-batches", flow_run_name="collect-batches", task_runner=RUNNER)
def collect_batches() -> dict[str, Any]:
    """Record the verdicts of batches that have ended; those that are still under way are left for the next time."""
    report = collect_task()
    summary = {key: value for key, value in report.items() if isinstance(value, int)}
    problems = [(problem,) for problem in report["problems"]]
    reports.publish("collect-batches", summary, reports.problems("Problems", problems, ["what happened"]))
    name = f"collect: {report['verdicts']} verdicts, {report['still_open']} batches still open"
    return conclude(report, name=name, handled=report["verdicts"], failed=len(report["defects"]))
