"""Exports of any size, as their assistants write them.

Seeded and streamed: the same arguments give the same bytes, and 1 GB needs no more memory than 1 MB. What is in the
conversations is decided in chats.py, how other assistants write them in sources.py.
"""

from __future__ import annotations

import argparse
import binascii
import itertools
import json
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from benchmarks.generated.chats import Shape, Writer
from benchmarks.generated.sinks import SINKS, Sink
from benchmarks.generated.sources import KINDS, talks

ContainerKind = Literal["json", "zip", "folder"]
SHARD = 100


def generate(path: Path, *, size: int, shape: Shape = "full", container: ContainerKind = "json", seed: int = 7) -> int:
    """Write an export whose conversations are about `size` bytes of JSON; how many conversations there are."""
    writer = Writer(seed, shape)
    sink: Sink = SINKS[container](path)
    files: dict[str, int] = {}
    written = conversations = 0
    for number, shard in enumerate(_shards(writer, size)):
        name = f"conversations-{number:03d}.json"
        data = b"[" + b", ".join(shard) + b"]"
        sink.write(name, data)
        files[name] = len(data)
        written += len(data)
        conversations += len(shard)
    for image in writer.images:
        sink.write(f"{image}.dat", _png(image))
    for name, value in _describing(writer, files).items():
        sink.write(name, json.dumps(value).encode())
    sink.close()
    return conversations


def generate_as(path: Path, source: str, *, size: int, container: ContainerKind | None = None, seed: int = 7) -> int:
    """The same conversations as another assistant exports them, about `size` bytes of it; how many there are."""
    kind = KINDS[source]
    sink: Sink = SINKS[container or kind.container](path)
    waiting = talks(Writer(seed, "trimmed"))
    count = 0
    for number in itertools.count():
        if size <= 0:
            break
        told = list(itertools.islice(waiting, SHARD))
        count += len(told)
        for name, data in kind.write(number, told).items():
            sink.write(name, data)
            size -= len(data)
    sink.close()
    return count


def _shards(writer: Writer, size: int) -> Iterator[list[bytes]]:
    shard: list[bytes] = []
    while size > 0:
        shard.append(json.dumps(writer.conversation()).encode())
        size -= len(shard[-1])
        if len(shard) == SHARD or size <= 0:
            yield shard
            shard = []


def _describing(writer: Writer, files: dict[str, int]) -> dict[str, Any]:
    listed = {"conversations.json": {"files": list(files), "sharded": True}}
    sizes = [{"path": name, "size_bytes": size} for name, size in files.items()]
    return {
        "export_manifest.json": {
            "version": 1,
            "manifest_file": "export_manifest.json",
            "export_files": sizes,
            "logical_files": listed,
        },
        "conversation_asset_file_names.json": {f"{image}.dat": name for image, name in writer.images.items()},
        "library_files.json": writer.library,
        "message_feedback.json": writer.feedback,
        "shared_conversations.json": writer.shared,
        "user.json": {"id": "user-generated", "email": "someone@example.org", "chatgpt_plus_user": True},
    }


def _png(name: str) -> bytes:
    """A picture of one pixel, coloured by its name, so that no two are the same file."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", binascii.crc32(kind + data))

    colour = struct.pack(">I", binascii.crc32(name.encode()))[:3]
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = chunk(b"IDAT", zlib.compress(b"\0" + colour))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"tEXt", b"n\0" + name.encode())
        + pixel
        + chunk(b"IEND", b"")
    )


def size_of(text: str) -> int:
    """`200MB` as a number of bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKmMgG]?)[bB]?", text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size; write 200MB or 1GB")
    return int(float(match[1]) * {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}[match[2].lower()])
