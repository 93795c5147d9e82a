"""`commonplace embed`."""

from __future__ import annotations

from typing import Any

import typer

from commonplace.cli.options import Direct, DryRun, Force, Json, Limit, Project, Since, Until, selection
from commonplace.cli.output import Output, errors_for_people, plain, print_json, show_counts
from commonplace.cli.working import as_run, directly, finish, show_report
from commonplace.session import open_session

KEYS = ("embedded", "unchanged", "passages", "cost_usd", "seconds")


def register(app: typer.Typer) -> None:
    app.command("embed")(embed)


def embed(
    since: Since = None,
    until: Until = None,
    project: Project = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    force: Force = False,
    direct: Direct = False,
    json: Json = False,
) -> None:
    """Make vectors of what was said, by which `search`, `similar` and `ask` find what is meant."""
    from commonplace.stages import embedding as stage

    with errors_for_people():
        bounds: dict[str, Any] = {"since": since, "until": until, "project": project, "limit": limit, "force": force}
        if dry_run:
            with open_session() as session:
                plan = plain(stage.preview(session, selection(session.settings, **bounds)))
            print_json(plan) if Output.as_json else show_counts(f"{plan['model']} would embed", plan)
            return
        if direct:
            report = directly(
                lambda session, work: stage.embed_pending(session, selection(session.settings, **bounds), work=work)
            )
        else:
            report = as_run("embed", bounds)
        finish(report, lambda: show_report("Embedded", report, KEYS))
