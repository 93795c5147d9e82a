"""Sending and collecting batches. Never cached: the archive records what is under way."""

from __future__ import annotations

from typing import Any

from commonplace.categorize.contract import Collected, Submitted
from commonplace.stages.categorizing import batching
from commonplace.stages.categorizing.judges import open_batches
from tasks.policy import Steps, recording
from tasks.session import session


@recording(name="submit batches", run_name="submit-{judge}")
def submit_batches(
    judge: str, taxonomy: str, max_cost: float | None, run: str, selection: dict[str, Any], upgrade: bool, lease: str
) -> Submitted:
    """Send what is pending and not under way; `collect-batches` brings the answers in."""
    with (
        session(lease) as opened,
        open_batches(opened, judge=judge, taxonomy=taxonomy, max_cost=max_cost, run=run) as using,
    ):
        return batching.submit(using, selection=selection, upgrade=upgrade)


@recording(name="collect batches")
def collect_batches(judge: str, taxonomy: str, max_cost: float | None, run: str, lease: str) -> Collected:
    """Bring in what has come back."""
    with (
        session(lease) as opened,
        open_batches(opened, judge=judge, taxonomy=taxonomy, max_cost=max_cost, run=run) as using,
    ):
        return batching.collect(using)


STEPS: Steps = {batching.submit: submit_batches, batching.collect: collect_batches}
