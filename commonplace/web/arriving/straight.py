"""Large bodies, read straight from their connection.

The server's parser copies what comes half a dozen times, some kilobytes at a time, which takes longer than to write it.
A request may read the rest of its body from the connection instead. The parser has not seen that rest, so the
connection ends with the reply.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from itertools import cycle

from starlette.requests import ClientDisconnect, Request
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol

PIECE = 2 << 20
WORTH_IT = 4 << 20
"""What is shorter goes through the parser, and its connection lives on."""
_TAKE_OVER = "commonplace.take_over"


class Protocol(H11Protocol):
    """Uvicorn's; a request finds in its scope how to take over its connection."""

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


async def body(request: Request) -> AsyncGenerator[bytes | memoryview]:
    """What a request brings. Each piece is good until the next but one is asked for."""
    take_over: Callable[[], socket.socket | None] = request.scope.get(_TAKE_OVER, lambda: None)
    left = int(request.headers.get("content-length", 0))
    async for piece in request.stream():
        left -= len(piece)
        if left >= WORTH_IT and (line := take_over()):
            break
        yield piece
    else:
        return
    held = memoryview(bytearray(2 * PIECE))
    with line:
        try:
            yield piece
            for half in cycle((held[:PIECE], held[PIECE:])):
                here = await _fill(line, half[:left])
                left -= here
                yield half[:here]
                if not left:
                    return
                if here < PIECE:
                    raise ClientDisconnect
        except GeneratorExit:
            while left and (here := await _fill(line, held[:left])):
                left -= here  # or its sender would hear that the connection broke, and not the reply
            raise


async def _fill(line: socket.socket, held: memoryview) -> int:
    """How much came, which is less than there is room for only if the connection broke."""
    loop, here = asyncio.get_running_loop(), 0
    with suppress(ConnectionError):
        while here < len(held) and (more := await loop.sock_recv_into(line, held[here:])):
            here += more
    return here
