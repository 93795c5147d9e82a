"""Find each conversation's project: the sure rules first, then likeness to what they found.

The steps; what one leaves for the next is in the archive:

    by_rules          ids, titles and custom GPTs; new projects appear in the registry
    embed_chunk       what a chunk means, where the settings name a model for it (stages/embedding.py)
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
from commonplace.errors import Halt
from commonplace.session import Session
from commonplace.stages import embedding
from commonplace.stages.embedding import Embedded
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
        leased(session, leases.mapping(session.archive.owner)) as held,
        open_assigning(held) as using,
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
        left = _embed(using, report, selection, decided.left, work)
        if left:
            _assign_by_likeness(using, report, left, work)
            report.decided += len(left)
        _name(using, report, work)
    finally:
        report.errors = list(dict.fromkeys(report.errors))
        describe_into(report, using.archive, selection)


def _embed(using: Assigning, report: MapReport, selection: Selection, left: list[str], work: Work) -> list[str]:
    """What conversations mean, as far as the budget goes. What is left to be decided then: with more vectors, older
    orphans are asked about again."""
    if using.meaning is None:
        return left
    archive, settings = using.archive, using.settings
    missing = similar.needing_meaning(archive, settings, sure.unsure(archive, settings, selection, left))
    chunks = partition(missing, smallest=SMALLEST_CHUNK)
    affordable, problem = embedding.within_budget(archive, using.meaning, chunks)

    def add(_: Chunk, embedded: Embedded | None) -> None:
        if embedded is not None:
            report.cost_usd = round(report.cost_usd + embedded.usage.cost_usd, 6)
            report.errors += [embedded.problem] if embedded.problem else []

    try:
        through(work, embed_chunk, using, affordable, label="embed", on_end=add, errors=report.errors)
    except Halt as halt:
        archive.check()
        report.errors.append(str(halt))
    report.errors += [problem] if problem else []
    return sure.left_now(archive, settings, selection, left)


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


def embed_chunk(using: Assigning, *, ids: list[str]) -> Embedded:
    """What a chunk of conversations means, as vectors from the model of the settings."""
    return embedding.embed(using.archive, using.meaning, ids) if using.meaning else Embedded()


def compute_chunk(using: Assigning, *, ids: list[str]) -> int:
    """What likeness is computed from, for a chunk of conversations."""
    return similar.compute(using.archive, ids)


def learn_projects(using: Assigning) -> Learned | None:
    """One model of all projects, with the threshold that was measured on them."""
    return similar.learn(using.archive, using.settings)


def by_likeness(using: Assigning, *, ids: list[str]) -> list[Change]:
    """Assign, suggest or leave alone a chunk of conversations."""
    return similar.assign_similar(using.archive, using.settings, ids)
