"""Mapping without Prefect, and what it would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from commonplace.cli.options import selection
from commonplace.cli.output import Output, aside, plain, print_json, tell
from commonplace.session import open_session

if TYPE_CHECKING:
    from commonplace.stages.mapping.report import MapReport


def map_directly(bounds: dict[str, Any], *, dry_run: bool) -> dict[str, Any]:
    """The stage alone, in this process; or what it would do.

    Where not all could be bought it ends as a run would: with the report, but not well.
    """
    from commonplace.archive.leases import hold
    from commonplace.stages.embedding import open_meaning
    from commonplace.stages.mapping.naming import open_naming
    from commonplace.stages.mapping.stage import map_projects

    with open_session() as (settings, environment, archive):
        chosen = selection(settings, **bounds)
        if dry_run:
            return dict(plain(map_projects(archive, settings.projects, chosen, dry_run=True)))
        with (
            open_naming(settings, environment) as naming,
            open_meaning(settings, environment) as meaning,
            hold(archive, f"map:{archive.owner}"),
        ):
            report = map_projects(archive, settings.projects, chosen, naming=naming, meaning=meaning)
    if report.problems:
        _show_with_problems(report)
        raise typer.Exit(1)
    return dict(plain(report))


def _show_with_problems(report: MapReport) -> None:
    if Output.as_json:
        print_json(report)
    tell(f"Mapped: {sum(report.assigned.values())} assigned, {report.suggested} suggested.")
    for problem in report.problems:
        aside.print(problem, markup=False, soft_wrap=True)
