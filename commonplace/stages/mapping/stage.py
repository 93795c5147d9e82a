"""Find each conversation's project: the sure rules first, then likeness to what they found.

The steps; what one leaves for the next is in the archive:

    by_rules          ids, titles and custom GPTs; new projects appear in the registry
    compute_chunk     vectors of a chunk of conversations, kept in the archive
    learn_projects    one model of all projects, kept in the archive, with the threshold that was measured
    by_likeness       a chunk of what is left: assigned, suggested, or an orphan
    ask_names         names for projects known by nothing but an id (project_names.py)
    record_names

What has to be decided is a join with the assignments (archive/projects/assignments.py); a run that finds nothing
learns nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec

from commonplace.archive import leases
from commonplace.archive.projects.assignments import Change
from commonplace.session import Session
from commonplace.stages.mapping import preview as previewing
from commonplace.stages.mapping import project_names, similar, sure
from commonplace.stages.mapping.report import MapReport, describe_into
from commonplace.stages.mapping.similar import Learned
from commonplace.stages.mapping.sure import Sure
from commonplace.stages.mapping.using import Assigning, open_assigning
from commonplace.stages.selection import Selection, partition
from commonplace.stages.work import IN_PROCESS, Chunk, Work, leased, telling, through

SMALLEST_CHUNK = 500


def map_projects(session: Session, selection: Selection = Selection(), *, work: Work = IN_PROCESS) -> MapReport:
    """Decide which project each pending conversation belongs to, and name projects that nobody named."""
    report = MapReport()
    with (
        telling(report),
        leased(session, leases.mapping(session.archive.owner)) as ours,
        open_assigning(ours) as using,
    ):
        assign_pending(using, report, selection, work=work)
    return report


def preview(session: Session, selection: Selection = Selection()) -> MapReport:
    """What a mapping would decide now, and nothing of it done."""
    return previewing.preview(session.archive, session.settings.projects, selection).report


def assign_pending(
    using: Assigning, report: MapReport, selection: Selection = Selection(), *, work: Work = IN_PROCESS
) -> None:
    """All the steps in their order. Where something cannot be bought, the rest is done without it."""
    try:
        decided = work.do(by_rules, using, selection=msgspec.to_builtins(selection))
        report.decided, report.new_projects = decided.decided, len(decided.new_projects)
        report.changed += decided.changed
        if decided.left:
            _assign_by_likeness(using, report, decided.left, work)
            report.decided += len(decided.left)
        _name(using, report, work)
    finally:
        report.errors = list(dict.fromkeys(report.errors))
        describe_into(report, using.archive, selection)


def _assign_by_likeness(using: Assigning, report: MapReport, left: list[str], work: Work) -> None:
    if using.settings.similarity:
        missing = partition(similar.needing_vectors(using.archive, left), smallest=SMALLEST_CHUNK)
        through(work, compute_chunk, using, missing, label="vectors", on_end=_ignore, errors=report.errors)
    report.learned = work.do(learn_projects, using)

    def add(_: Chunk, changed: list[Change] | None) -> None:
        report.changed += changed or []

    chunks = partition(left, smallest=SMALLEST_CHUNK)
    through(work, by_likeness, using, chunks, label="map", on_end=add, errors=report.errors)


def _name(using: Assigning, report: MapReport, work: Work) -> None:
    done = project_names.infer(using, spent=report.cost_usd, work=work)
    report.named = len(done.named)
    report.cost_usd = round(report.cost_usd + done.usage.cost_usd, 6)
    report.errors += done.problems


def _ignore(chunk: Chunk, result: object) -> None:
    """What the step left is in the archive."""


def by_rules(using: Assigning, *, selection: dict[str, Any]) -> Sure:
    """Explicit ids, titles and custom GPTs; what they leave is for likeness."""
    return sure.assign_sure(using.archive, using.settings, msgspec.convert(selection, Selection))


def compute_chunk(using: Assigning, *, ids: list[str]) -> int:
    """What likeness is computed from, for a chunk of conversations."""
    return similar.compute(using.archive, ids)


def learn_projects(using: Assigning) -> Learned | None:
    """One model of all projects, with the threshold that was measured on them."""
    return similar.learn(using.archive, using.settings)


def by_likeness(using: Assigning, *, ids: list[str]) -> list[Change]:
    """Assign, suggest or leave alone a chunk of conversations."""
    return similar.assign_similar(using.archive, using.settings, ids)
