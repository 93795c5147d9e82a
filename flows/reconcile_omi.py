"""Take in what OMI has and its webhooks did not bring."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows import receive_omi
from flows.bounds import moment_of
from flows.forms import Since, Until
from flows.runner import RUNNER
from flows.running import conclude, named, say
from tasks.reconcile_omi import reconcile_conversations
from tasks.session import session


@flow(name="reconcile-omi", flow_run_name=named("reconcile"), task_runner=RUNNER)
def reconcile_omi(since: Since = None, until: Until = None) -> dict[str, Any]:
    """Read your conversations at OMI again: what was lost on the way comes in, and so does what you edited there.

    Without a day it goes on where the last run ended, and looks back a month. Where OMI was never connected, it does
    nothing.

    Args:
        since: From this day on, which also finds edits of what is older than a month.
        until: Until before this day.
    """
    with session() as opened:
        if since is None and not opened.environment.get("OMI_API_KEY"):
            say("OMI is not connected: `commonplace connect omi`.")
            return conclude(opened, {}, name="reconcile: OMI is not connected", handled=0, failed=0)
        zone = opened.settings.zone
        bounds = {name: moment_of(day, zone) for name, day in (("since", since), ("until", until)) if day}
        report = reconcile_conversations(**bounds)
        receive_omi.publish(report, called="reconcile")
        receive_omi.tell(opened, report)
        name = f"reconcile: {report['new']} new, {report['changed']} changed of {report['fetched']}"
        return conclude(opened, report, name=name, handled=report["read"], failed=report["failed"])
