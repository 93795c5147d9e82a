"""Submitting and collecting batches. Never cached: the archive records what is under way."""

from __future__ import annotations

from typing import Any

from commonplace.stages.categorizing import batching
from tasks.policy import recording
from tasks.session import session


@recording(name="collect batches")
def collect_batches() -> dict[str, Any]:
    """Bring in what OpenAI has finished; nothing is asked when nothing is open."""
    with session() as house:
        if not batching.are_open(house.archive):
            return {"finished": 0, "still_open": 0, "verdicts": 0, "missing": 0, "defects": [], "problems": []}
        with batching.open_batches(house.settings, house.environment, house.archive) as (batches, _taxonomy):
            review_below = house.settings.categorize.review_below
            return batching.collect(house.archive, batches, review_below=review_below)
