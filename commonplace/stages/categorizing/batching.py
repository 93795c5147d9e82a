"""Judging at half the price: conversations go out as batches, and what came back is brought in later.

Nobody sits and waits. `submit` sends what is pending and not under way; `collect`, on a schedule, records what has
finished. Both are recorded before they matter, so that a crash in between neither loses nor buys anything twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.verdicts.batches import ArchiveBatches
from commonplace.archive.verdicts.verdicts import record_verdicts
from commonplace.categorize import registry
from commonplace.categorize.contract import BatchJudge, Taxonomy
from commonplace.config import Environment, Settings
from commonplace.errors import Refused
from commonplace.model import Verdict
from commonplace.stages.categorizing import stage
from commonplace.stages.categorizing.judges import surroundings
from commonplace.stages.categorizing.subjects import subjects
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.stages.selection import Selection


@contextmanager
def open_batches(
    settings: Settings,
    environment: Environment,
    archive: Archive,
    *,
    judge: str | None = None,
    taxonomy: str | None = None,
    max_cost: float | None = None,
) -> Iterator[tuple[BatchJudge, Taxonomy]]:
    """A judge that answers later, and the taxonomy it is asked about. The settings' judge, if it is one that does."""
    name = judge or settings.categorize.judge
    if judge is None and not registry.kind_named(name).answers_later:
        name = registry.BATCHES
    chosen = taxonomy_named(archive, taxonomy or settings.categorize.taxonomy)
    opened = registry.open_judge(name, surroundings(settings, environment, archive, chosen, max_cost))
    try:
        if not isinstance(opened, BatchJudge):
            raise Refused(f"The judge {name} answers at once: there is nothing to collect.")
        yield opened, chosen
    finally:
        opened.close()


def submit(
    archive: Archive,
    batches: BatchJudge,
    taxonomy: Taxonomy,
    selection: Selection = Selection(),
    *,
    upgrade: bool = False,
) -> dict[str, Any]:
    """Send what is pending; what went out, in counts."""
    waiting = stage.pending(archive, batches.key, taxonomy, selection, upgrade=upgrade)
    asked = [s for s in subjects(archive, [item.conversation_id for item in waiting]) if s.turns or s.title]
    plain: dict[str, Any] = msgspec.to_builtins(batches.submit(asked, taxonomy))
    return plain


def collect(archive: Archive, batches: BatchJudge, *, review_below: float) -> dict[str, Any]:
    """Record what has finished; what came back, in counts. Nothing is sent where nothing is open."""

    def record(verdicts: Sequence[Verdict]) -> None:
        record_verdicts(archive, verdicts, review_below=review_below)

    plain: dict[str, Any] = msgspec.to_builtins(batches.collect(record))
    return plain


def are_open(archive: Archive) -> bool:
    """Whether any batch is still to be collected: without one, no key is needed."""
    return any(row["finished_at"] is None for row in ArchiveBatches(archive).rows())
