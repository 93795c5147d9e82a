"""Bring in what judges that answer later have finished."""

from __future__ import annotations

from typing import Any

import msgspec
from prefect import flow

from commonplace.stages.categorizing import batching
from flows import reports
from flows.runner import RUNNER
from flows.running import conclude, named
from flows.work import ByTasks
from tasks.batches import STEPS
from tasks.session import session

COUNTS = ("finished", "still_open", "verdicts", "missing")


@flow(name="collect-batches", flow_run_name=named("collect"), task_runner=RUNNER)
def collect_batches() -> dict[str, Any]:
    """Record the verdicts of batches that have ended; those that are still under way are left for the next time."""
    with session() as opened:
        ended = batching.collect_batches(opened, work=ByTasks(opened, STEPS))
        report: dict[str, Any] = msgspec.to_builtins(ended)
        problems = [(problem,) for problem in report["problems"]]
        counts = {key: report[key] for key in COUNTS}
        reports.publish("collect-batches", counts, reports.problems("Problems", problems, ["what happened"]))
        name = f"collect: {report['verdicts']} verdicts, {report['still_open']} batches still open"
        return conclude(opened, report, name=name, handled=report["verdicts"], failed=len(report["defects"]))
