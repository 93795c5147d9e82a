"""Mapping an archive that is open, by settings and helpers of a test's own."""

from __future__ import annotations

from typing import Any

from commonplace.archive.core import Archive
from commonplace.config import ProjectSettings
from commonplace.stages.mapping import stage
from commonplace.stages.mapping.report import MapReport
from commonplace.stages.mapping.using import Assigning
from commonplace.stages.selection import Selection
from commonplace.stages.work import telling


def map_projects(
    archive: Archive, settings: ProjectSettings, selection: Selection = Selection(), **helpers: Any
) -> MapReport:
    """The stage without its lease."""
    report = MapReport()
    with telling(report):
        stage.assign_pending(Assigning(archive=archive, settings=settings, **helpers), report, selection)
    return report
