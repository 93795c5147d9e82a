"""Fill a project's vector store, or take it away."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from prefect import flow

from commonplace.stages.stores import filling, removing
from flows import reports
from flows.forms import Owner, titled
from flows.runner import RUNNER
from flows.running import conclude, named, working_for

COUNTS = ("conversations", "uploaded", "removed", "unchanged", "failed", "shortened", "bytes", "cost_usd", "requests")


@flow(name="fill-store", flow_run_name=named("store"), task_runner=RUNNER)
def fill_store(
    project: Annotated[str, titled("The project, by its id")],
    remove: Annotated[bool, titled("Take it away, with its files")] = False,
    owner: Owner = None,
) -> dict[str, Any]:
    """Bring what a project's assistant searches at OpenAI up to date, within what the settings let it cost; or take it
    away. Run again, it does the rest.

    Args:
        project: The project, by its id.
        remove: Take the store and its files away instead.
        owner: The user whose conversations it is about, by name. None: the owner of the server.
    """
    with working_for(owner) as opened:
        if remove:
            counts = {"removed": len(removing.take_away(opened, [project]))}
            return conclude(opened, counts, name="store: taken away", handled=1, failed=0)
        told = msgspec.to_builtins(filling.fill(opened, project))
        report = {key: told[key] for key in COUNTS}
        reports.publish("store", report)
        name = f"store: {report['uploaded']} uploaded, {report['removed']} removed"
        return conclude(opened, report, name=name, handled=report["uploaded"], failed=report["failed"])
