"""Keep the archive well."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow

from flows import assets, reports
from flows.forms import titled
from flows.runner import RUNNER
from flows.running import conclude, named
from tasks.maintain import back_up as back_up_task
from tasks.maintain import prune as prune_task
from tasks.maintain import verify as verify_task
from tasks.session import session


@flow(name="maintain", flow_run_name=named("maintain"), task_runner=RUNNER)
def maintain(
    backup: Annotated[bool, titled("Back up")] = True,
    verify: Annotated[bool, titled("Check the archive")] = True,
    prune: Annotated[bool, titled("Remove what has had its time")] = True,
) -> dict[str, Any]:
    """Back the archive up, check it, and remove what has had its time.

    Args:
        backup: Write a backup under the home, and remove the oldest beyond the number kept.
        verify: Check the database, counts, hashes, files and the text index.
        prune: Remove old task results; old run history is pruned by the server itself.
    """
    with session() as opened:
        report: dict[str, Any] = {}
        for is_wanted, task in ((verify, verify_task), (backup, back_up_task), (prune, prune_task)):
            report |= task() if is_wanted else {}
        if backup:
            assets.made(assets.BACKUP, of=assets.ARCHIVE)
        findings = report.pop("findings", [])
        report["findings"] = len(findings)
        reports.publish("maintain", report, reports.problems("Findings", [(f,) for f in findings], ["what to do"]))
        name = "maintain: all well" if not findings else f"maintain: {len(findings)} findings"
        return conclude(opened, report, name=name, handled=0, failed=len(findings))
