"""Mapping without Prefect, and what it would change."""

from __future__ import annotations

from typing import Any

from commonplace.cli.house import opened, selection
from commonplace.cli.output import plain
from commonplace.errors import Halt


def map_directly(bounds: dict[str, Any], *, dry_run: bool) -> dict[str, Any]:
    """The stage alone, in this process; or what it would do."""
    from commonplace.archive.leases import hold
    from commonplace.stages.map_ import map_projects
    from commonplace.stages.map_meaning import open_meaning
    from commonplace.stages.naming import open_naming

    with opened() as (settings, environment, archive):
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
        # As a run would end: everything is placed, but a person has to know.
        assigned = sum(report.assigned.values())
        raise Halt(f"Mapped: {assigned} assigned, {report.suggested} suggested. {' '.join(report.problems)}")
    return dict(plain(report))
