"""`commonplace reconcile-omi`."""

from __future__ import annotations

from typing import Any

import typer

from commonplace.cli.options import Direct, Json, Since, Until, moment
from commonplace.cli.output import errors_for_people
from commonplace.cli.working import as_run, directly, finish, show_report
from commonplace.errors import Refused
from commonplace.session import Session
from commonplace.stages.work import Work

KEYS = ("fetched", "new", "changed", "unchanged", "empty", "failed", "seconds")


def register(app: typer.Typer) -> None:
    app.command("reconcile-omi")(reconcile_omi)


def reconcile_omi(
    since: Since = None,
    until: Until = None,
    direct: Direct = False,
    json: Json = False,
) -> None:
    """Take in what OMI has and its webhooks did not bring, and what was edited there."""
    from commonplace.stages.importing import reconciling

    bounds: dict[str, Any] = {"since": since, "until": until}

    def stage(session: Session, work: Work) -> reconciling.ReconcileReport:
        known = {name: moment(text, session.settings) for name, text in bounds.items()}
        return reconciling.reconcile(session, work=work, **known)

    with errors_for_people():
        report = directly(stage) if direct else as_run("reconcile-omi", bounds)
        if "fetched" not in report:
            raise Refused("OMI is not connected.", hint="`commonplace connect omi`, or set OMI_API_KEY.")
        finish(report, lambda: show_report("Reconciled", report, KEYS), failed=report["failed"])
