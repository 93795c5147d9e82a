"""Keeping the archive well: a backup, a check, and the removal of what has had its time."""

from __future__ import annotations

from typing import Any

from commonplace.stages import maintain as stage
from tasks.house import open_house
from tasks.policy import recording


@recording(name="back up")
def back_up() -> dict[str, Any]:
    """One engine-neutral file under the home; the oldest beyond the number kept are removed."""
    with open_house() as house:
        return stage.back_up(house.archive, house.settings)


@recording(name="verify")
def verify() -> dict[str, Any]:
    """Check the database, its counts, hashes, files and text index."""
    with open_house() as house:
        return stage.check(house.archive)


@recording(name="prune")
def prune() -> dict[str, Any]:
    """Remove result files and answers that are older than the settings keep them."""
    with open_house() as house:
        return stage.prune(house.archive, house.settings)
