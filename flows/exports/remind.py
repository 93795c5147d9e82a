"""Notice the mails about exports, and tell of the clicks that are left."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.runner import RUNNER
from flows.running import conclude, named
from tasks.remind_export import remind
from tasks.session import session


@flow(name="remind-export", flow_run_name=named("remind"), task_runner=RUNNER)
def remind_export() -> dict[str, Any]:
    """Look for mails that say that an export is ready, and tell Poke and hooks which accounts need a click.

    Each is told once, and again after a week in which nothing happened. The page New exports always shows the same.
    """
    with session() as opened:
        report = remind()
        name = f"remind: {report['told']} told of, {report['waiting']} wait for a click"
        return conclude(opened, report, name=name, handled=report["waiting"], failed=0)
