"""Take in what came into the watched folders."""

from __future__ import annotations

from typing import Any

import msgspec
from prefect import flow

from commonplace.stages.watching import stage
from flows import import_exports
from flows.runner import RUNNER
from flows.running import conclude, named, say
from flows.work import ByTasks
from tasks.import_exports import STEPS
from tasks.session import session


@flow(name="watch", flow_run_name=named("watch"), task_runner=RUNNER)
def watch() -> dict[str, Any]:
    """Look through the folders that [watch] in the settings names, and import what is an export and new.

    Files are read where they are, and neither moved nor removed; what was looked at and is as it was is not opened.
    The web server does the same as soon as something changes.
    """
    with session() as opened:
        report: dict[str, Any] = msgspec.to_builtins(stage.watch(opened, work=ByTasks(opened, STEPS)))
        say("%d files looked at, %d of them opened", report["looked_at"], report["opened"])
        for folder in report["missing"]:
            say("There is no folder %s", folder)
        if report["files"]:
            import_exports.publish(report)
            import_exports.emit_completed(opened, report, "alone")
        return conclude(opened, report, name=_name(report), handled=report["read"], failed=report["failed"])


def _name(report: dict[str, Any]) -> str:
    if report["is_busy"]:
        return "watch: waits for another import"
    if not report["files"]:
        return "watch: nothing new"
    return f"watch: {report['new']} new, {report['changed']} changed of {report['read']}"
