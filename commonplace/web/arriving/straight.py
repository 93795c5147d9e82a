"""Large bodies, read straight from their connection, by the thread that writes them.

The server's parser copies what comes half a dozen times, some kilobytes at a time, which takes longer than to write it.
A request may read the rest of its body from the connection instead. The parser has not seen that rest, so the
connection ends with the reply.
"""

from __future__ import annotations

import asyncio
import select
import socket
import time
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from uvicorn.protocols.http.flow_control import CLOSE_HEADER

from commonplace.web.arriving.patience import PatientProtocol

PIECE = 1 << 20
WORTH_IT = 4 << 20
"""What is shorter goes through the parser, and its connection lives on."""
MOMENT_MS = 20
"""So long a thread waits for more. Whoever sends slowly is waited for by the loop, and holds no thread."""
AT_A_STRETCH_SECONDS = 0.25
SILENCE_SECONDS = 120.0
"""Whoever says nothing for longer is gone, without having said so: a lid was closed, a network left."""
_TAKE_OVER = "commonplace.take_over"
Buffer = bytes | bytearray | memoryview
Write = Callable[[Buffer], None]


class Protocol(PatientProtocol):
    """A request finds in its scope how to take over its connection."""

    def handle_events(self) -> None:
        super().handle_events()
        if self.scope is not None:
            self.scope[_TAKE_OVER] = self._take_over  # type: ignore[literal-required]

    def _take_over(self) -> socket.socket | None:
        """The connection, unless something was read from it that the request has not had. Other loops than asyncio's
        own may be reading all the time."""
        if self.cycle.body or not isinstance(self.loop, asyncio.SelectorEventLoop):
            return None
        self.flow.pause_reading()
        self.cycle.keep_alive = False
        self.scope["headers"] = [*self.scope["headers"], CLOSE_HEADER]  # so the reply says it too
        line: socket.socket = self.transport.get_extra_info("socket").dup()
        return line


async def pour(request: Request, write: Write) -> None:
    """Hand what a request brings to `write`, in a thread, piece by piece, each good until `write` returns. A connection
    that breaks is told when all that had come is written."""
    take_over: Callable[[], socket.socket | None] = request.scope.get(_TAKE_OVER, lambda: None)
    left = int(request.headers.get("content-length", 0))
    held, line = bytearray(), None
    try:
        async for piece in request.stream():
            held += piece
            left -= len(piece)
            if left >= WORTH_IT and (line := take_over()):
                break
            if len(held) >= PIECE:
                full, held = held, bytearray()
                await run_in_threadpool(write, full)
    except ClientDisconnect:
        await run_in_threadpool(write, held)
        raise
    if line is None:
        await run_in_threadpool(write, held)
        return
    with line:
        rest = _Rest(line, held, left)
        try:
            await rest.pour(write)
        except ClientDisconnect:
            raise
        except Exception:
            await rest.pour(ignore)  # or its sender would hear that the connection broke, and not the reply
            raise


def ignore(_: Buffer) -> None:
    """What nobody wants."""


class _Rest:
    """What of a body is still on its way, behind what came with its head."""

    def __init__(self, line: socket.socket, first: Buffer, left: int) -> None:
        self._line, self._first, self._left = line, first, left
        self._held = memoryview(bytearray(PIECE))
        self._coming = select.poll()
        self._coming.register(line, select.POLLIN)

    async def pour(self, write: Write) -> None:
        while self._left:
            if not await run_in_threadpool(self._while_it_comes, write):
                await self._more()

    def _while_it_comes(self, write: Write) -> bool:
        """Whether it was still coming when there was enough of it for now."""
        until = time.monotonic() + AT_A_STRETCH_SECONDS
        if self._first:
            first, self._first = self._first, b""
            write(first)
        while self._left and time.monotonic() < until:
            if not self._coming.poll(MOMENT_MS):
                return False
            try:
                here = self._line.recv_into(self._held[: self._left])
            except ConnectionError:
                here = 0
            if not here:
                raise ClientDisconnect
            self._left -= here
            write(self._held[:here])
        return True

    async def _more(self) -> None:
        loop, is_here = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._line, is_here.set)
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await is_here.wait()
        except TimeoutError:
            raise ClientDisconnect from None
        finally:
            loop.remove_reader(self._line)
