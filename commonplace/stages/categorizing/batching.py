"""Judging at half the price: conversations go out as batches, and what came back is brought in later.

Nobody sits and waits. `submit` sends what is pending and not under way; `collect`, on a schedule, records what has
finished. Both are recorded before they matter, so that a crash in between neither loses nor buys anything twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.verdicts.batches import ArchiveBatches
from commonplace.archive.verdicts.verdicts import record_verdicts
from commonplace.categorize.contract import Taxonomy
from commonplace.config import Environment, Settings
from commonplace.model import Verdict
from commonplace.openai.client import Client, account_of
from commonplace.openai.pricing import price_to_reckon_with
from commonplace.stages.categorizing import stage
from commonplace.stages.categorizing.judges import FEW_SHOT
from commonplace.stages.categorizing.subjects import lessons, subjects
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.stages.selection import Selection

if TYPE_CHECKING:
    from commonplace.categorize.openai import OpenAIBatches


@contextmanager
def open_batches(
    settings: Settings,
    environment: Environment,
    archive: Archive,
    *,
    taxonomy: str | None = None,
    max_cost: float | None = None,
) -> Iterator[tuple[OpenAIBatches, Taxonomy]]:
    """The batches of the settings' account, and the taxonomy they are asked about."""
    from commonplace.categorize.openai import OpenAIBatches

    account = account_of(settings, environment)
    account.check()
    chosen = taxonomy_named(archive, taxonomy or settings.categorize.taxonomy)
    batches = OpenAIBatches(
        Client(account, check=archive.check),
        ArchiveBatches(archive),
        settings.categorize.model,
        analysis=settings.categorize.analysis,
        price=price_to_reckon_with(settings.categorize.model, settings),
        max_cost=settings.categorize.max_cost if max_cost is None else max_cost,
        lessons=lessons(archive, chosen.name, newest=FEW_SHOT),
    )
    try:
        yield batches, chosen
    finally:
        batches.close()


def submit(
    archive: Archive,
    batches: OpenAIBatches,
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


def collect(archive: Archive, batches: OpenAIBatches, *, review_below: float) -> dict[str, Any]:
    """Record what has finished; what came back, in counts. Nothing is sent where nothing is open."""

    def record(verdicts: Sequence[Verdict]) -> None:
        record_verdicts(archive, verdicts, review_below=review_below)

    plain: dict[str, Any] = msgspec.to_builtins(batches.collect(record))
    return plain


def are_open(archive: Archive) -> bool:
    """Whether any batch is still to be collected: without one, no key is needed."""
    return any(row["finished_at"] is None for row in ArchiveBatches(archive).rows())
