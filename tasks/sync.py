"""Writing to a destination, a chunk at a time. Never cached: the ledger decides what is left to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from commonplace.stages.syncing import writing
from commonplace.stages.syncing.pull import PullReport
from commonplace.stages.syncing.writing import Syncing, Written, open_syncing
from tasks.policy import Steps, recording
from tasks.session import session


@contextmanager
def _opened(destination: str, lease: str) -> Iterator[Syncing]:
    """One for each task: a destination is not for several threads."""
    with session(lease) as opened, open_syncing(opened, destination) as using:
        yield using


@recording(name="pull edits", run_name="pull-{destination}")
def pull_edits(destination: str, lease: str) -> PullReport:
    """What people changed there becomes their word in the archive."""
    with _opened(destination, lease) as using:
        return writing.pull_changes(using)


@recording(name="write chunk", run_name="write-{destination}-{chunk}")
def write_chunk(destination: str, chunk: str, ids: list[str], force: bool, lease: str) -> Written:
    """Bring a chunk of conversations to a destination; what is there as it is now is left alone, unless forced."""
    with _opened(destination, lease) as using:
        return writing.write_chunk(using, ids=ids, force=force)


@recording(name="finish destination", run_name="finish-{destination}")
def finish_destination(destination: str, outcomes: list[dict[str, Any]], lease: str) -> Written:
    """After the last chunk, with what became of the run's conversations: what was queued is sent, indexes are made."""
    with _opened(destination, lease) as using:
        return writing.finish(using, outcomes=outcomes)


STEPS: Steps = {
    writing.pull_changes: pull_edits,
    writing.write_chunk: write_chunk,
    writing.finish: finish_destination,
}
