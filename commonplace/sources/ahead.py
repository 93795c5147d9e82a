"""A large export is decoded by a process of its own, ahead of the one that writes: so an import uses two cores.

Threads would not do: SQLite gives up Python's lock with every row, and would wait for it behind the decoding each time.
The other process knows nothing of the archive. It is worth it for a first import, of which everything is new; later
ones mostly skip what is known, which is faster than any process starts.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

import msgspec

from commonplace.errors import Defect, Halt, LeftOut
from commonplace.model import Conversation
from commonplace.sources.contract import Export, Item, Known
from commonplace.sources.limits import Limits
from commonplace.sources.registry import open_export

LARGE = 30_000_000
"""Bytes, stated by the export, below which decoding is done before another process has started."""
CHARACTERS_PER_FRAME = 3_000_000
DEFECTS_PER_FRAME = 10_000
_FRAMES_AHEAD = 4
_LENGTH = 8
_CODE = "from commonplace.sources.ahead import decode_aloud; decode_aloud()"


class Reading(Protocol):
    """What of an export is read, wherever that is done."""

    @property
    def left_out(self) -> Sequence[LeftOut]: ...

    @property
    def unfamiliar(self) -> Mapping[str, int]: ...

    @property
    def wholes(self) -> Mapping[str, bytes]: ...

    def conversations(self, known: Known | None = None) -> Iterator[Item]: ...


class _Frame(msgspec.Struct, omit_defaults=True):
    """So much of an export, or its end, or what ended it."""

    conversations: list[Conversation] = []
    defects: list[Defect] = []
    unfamiliar: dict[str, int] | None = None
    left_out: list[LeftOut] = []
    wholes: dict[str, bytes] = {}
    error: bytes | None = None


def is_worth_it(export: Export) -> bool:
    can_be_done = bool(sys.executable) and (os.cpu_count() or 1) > 1
    return can_be_done and sum(export.members.values()) >= LARGE


class Ahead:
    """The export at `path`, decoded elsewhere from the moment on that this is opened."""

    def __init__(self, path: Path, limits: Limits | None) -> None:
        self.left_out: list[LeftOut] = []
        self.unfamiliar: dict[str, int] = {}
        self.wholes: dict[str, bytes] = {}
        places = os.pathsep.join(place or str(Path.cwd()) for place in sys.path)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CODE, str(path.absolute()), msgspec.json.encode(limits or Limits()).decode()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": places},
        )

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        if self.process.stdout:
            self.process.stdout.close()
        self.process.wait()

    def conversations(self, known: Known | None = None) -> Iterator[Item]:
        """Every item as it was decoded. Nothing is skipped."""
        decoder = msgspec.msgpack.Decoder(_Frame)
        while True:
            frame = decoder.decode(self._receive())
            yield from frame.conversations
            yield from frame.defects
            if frame.error is not None:
                raise pickle.loads(frame.error)  # noqa: S301 - it comes from our own process
            if frame.unfamiliar is not None:
                self.unfamiliar, self.left_out, self.wholes = frame.unfamiliar, frame.left_out, frame.wholes
                return

    def _receive(self) -> bytes:
        stream = self.process.stdout
        length = int.from_bytes(stream.read(_LENGTH), "big") if stream else 0
        data = stream.read(length) if stream and length else b""
        if not data or len(data) < length:
            raise Halt(
                "The process that decodes the export ended before it was done.",
                hint="Import the file again: it goes on where it stopped.",
            )
        return data


def decode_aloud() -> None:
    """What the other process does: read the export, and write it to its standard output in frames."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both; the one that writes ends this one
    path, limits = Path(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=Limits)
    frames: queue.Queue[bytes | None] = queue.Queue(_FRAMES_AHEAD)
    sender = threading.Thread(target=_send, args=(frames, sys.stdout.buffer), daemon=True)
    sender.start()
    encoder = msgspec.msgpack.Encoder()
    try:
        for frame in _frames(path, limits):
            frames.put(encoder.encode(frame))
    except Exception as error:
        frames.put(encoder.encode(_Frame(error=pickle.dumps(error))))
    frames.put(None)
    sender.join()


def _frames(path: Path, limits: Limits) -> Iterator[_Frame]:
    with open_export(path, limits=limits) as export:
        frame, characters = _Frame(conversations=[], defects=[]), 0
        for item in export.conversations():
            if isinstance(item, Conversation):
                frame.conversations.append(item)
                characters += sum(len(message.text) for message in item.messages)
            elif isinstance(item, Defect):
                frame.defects.append(item)
            if characters >= CHARACTERS_PER_FRAME or len(frame.defects) >= DEFECTS_PER_FRAME:
                yield frame
                frame, characters = _Frame(conversations=[], defects=[]), 0
        frame.unfamiliar, frame.left_out = dict(export.unfamiliar), list(export.left_out)
        frame.wholes = dict(export.wholes)
        yield frame


def _send(frames: queue.Queue[bytes | None], out: IO[bytes]) -> None:
    """Write each frame behind its length. Who read them may be gone: then there is nobody to decode for."""
    try:
        while (frame := frames.get()) is not None:
            out.write(len(frame).to_bytes(_LENGTH, "big"))
            out.write(frame)
            out.flush()
    except OSError:
        os._exit(1)
