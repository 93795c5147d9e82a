"""Keeping the archive well: a backup, a check, and the removal of what has had its time."""

from __future__ import annotations

from typing import Any

from commonplace.stages import maintain as stage
from tasks.policy import recording
from tasks.session import session


@recording(name="back up")
def back_up() -> dict[str, Any]:
    """One engine-neutral file under the home; the oldest beyond the number kept are removed."""
    with session() as opened:
        return stage.back_up(opened.archive, opened.settings)


@recording(name="verify")
def verify() -> dict[str, Any]:
    """Check the database, its counts, hashes, files and text index."""
    with session() as opened:
        return stage.check(opened.archive)


@recording(name="prune")
def prune() -> dict[str, Any]:
    """Remove result files and answers that are older than the settings keep them."""
    with session() as opened:
        return stage.prune(opened.archive, opened.settings) | stage.tidy(opened)
