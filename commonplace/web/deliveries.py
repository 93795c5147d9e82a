"""Deliveries into the inbox, many in one commit: waiting for the disk once serves all who wait at that moment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError

from commonplace.archive.inbox import LOG_BYTES, Delivery, Inbox

log = logging.getLogger("commonplace.web")

WRITERS = 4
"""One writes; the others wait for the disk, which takes what several of them wrote at the same time."""
MOST_AT_ONCE = 200
MOST_BYTES_AT_ONCE = 32 << 20
MOST_WAITING = 1000
BESIDES = 24 << 10
"""What a delivery has SQLite write beside its body."""

Waiting = tuple[Delivery, "asyncio.Future[None]"]


class Full(OSError):
    """More deliveries wait than the disk keeps up with."""


class Deliveries:
    """What the routes hand deliveries to. `after` is called when some were stored."""

    def __init__(self, inbox: Inbox, after: Callable[[], None]) -> None:
        self._inbox = inbox
        self.after = after
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue(MOST_WAITING)
        self._writing = asyncio.Lock()
        self._written = 0
        self._has_grown = asyncio.Event()

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
        with ThreadPoolExecutor(WRITERS + 1, thread_name_prefix="inbox") as threads:
            work = [self._tidy(threads), *(self._store_all(threads) for _ in range(WRITERS))]
            tasks = [asyncio.create_task(each) for each in work]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()

    async def _store_all(self, threads: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with self._writing:  # in the order in which they came
                    batch = await self._next_batch()
                    await loop.run_in_executor(threads, self._inbox.write, [delivery for delivery, _ in batch])
                await loop.run_in_executor(threads, self._inbox.wait_for_disk)
            except Exception as error:
                for _, stored in batch:
                    if not stored.done():
                        stored.set_exception(error)
                continue
            for _, stored in batch:
                if not stored.done():  # whoever waited may have hung up
                    stored.set_result(None)
            self._note(batch)
            self.after()

    def _note(self, batch: list[Waiting]) -> None:
        self._written += sum(BESIDES + len(delivery.body) for delivery, _ in batch)
        if self._written > LOG_BYTES // 2:
            self._written = 0
            self._has_grown.set()

    async def _tidy(self, threads: ThreadPoolExecutor) -> None:
        """Keep the inbox's log short, beside those who write to it."""
        loop = asyncio.get_running_loop()
        work = self._inbox.make_room
        while True:
            try:
                await loop.run_in_executor(threads, work)
            except (SQLAlchemyError, OSError) as error:
                log.warning("tidying up the inbox failed", extra={"kind": type(error).__name__})
            await self._has_grown.wait()
            self._has_grown.clear()
            work = self._inbox.tidy

    async def _next_batch(self) -> list[Waiting]:
        batch = [await self._queue.get()]
        size = len(batch[0][0].body)
        while not self._queue.empty() and len(batch) < MOST_AT_ONCE and size < MOST_BYTES_AT_ONCE:
            batch.append(self._queue.get_nowait())
            size += len(batch[-1][0].body)
        return batch
