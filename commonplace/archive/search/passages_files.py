"""The vectors of all passages in one file, mapped into memory: what is searched where the database has no vectors.

The file is made from the table and can be deleted at any time. It is written under another name and renamed when it is
whole; a newer one has a higher number, and who still reads the older one keeps it until the end. It is behind the table
as a rule: passages that came later are read from there, and those that went are not found there any more, which is why
every answer is looked up. All processes share one copy of it, in the page cache.

The header has a checksum of each part. All but the vectors, which are most of it, are checked when a process opens the
file, and it is not read where a byte is wrong. A wrong byte in a vector moves one passage a little; `maintain` checks
these, too, and makes the file anew.

    header          one line of JSON, filled up to 4096 bytes
    keys            int64    of passages, ascending
    conversations   int64    keys of their conversations
    signs           uint64   a bit for each dimension, 64 to a row of all passages: by these the nearest are found
    scales          float32
    vectors         int8     by these they are put in order
    roles           uint8    who said it, or NOBODY
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, func, select

from commonplace.archive.core import Archive
from commonplace.archive.memory import recall, remember
from commonplace.archive.schema import passages
from commonplace.archive.search.passages import Kind

FORMAT = "commonplace-vectors-1"
NOBODY = 255
"""The role of a title."""
_HEADER = 4096
_PARTIAL = ".partial"
_LEFT_AFTER = 3600.0
"""Seconds in which a file is written, however large the archive."""
_ROWS_AT_ONCE = 20_000
# Made once: to make a question costs as much as to ask it.
_READ = (
    select(*(passages.c[name] for name in ("key", "conversation_key", "role", "scale", "vector")))
    .where(passages.c.kind_key == bindparam("kind"), passages.c.key > bindparam("after"))
    .order_by(passages.c.key)
)


class Header(msgspec.Struct, frozen=True):
    """What a file says of itself."""

    format: str
    token: str
    dimensions: int
    rows: int
    upto: int
    """The key of its last passage, or of the last there was when it was made."""
    checksums: tuple[int, ...] = ()
    """Of each part, in their order. Files of earlier versions have none."""


class Vectors(msgspec.Struct, frozen=True):
    """Passages side by side: what a file holds, or what came after it."""

    keys: NDArray[np.int64]
    conversations: NDArray[np.int64]
    signs: NDArray[np.uint64]
    scales: NDArray[np.float32]
    vectors: NDArray[np.int8]
    roles: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.keys)


def folder_of(archive: Archive) -> Path | None:
    """Beside the database; beside the files where that is on a server. None where neither is a folder here."""
    database = archive.engine.url.database
    if archive.is_sqlite:
        return None if database in (None, "", ":memory:") else Path(str(database)).absolute().with_suffix(".vectors")
    return None if "://" in archive.files_location else Path(archive.files_location).parent / "vectors"


def newest(archive: Archive, kind: Kind) -> tuple[int, Vectors]:
    """The key up to which the newest whole file goes, and what is in it; 0 and nothing if there is none."""
    for path in _generations(archive, kind):
        with suppress(OSError, ValueError, msgspec.MsgspecError):
            return _opened(path, kind)
    return 0, _empty(kind.dimensions, 0)


def after(connection: Connection, kind: Kind, key: int) -> Vectors:
    """The passages that the table has beyond this key."""
    rows = list(_fetched(connection, kind, key))
    found = _empty(kind.dimensions, sum(map(len, rows)))
    at = 0
    for some in rows:
        at = _fill(found, at, some)
    return found


def renew(archive: Archive, kind: Kind) -> bool:
    """Make the file anew from the table; False where no file can be written here, so that all is read from there."""
    folder = folder_of(archive)
    if folder is None:
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(archive, kind, folder)
    except OSError:
        return False
    if were_left(archive, kind) and len(_generations(archive, kind)) == 1:
        remember(archive, _left(kind), "")
    return True


def is_sound(archive: Archive, kind: Kind) -> bool:
    """Whether the newest file is what was written, to the last byte; also where there is none."""
    for path in _generations(archive, kind)[:1]:
        try:
            _opened(path, kind)
            header = _header(path)
            return _is_as_written(header, _mapped(path, header, "r"), set())
        except (OSError, ValueError, msgspec.MsgspecError):
            return False
    return True


def remove(archive: Archive, kind: Kind) -> list[Path]:
    """Delete every file of a kind. Those that cannot be deleted now, which is remembered: they go with the next file
    that is made."""
    _mapped_as_it_is.cache_clear()
    for path in _generations(archive, kind):
        with suppress(OSError):
            path.unlink()
    left = _generations(archive, kind)
    if left:
        remember(archive, _left(kind), "left")
    return left


def were_left(archive: Archive, kind: Kind) -> bool:
    """Whether a file is still there that should have been deleted."""
    return bool(recall(archive, _left(kind)))


def _left(kind: Kind) -> str:
    return f"vectors-left:{kind.token}"


def sweep(archive: Archive, tokens: Collection[str]) -> None:
    """Delete the files of kinds that are no more, of any owner, and what killed writers left."""
    folder = folder_of(archive)
    for path in folder.iterdir() if folder is not None and folder.is_dir() else ():
        with suppress(OSError):
            was_left = path.suffix == _PARTIAL and time.time() - path.stat().st_mtime > _LEFT_AFTER
            if was_left or path.name.partition(".")[0] not in tokens:
                path.unlink()


def _generations(archive: Archive, kind: Kind) -> list[Path]:
    """The newest first."""
    folder = folder_of(archive)
    found = folder.glob(f"{kind.token}.*.vectors") if folder is not None else ()
    return sorted(
        (path for path in found if _number(path) is not None), key=lambda path: _number(path) or 0, reverse=True
    )


def _number(path: Path) -> int | None:
    number = path.name.split(".")[1]
    return int(number) if number.isdigit() else None


def _write(archive: Archive, kind: Kind, folder: Path) -> None:
    older = _generations(archive, kind)
    number = (_number(older[0]) or 0) + 1 if older else 1
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=f"{kind.token}.", suffix=_PARTIAL)
    os.close(descriptor)
    try:
        with archive.read() as connection:
            count, upto = connection.execute(
                select(func.count(), func.coalesce(func.max(passages.c.key), 0)).where(passages.c.kind_key == kind.key)
            ).one()
            header = Header(FORMAT, kind.token, kind.dimensions, count, upto)
            with Path(name).open("r+b") as opened:
                opened.write(msgspec.json.encode(header).ljust(_HEADER))
                opened.truncate(_HEADER + count * _row_bytes(kind.dimensions))
            whole = _mapped(Path(name), header, "r+")
            at = 0
            for some in _fetched(connection, kind, 0):
                at = _fill(whole, at, some)
        header = msgspec.structs.replace(header, checksums=tuple(map(crc32, msgspec.structs.astuple(whole))))
        del whole  # unmapped, which Windows wants before it renames
        with Path(name).open("r+b") as written:
            written.write(msgspec.json.encode(header).ljust(_HEADER))
            written.flush()
            os.fsync(written.fileno())
        Path(name).replace(folder / f"{kind.token}.{number}.vectors")
    finally:
        Path(name).unlink(missing_ok=True)
    _mapped_as_it_is.cache_clear()
    for path in older:
        with suppress(OSError):  # Windows: somebody reads it; the next time, then
            path.unlink()


def _opened(path: Path, kind: Kind) -> tuple[int, Vectors]:
    is_now = path.stat()
    return _mapped_as_it_is(path, kind, (is_now.st_ino, is_now.st_size, is_now.st_mtime_ns))


@lru_cache(maxsize=1)
def _mapped_as_it_is(path: Path, kind: Kind, state: tuple[int, int, int]) -> tuple[int, Vectors]:
    """Kept for the next search, whose pages are then where they were, and let go for a newer one: Windows deletes no
    file that somebody reads. One that is torn raises each time."""
    header = _header(path)
    expected = (FORMAT, kind.token, kind.dimensions, _HEADER + header.rows * _row_bytes(header.dimensions))
    if (header.format, header.token, header.dimensions, state[1]) != expected:
        raise ValueError("torn, or of another kind")
    found = _mapped(path, header, "r")
    if not _is_as_written(header, found, {"vectors"}):
        raise ValueError("a wrong byte")
    return header.upto, found


def _header(path: Path) -> Header:
    with path.open("rb") as opened:
        return msgspec.json.decode(opened.read(_HEADER).rstrip(), type=Header)


def _is_as_written(header: Header, found: Vectors, unchecked: Collection[str]) -> bool:
    parts = zip(Vectors.__struct_fields__, header.checksums, strict=False)
    return all(name in unchecked or crc32(getattr(found, name)) == checksum for name, checksum in parts)


def _layout(rows: int, dimensions: int) -> Iterator[tuple[Any, tuple[int, ...]]]:
    yield np.int64, (rows,)
    yield np.int64, (rows,)
    yield np.uint64, (-(-dimensions // 64), rows)
    yield np.float32, (rows,)
    yield np.int8, (rows, dimensions)
    yield np.uint8, (rows,)


def _row_bytes(dimensions: int) -> int:
    return sum(np.dtype(kind).itemsize * int(np.prod(shape)) for kind, shape in _layout(1, dimensions))


def _empty(dimensions: int, rows: int) -> Vectors:
    return Vectors(*(np.zeros(shape, kind) for kind, shape in _layout(rows, dimensions)))


def _mapped(path: Path, header: Header, mode: Any) -> Vectors:
    if not header.rows:
        return _empty(header.dimensions, 0)
    # Plain arrays over one map: numpy's own class of mapped arrays costs more than what is done with it.
    mapped = np.asarray(np.memmap(path, dtype=np.uint8, mode=mode, offset=_HEADER))
    parts, at = [], 0
    for kind, shape in _layout(header.rows, header.dimensions):
        end = at + np.dtype(kind).itemsize * int(np.prod(shape))
        parts.append(mapped[at:end].view(kind).reshape(shape))
        at = end
    return Vectors(*parts)


def _fetched(connection: Connection, kind: Kind, after: int) -> Iterator[list[Any]]:
    rows = connection.execute(_READ, {"kind": kind.key, "after": after}, execution_options={"yield_per": _ROWS_AT_ONCE})
    for some in rows.partitions():
        yield list(some)


def _fill(into: Vectors, at: int, rows: list[Any]) -> int:
    """Write rows of the table into the arrays, from a place on; the place after them."""
    keys, conversations, roles, scales, vectors = zip(*rows, strict=True)
    there = slice(at, at + len(rows))
    into.keys[there], into.conversations[there], into.scales[there] = keys, conversations, scales
    into.roles[there] = [NOBODY if role is None else role for role in roles]
    into.vectors[there] = np.frombuffer(b"".join(vectors), np.int8).reshape(len(rows), -1)
    into.signs[:, there] = signs_of(into.vectors[there]).T
    return there.stop


def signs_of(rows: NDArray[Any]) -> NDArray[np.uint64]:
    """A bit for each dimension that points up, 64 to a number."""
    packed = np.packbits(rows > 0, axis=1)
    whole = np.zeros((len(rows), -(-rows.shape[1] // 64) * 8), dtype=np.uint8)
    whole[:, : packed.shape[1]] = packed
    return whole.view(np.uint64)
