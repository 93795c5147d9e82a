"""A steady stream of requests, whoever is slow: each begins at its moment, and its time is counted from there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import urlsplit

Open = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Answered(NamedTuple):
    """What came of one request."""

    status: int
    seconds: float


class Stream:
    """Requests to one server, over as many connections as are needed, which stay open."""

    def __init__(self, url: str) -> None:
        self._at = urlsplit(url)
        self._free: list[Open] = []

    async def post(self, path: str, body: bytes, headers: dict[str, str], at: float) -> Answered:
        """Counted from the moment at which it was due."""
        reader, writer = self._free.pop() if self._free else await self._connected()
        lines = [f"POST {path} HTTP/1.1", f"host: {self._at.netloc}", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        await reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
        taken = time.perf_counter() - at
        self._free.append((reader, writer))
        return Answered(int(head.split()[1]), taken)

    async def _connected(self) -> Open:
        return await asyncio.open_connection(self._at.hostname, self._at.port)

    def close(self) -> None:
        """Open them anew when they are needed: a server ends what is idle for some seconds."""
        while self._free:
            self._free.pop()[1].close()


async def steadily(rate: int, seconds: float, send: Callable[[float], Awaitable[Answered]]) -> list[Answered]:
    """`rate` requests a second, for so long."""
    begun = time.perf_counter()
    sent = []
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        sent.append(asyncio.ensure_future(send(due)))
    return list(await asyncio.gather(*sent))
