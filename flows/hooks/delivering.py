"""Deliver what hooks are to be told."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows import reports
from flows.runner import RUNNER
from flows.running import conclude, named
from tasks.deliver_hooks import deliver_events
from tasks.session import session

COUNTS = ("delivered", "waiting", "failed", "seconds")


@flow(name="deliver-hooks", flow_run_name=named("hooks"), task_runner=RUNNER)
def deliver_hooks() -> dict[str, Any]:
    """Tell your hooks of what happened. What they did not take is tried again later, for a day, with the same id."""
    with session() as opened:
        report = deliver_events()
        problems = [(one["hook"], one["id"], one["reason"]) for one in report["problems"]]
        reports.publish(
            "hooks",
            {key: report[key] for key in COUNTS},
            reports.problems("Not taken", problems, ["hook", "delivery", "reason"]),
        )
        name = f"hooks: {report['delivered']} delivered, {report['waiting']} waiting"
        handled = report["delivered"] + report["failed"]
        return conclude(opened, report, name=name, handled=handled, failed=0)
