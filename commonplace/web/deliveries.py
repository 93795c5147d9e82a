"""Deliveries into the inbox, many in one commit: waiting for the disk once serves all who wait at that moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from commonplace.archive.inbox import Delivery, Inbox

MOST_AT_ONCE = 200
MOST_BYTES_AT_ONCE = 32 << 20
MOST_WAITING = 1000

Waiting = tuple[Delivery, "asyncio.Future[None]"]


class Full(OSError):
    """More deliveries wait than the disk keeps up with."""


class Deliveries:
    """What the routes hand deliveries to. `after` is called when some were stored."""

    def __init__(self, inbox: Inbox, after: Callable[[], None]) -> None:
        self._inbox = inbox
        self.after = after
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue(MOST_WAITING)

    @property
    def waiting(self) -> int:
        """How many wait for the next commit."""
        return self._queue.qsize()

    async def store(self, delivery: Delivery) -> None:
        """Returns once it is on the disk. Whatever keeps it from there is raised."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait((delivery, stored))
        except asyncio.QueueFull:
            raise Full("The inbox is full.") from None
        await stored

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Store what comes, until the block ends."""
        storing = asyncio.create_task(self._store_all())
        try:
            yield
        finally:
            storing.cancel()

    async def _store_all(self) -> None:
        while True:
            batch = await self._next_batch()
            try:
                await asyncio.to_thread(self._inbox.put, [delivery for delivery, _ in batch])
            except Exception as error:
                for _, stored in batch:
                    if not stored.done():
                        stored.set_exception(error)
                continue
            for _, stored in batch:
                if not stored.done():  # whoever waited may have hung up
                    stored.set_result(None)
            self.after()

    async def _next_batch(self) -> list[Waiting]:
        batch = [await self._queue.get()]
        size = len(batch[0][0].body)
        while not self._queue.empty() and len(batch) < MOST_AT_ONCE and size < MOST_BYTES_AT_ONCE:
            batch.append(self._queue.get_nowait())
            size += len(batch[-1][0].body)
        return batch
