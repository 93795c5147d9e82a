"""Keep the archive well."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows import reports
from flows.running import RUNNER, conclude
from tasks.maintain import back_up as back_up_task
from tasks.maintain import prune as prune_task
from tasks.maintain import verify as verify_task


@flow(name="maintain", flow_run_name="maintain", task_runner=RUNNER)
def maintain(backup: bool = True, verify: bool = True, prune: bool = True) -> dict[str, Any]:
    """Back the archive up, check it, and remove what has had its time.

    Args:
        backup: Write a backup under the home, and remove the oldest beyond the number kept.
        verify: Check the database, counts, hashes, files and the text index.
        prune: Remove old task results; old run history is pruned by the server itself.
    """
    report: dict[str, Any] = {}
    if verify:
        report |= verify_task()
    if backup:
        report |= back_up_task()
    if prune:
        report |= prune_task()
    findings = report.pop("findings", [])
    report["findings"] = len(findings)
    reports.publish("maintain", report, reports.problems("Findings", [(f,) for f in findings], ["what to do"]))
    name = "maintain: all well" if not findings else f"maintain: {len(findings)} findings"
    return conclude(report, name=name, handled=0, failed=len(findings))
