"""Writing to a destination, a chunk at a time. Never cached: the ledger decides what is left to do."""

from __future__ import annotations

from typing import Any

import msgspec

from commonplace.model import Outcome
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.stages.syncing import stage
from commonplace.stages.syncing.destinations import open_destination
from commonplace.stages.syncing.pull import PullReport, pull
from tasks.policy import recording
from tasks.session import session


@recording(name="write chunk", run_name="write-{destination}-{chunk}")
def write_chunk(destination: str, chunk: str, ids: list[str], force: bool = False) -> dict[str, Any]:
    """Bring a chunk of conversations to a destination; what is there as it is now is left alone, unless forced."""
    with (
        session() as house,
        open_destination(house.settings, house.environment, house.archive, destination) as (
            target,
            _rules,
        ),
    ):
        before = target.requests_sent
        taxonomy = taxonomy_named(house.archive, house.settings.categorize.taxonomy)
        outcomes = stage.write_chunk(house.archive, target, ids, taxonomy=taxonomy, force=force)
        return {"outcomes": msgspec.to_builtins(outcomes), "requests": target.requests_sent - before}


@recording(name="finish destination", run_name="finish-{destination}")
def finish_destination(destination: str, outcomes: list[dict[str, Any]]) -> dict[str, Any]:
    """After the last chunk, with what became of the run's conversations: what was queued is sent, indexes are made."""
    with (
        session() as house,
        open_destination(house.settings, house.environment, house.archive, destination) as (
            target,
            _rules,
        ),
    ):
        before = target.requests_sent
        sent = stage.finish(house.archive, target, msgspec.convert(outcomes, list[Outcome]))
        return {"outcomes": msgspec.to_builtins(sent), "requests": target.requests_sent - before}


@recording(name="pull edits", run_name="pull-{destination}")
def pull_edits(destination: str) -> dict[str, Any]:
    """What people changed there becomes their word in the archive."""
    with (
        session() as house,
        open_destination(house.settings, house.environment, house.archive, destination) as (
            target,
            _rules,
        ),
    ):
        before = target.requests_sent
        report: PullReport = pull(
            house.archive, target, taxonomy_named(house.archive, house.settings.categorize.taxonomy)
        )
        plain: dict[str, Any] = msgspec.to_builtins(report)
        return plain | {"requests": target.requests_sent - before}
