"""Reading again what OMI has. Never cached: what is new there is what it is for."""

from __future__ import annotations

from typing import Any

import msgspec

from commonplace.stages.importing import reconciling
from commonplace.stages.work import InProcess
from tasks.policy import recording
from tasks.session import session


@recording(name="reconcile with OMI")
def reconcile_conversations(since: int | None = None, until: int | None = None) -> dict[str, Any]:
    """Take in what OMI has and its webhooks did not bring."""
    with session() as opened:
        report = reconciling.reconcile(opened, work=InProcess(), since=since, until=until)
        plain: dict[str, Any] = msgspec.to_builtins(report)
        return plain
