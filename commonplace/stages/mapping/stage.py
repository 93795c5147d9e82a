"""Find each conversation's project: the sure rules first, then likeness to what they found.

The steps, each a function that a task can call; what one leaves for the next is in the archive:

    assign_sure      ids, titles and custom GPTs; new projects appear in the registry
    compute         vectors of a chunk of conversations, kept in the archive
    embed           what a chunk means, where the settings name a model for it (stages/embedding.py)
    learn           one model of all projects, kept in the archive, with the threshold that was measured
    assign_similar   a chunk of what is left: assigned, suggested, or an orphan
    infer           names for projects known by nothing but an id (project_names.py)

What has to be decided is a join with the assignments (archive/projects/assignments.py); a run that finds nothing
learns nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import msgspec

from commonplace.archive.core import Archive
from commonplace.config import ProjectSettings
from commonplace.stages.embedding import Meaning, embed_within_budget
from commonplace.stages.mapping import project_names
from commonplace.stages.mapping.naming import Naming
from commonplace.stages.mapping.report import MapReport, describe_into
from commonplace.stages.mapping.similar import (
    Learned,
    Ready,
    assign_similar,
    compute,
    learn,
    needing_meaning,
    needing_vectors,
    ready,
)
from commonplace.stages.mapping.sure import Sure, assign_sure, left_now, unsure
from commonplace.stages.selection import Selection

__all__ = [
    "Learned",
    "Ready",
    "Sure",
    "assign_similar",
    "assign_sure",
    "compute",
    "learn",
    "left_now",
    "map_projects",
    "needing_meaning",
    "needing_vectors",
    "ready",
    "unsure",
]

AT_ONCE = 2000


def map_projects(
    archive: Archive,
    settings: ProjectSettings,
    selection: Selection = Selection(),
    *,
    naming: Naming | None = None,
    meaning: Meaning | None = None,
    dry_run: bool = False,
) -> MapReport:
    """The whole stage in this process, without any orchestration: `commonplace map --direct`."""
    started = time.monotonic()
    if dry_run:
        from commonplace.stages.mapping.preview import preview

        return msgspec.structs.replace(
            preview(archive, settings, selection).report, seconds=round(time.monotonic() - started, 3)
        )
    sure = assign_sure(archive, settings, selection)
    report = MapReport(changed=list(sure.changed))
    left: Sequence[str] = sure.left
    if meaning is not None:
        _embed(archive, meaning, needing_meaning(archive, settings, unsure(archive, settings, selection, left)), report)
        left = left_now(archive, settings, selection, left)
    if left:
        if settings.similarity:
            for chunk in _chunks(needing_vectors(archive, left)):
                compute(archive, chunk)
        report.learned = learn(archive, settings)
        using = ready(archive, settings)
        for chunk in _chunks(left):
            report.changed += assign_similar(archive, settings, chunk, using)
    _name(archive, naming, report)
    describe_into(report, archive, selection)
    report.decided, report.new_projects = sure.decided + len(left), len(sure.new_projects)
    report.seconds = round(time.monotonic() - started, 3)
    return report


def _embed(archive: Archive, meaning: Meaning, missing: Sequence[str], report: MapReport) -> None:
    done = embed_within_budget(archive, meaning, missing)
    report.cost_usd += done.usage.cost_usd
    report.problems += [done.problem] if done.problem else []


def _name(archive: Archive, naming: Naming | None, report: MapReport) -> None:
    done = project_names.infer(archive, naming, spent=report.cost_usd)
    report.named = len(done.named)
    report.cost_usd = round(report.cost_usd + done.usage.cost_usd, 6)
    report.problems += done.problems


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))
