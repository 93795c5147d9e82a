"""`commonplace embed`."""

from __future__ import annotations

import typer

from commonplace.cli.options import DryRun, Force, Json, Limit, Project, Since, Until, selection
from commonplace.cli.output import Output, aside, errors_for_people, plain, print_json, show_counts
from commonplace.errors import Halt
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
    json: Json = False,
) -> None:
    """Make vectors of what was said, by which `search` and `similar` find what is meant."""
    from commonplace.stages import vectors

    with errors_for_people(), open_session() as session:
        wanted = selection(session.settings, since=since, until=until, project=project, limit=limit, force=force)
        if dry_run:
            plan = plain(vectors.preview(session, wanted))
            print_json(plan) if Output.as_json else show_counts(f"{plan['model']} would embed", plan)
            return
        with aside.status("Embedding") as status:
            report = vectors.embed_pending(
                session, wanted, show=lambda done, total: status.update(f"Embedding {done:,} of {total:,}")
            )
        told = plain(report)
        if Output.as_json:
            print_json(told | ({"error": report.stopped} if report.stopped else {}))
        else:
            show_counts("Embedded", {key: told[key] for key in KEYS})
        if report.stopped:
            if not Output.as_json:
                aside.print(f"[bold red]{Halt(report.stopped, hint=report.hint)}[/]", soft_wrap=True)
            raise typer.Exit(1)
