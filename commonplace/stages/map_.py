"""Find each conversation's project: the sure rules first, then likeness to what they found.

The steps, each a function that a task can call; what one leaves for the next is in the archive:

    place_sure      ids, titles and custom GPTs; new projects appear in the registry
    compute         vectors of a chunk of conversations, kept in the archive
    embed           what a chunk means, where the settings name a model for it (map_meaning.py)
    learn           one model of all projects, kept in the archive, with the threshold that was measured
    place_similar   a chunk of what is left: assigned, suggested, or an orphan
    infer           names for projects known by nothing but an id (project_names.py)

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
from commonplace.stages import project_names
from commonplace.stages.map_meaning import Meaning, embed_within_budget
from commonplace.stages.map_similar import (
    Learned,
    Ready,
    compute,
    learn,
    needing_meaning,
    needing_vectors,
    place_similar,
    ready,
)
from commonplace.stages.map_sure import Sure, left_now, place_sure, unsure
from commonplace.stages.naming import Naming
from commonplace.stages.selection import Selection

__all__ = [
    "Learned",
    "MapReport",
    "Ready",
    "Sure",
    "compute",
    "describe",
    "learn",
    "left_now",
    "map_projects",
    "needing_meaning",
    "needing_vectors",
    "place_similar",
    "place_sure",
    "ready",
    "unsure",
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
    cost_usd: float = 0.0
    """What embeddings and names took."""
    problems: list[str] = msgspec.field(default_factory=list)
    """Why not everything was embedded or named that should have been. Everything was placed all the same."""
    dry_run: bool = False
    seconds: float = 0.0


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
        from commonplace.stages.map_preview import preview

        return msgspec.structs.replace(
            preview(archive, settings, selection).report, seconds=round(time.monotonic() - started, 3)
        )
    sure = place_sure(archive, settings, selection)
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
            report.changed += place_similar(archive, settings, chunk, using)
    _name(archive, naming, report)
    _describe_into(report, archive, selection)
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


def describe(archive: Archive, selection: Selection = Selection()) -> MapReport:
    """Where the conversations are now, by the rule that put them there."""
    report = MapReport()
    _describe_into(report, archive, selection)
    return report


def _describe_into(report: MapReport, archive: Archive, selection: Selection) -> None:
    totals = assignments.tally(archive, selection.clause(archive.owner))
    report.assigned = {rule: totals.get(rule, 0) for rule in RULES}
    report.suggested = totals.get("suggested", 0)
    report.orphans = totals.get("orphans", 0)
    report.undecided = totals.get("undecided", 0)
    report.conversations = sum(totals.values())
