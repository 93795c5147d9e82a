"""Mapping without Prefect, and what it would change."""

from __future__ import annotations

from typing import Any

from commonplace.cli.house import opened, selection
from commonplace.cli.output import plain


def map_directly(bounds: dict[str, Any], *, dry_run: bool) -> dict[str, Any]:
    """The stage alone, in this process; or what it would do."""
    from commonplace.archive.leases import hold
    from commonplace.stages.map_ import map_projects

    with opened() as (settings, _, archive):
        chosen = selection(settings, **bounds)
        if dry_run:
            return dict(plain(map_projects(archive, settings.projects, chosen, dry_run=True)))
        with hold(archive, f"map:{archive.owner}"):
            return dict(plain(map_projects(archive, settings.projects, chosen)))
