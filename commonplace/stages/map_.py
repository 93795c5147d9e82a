"""Find each conversation's project: the sure rules first, then likeness to what they found.

The steps, each a function that a task can call; what one leaves for the next is in the archive:

    place_sure      ids, titles and custom GPTs; new projects appear in the registry
    compute         vectors of a chunk of conversations, kept in the archive
    learn           one model of all projects, kept in the archive, with the threshold that was measured
    place_similar   a chunk of what is left: assigned, suggested, or an orphan
    name            projects known by nothing but an id

What has to be decided is a join with the assignments (archive/assignments.py); a run that finds nothing learns nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import msgspec

from commonplace.archive import assignments
from commonplace.archive.assignments import Change
from commonplace.archive.core import Archive
from commonplace.config import ProjectSettings
from commonplace.projects.contract import Namer
from commonplace.stages import project_names
from commonplace.stages.map_similar import Learned, Ready, compute, learn, needing_vectors, place_similar, ready
from commonplace.stages.map_sure import Sure, place_sure
from commonplace.stages.selection import Selection

__all__ = [
    "Learned",
    "MapReport",
    "Ready",
    "Sure",
    "compute",
    "describe",
    "learn",
    "map_projects",
    "name",
    "needing_vectors",
    "place_similar",
    "place_sure",
    "ready",
]

AT_ONCE = 2000
RULES = ("person", "id", "title", "gpt", "similar")


class MapReport(msgspec.Struct, kw_only=True):
    """What holds after a mapping, and what the mapping changed. `assigned`, `suggested`, `orphans` and `undecided` add
    up to `conversations`."""

    assigned: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(RULES, 0))
    suggested: int = 0
    orphans: int = 0
    undecided: int = 0
    conversations: int = 0
    decided: int = 0
    new_projects: int = 0
    named: int = 0
    learned: Learned | None = None
    changed: list[Change] = msgspec.field(default_factory=list)
    dry_run: bool = False
    seconds: float = 0.0


def map_projects(
    archive: Archive,
    settings: ProjectSettings,
    selection: Selection = Selection(),
    *,
    namer: Namer | None = None,
    dry_run: bool = False,
) -> MapReport:
    """The whole stage in this process, without any orchestration: `commonplace map --direct`."""
    started = time.monotonic()
    if dry_run:
        from commonplace.stages.map_preview import preview

        return msgspec.structs.replace(
            preview(archive, settings, selection).report, seconds=round(time.monotonic() - started, 3)
        )
    sure = place_sure(archive, settings, selection)
    learned = None
    changed = list(sure.changed)
    if sure.left:
        if settings.similarity:
            for chunk in _chunks(needing_vectors(archive, sure.left)):
                compute(archive, chunk)
        learned = learn(archive, settings)
        using = ready(archive, settings)
        for chunk in _chunks(sure.left):
            changed += place_similar(archive, settings, chunk, using)
    named = name(archive, namer)
    report = describe(archive, selection)
    report.decided = sure.decided + len(sure.left)
    report.new_projects, report.named = len(sure.new_projects), len(named)
    report.learned, report.changed = learned, changed
    report.seconds = round(time.monotonic() - started, 3)
    return report


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))


def name(archive: Archive, namer: Namer | None = None) -> list[str]:
    """Give every project that is known by its id alone a name made from its titles; which ones got one."""
    return project_names.infer(archive, namer)


def describe(archive: Archive, selection: Selection = Selection()) -> MapReport:
    """Where the conversations are now, by the rule that put them there."""
    totals = assignments.tally(archive, selection.clause(archive.owner))
    return MapReport(
        assigned={rule: totals.get(rule, 0) for rule in RULES},
        suggested=totals.get("suggested", 0),
        orphans=totals.get("orphans", 0),
        undecided=totals.get("undecided", 0),
        conversations=sum(totals.values()),
    )
