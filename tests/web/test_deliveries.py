"""Deliveries on their way into the inbox."""

from __future__ import annotations

import asyncio
from pathlib import Path

from commonplace.archive.core import Archive
from commonplace.archive.engine import outside_transactions
from commonplace.archive.inbox import LOG_BYTES, Delivery, Inbox, log_of, open_inbox
from commonplace.web.deliveries import Deliveries


def _delivery(number: int, size: int = 10) -> Delivery:
    return Delivery(source="omi", kind="memory", uid="u", body=b"x" * size, delivery=f"{number:03}")


def test_they_are_kept_in_the_order_in_which_they_came(sqlite_archive: Archive) -> None:
    async def come(inbox: Inbox) -> None:
        deliveries = Deliveries(inbox, lambda: None)
        async with deliveries.running():
            coming = []
            for number in range(100):
                coming.append(asyncio.create_task(deliveries.store(_delivery(number))))
                await asyncio.sleep(0)
            await asyncio.gather(*coming)

    with open_inbox(sqlite_archive) as inbox:
        asyncio.run(come(inbox))
        assert [one.delivery for one in reversed(inbox.entries())] == [f"{number:03}" for number in range(100)]


def test_the_inboxs_log_is_made_long_beforehand_and_emptied_beside(sqlite_archive: Archive) -> None:
    async def come(inbox: Inbox, log: Path) -> None:
        deliveries = Deliveries(inbox, lambda: None)
        async with deliveries.running():
            while log.stat().st_size < LOG_BYTES:
                await asyncio.sleep(0.01)
            for number in range(6):
                await deliveries.store(_delivery(number, size=1_000_000))
            while not _emptied(inbox):
                await asyncio.sleep(0.01)

    with open_inbox(sqlite_archive) as inbox:
        asyncio.run(asyncio.wait_for(come(inbox, log_of(sqlite_archive)), timeout=120))


def _emptied(inbox: Inbox) -> int:
    """How many pages of the log are in the file, before SQLite would see to it by itself."""
    with outside_transactions(inbox.engine).connect() as connection:
        _, _, emptied = connection.exec_driver_sql("PRAGMA wal_checkpoint(NOOP)").one()
    return int(emptied)
