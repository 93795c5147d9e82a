"""What a mapping did, and where the conversations are now."""

from __future__ import annotations

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.projects import assignments
from commonplace.archive.projects.assignments import Change
from commonplace.stages.mapping.similar import Learned
from commonplace.stages.selection import Selection
from commonplace.stages.work import Ending

RULES = ("person", "id", "title", "gpt", "similar", "source")


class MapReport(Ending, kw_only=True):
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
    """What names took."""
    dry_run: bool = False


def describe(archive: Archive, selection: Selection = Selection()) -> MapReport:
    """Where the conversations are now, by the rule that put them there."""
    report = MapReport()
    describe_into(report, archive, selection)
    return report


def describe_into(report: MapReport, archive: Archive, selection: Selection) -> None:
    totals = assignments.tally(archive, selection.clause(archive))
    report.assigned = {rule: totals.get(rule, 0) for rule in RULES}
    report.suggested = totals.get("suggested", 0)
    report.orphans = totals.get("orphans", 0)
    report.undecided = totals.get("undecided", 0)
    report.conversations = sum(totals.values())
