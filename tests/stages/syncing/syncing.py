"""Syncing an archive with a destination, both of a test's own."""

from __future__ import annotations

from commonplace.archive.core import Archive
from commonplace.categorize.contract import Taxonomy
from commonplace.destinations.contract import Destination
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.stages.selection import Selection
from commonplace.stages.syncing import stage
from commonplace.stages.syncing.pending import Rules, Wishes
from commonplace.stages.syncing.report import Plan, SyncReport
from commonplace.stages.syncing.writing import Syncing
from commonplace.stages.work import telling


def sync(
    archive: Archive,
    destination: Destination,
    selection: Selection = Selection(),
    rules: Rules = Rules(),
    wishes: Wishes = Wishes(),
    *,
    taxonomy: Taxonomy | None = None,
) -> SyncReport:
    """The stage without its lease."""
    report = SyncReport(destination=destination.instance)
    with telling(report):
        stage.write_pending(_using(archive, destination, rules, taxonomy), report, selection, wishes)
    return report


def preview(
    archive: Archive,
    destination: Destination,
    selection: Selection = Selection(),
    rules: Rules = Rules(),
    wishes: Wishes = Wishes(),
) -> Plan:
    return stage.plan(_using(archive, destination, rules), selection, wishes)


def _using(archive: Archive, destination: Destination, rules: Rules, taxonomy: Taxonomy | None = None) -> Syncing:
    chosen = taxonomy or taxonomy_named(archive, "everyday")
    return Syncing(archive=archive, destination=destination, taxonomy=chosen, rules=rules)
