"""New exports: what came into watched folders, and how far it is with the next one of each account."""

from __future__ import annotations

import typer

from commonplace.cli.options import Direct, Json
from commonplace.cli.output import aside, errors_for_people
from commonplace.cli.working import as_run, directly, finish, show_report

KEYS = ("looked_at", "opened", "read", "new", "changed", "unchanged", "empty", "failed", "seconds")


def register(app: typer.Typer) -> None:
    app.command("watch")(watch)


def watch(direct: Direct = False, json: Json = False) -> None:
    """Look through the watched folders once, and take in what is an export and new. `up` does it by itself."""
    from commonplace.stages.watching import stage

    with errors_for_people():
        report = directly(lambda session, work: stage.watch(session, work=work)) if direct else as_run("watch")
        for folder in report["missing"]:
            aside.print(f"There is no folder {folder}", soft_wrap=True)
        finish(report, lambda: show_report("Watched", report, KEYS), failed=report["failed"])
