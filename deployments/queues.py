"""The queues of the work pool: in which order runs begin where a worker has no room for all of them."""

from __future__ import annotations

from prefect.client.orchestration import SyncPrefectClient

from flows.turns import ASKED

DUE, PAST = "due", "past"
PRIORITIES = {ASKED: 1, DUE: 2, PAST: 3}
"""What somebody waits for, what is due, and what works through the past, in whose place others may always begin."""


def ensure_queues(client: SyncPrefectClient, pool: str) -> None:
    """The queues that are not there yet. Those that are keep the priority that somebody gave them."""
    there = {queue.name for queue in client.read_work_queues(work_pool_name=pool)}
    for name, priority in PRIORITIES.items():
        if name not in there:
            client.create_work_queue(name, work_pool_name=pool, priority=priority)
