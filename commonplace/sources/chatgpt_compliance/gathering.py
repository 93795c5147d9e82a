"""The events of each conversation, out of files that hold those of all: on disk, since logs may be larger than memory.

They are copied because the files are a folder's: one that is cut short while it is mapped would end the process.
"""

from __future__ import annotations

import mmap
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType

from commonplace.errors import Halt


class Gathered:
    """Events by conversation, in the order in which they came. A context manager: what it kept goes with it."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with it
        self._end = 0
        self._places: dict[str, array[int]] = {}

    def keep(self, conversation: str, event: memoryview) -> None:
        try:
            self._file.write(event)
        except OSError as exc:
            raise _no_room(exc) from exc
        self._places.setdefault(conversation, array("q")).extend((self._end, len(event)))
        self._end += len(event)

    def lists(self) -> Iterator[memoryview]:
        """Those of each conversation as one list of JSON."""
        if not self._places:
            return
        try:
            self._file.flush()
        except OSError as exc:
            raise _no_room(exc) from exc
        with mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) as kept:
            for places in self._places.values():
                events = (kept[start : start + size] for start, size in zip(places[::2], places[1::2], strict=True))
                yield memoryview(b"[" + b",".join(events) + b"]")

    def __enter__(self) -> Gathered:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # a full disk was told already
            self._file.close()


def _no_room(error: OSError) -> Halt:
    return Halt(
        f"There is no room to put the logs in order: the folder for temporary files refuses it ({error.strerror}).",
        hint="Make room there, or set TMPDIR to a folder that has some.",
    )
