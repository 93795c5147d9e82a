"""How much an export may ask of us, counted while its bytes stream past, never believed from its headers."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO

import msgspec

from commonplace.errors import Refused

MEGABYTE = 1_000_000
GIGABYTE = 1_000_000_000


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Generous: zips of 6 GB are real, and JSON of chats shrinks five- to tenfold."""

    entries: int = 500_000
    """Files in an archive or a folder."""
    member_bytes: int = 20 * GIGABYTE
    """Unpacked size of one file."""
    total_bytes: int = 100 * GIGABYTE
    """Unpacked size of all files that are read."""
    ratio: int = 100
    """How many times larger than its packed size a file may become,"""
    ratio_beyond: int = 100 * MEGABYTE
    """once it is larger than this."""


class Meter:
    """The bytes that came out of one archive so far. Reading a member again counts once."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._read: dict[str, int] = {}
        self._total = 0

    def count(self, name: str, read: int, packed: int | None) -> None:
        """`read` bytes of the member came out so far; raises `Refused` when that is too much."""
        limits = self.limits
        known = self._read.get(name, 0)
        if read > known:
            self._total += read - known
            self._read[name] = read
        if read > limits.member_bytes:
            raise Refused(
                f"{name!r} unpacks to more than {limits.member_bytes:,} bytes.", hint="Nothing was kept of it."
            )
        if self._total > limits.total_bytes:
            raise Refused(f"The archive unpacks to more than {limits.total_bytes:,} bytes.")
        if packed is not None and read > limits.ratio_beyond and read > limits.ratio * max(packed, 1):
            raise Refused(f"{name!r} unpacks to more than {limits.ratio} times its size, as only a bomb does.")


class Metered(io.RawIOBase):
    """A stream that counts what is read from it."""

    def __init__(self, stream: BinaryIO, counted: Callable[[int], None]) -> None:
        super().__init__()
        self._stream = stream
        self._counted = counted
        self._read = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(MEGABYTE), b""))
        data = self._stream.read(size)
        self._read += len(data)
        self._counted(self._read)
        return data

    def readall(self) -> bytes:
        return self.read(-1)

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
