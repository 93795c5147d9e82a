"""What was looked at in watched folders: a file that is as it was then is not opened again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import Literal

import msgspec
from sqlalchemy import delete, select

from commonplace.archive.core import Archive
from commonplace.archive.rows import batched, put
from commonplace.archive.schema import watched_files
from commonplace.moments import now

State = Literal["taken", "refused", "other"]
"""It is in the archive; it is an export and was refused; it is no export."""


class Stamp(msgspec.Struct, frozen=True):
    """By what a file is seen to have changed."""

    size: int
    modified: int


class Watched(msgspec.Struct, frozen=True):
    """What became of a file when it was looked at."""

    stamp: Stamp
    state: State
    readers: str


class Exported(msgspec.Struct, frozen=True):
    """An export that was found in a folder."""

    folder: str
    name: str
    state: State
    seen_at: int


def digest_of(path: str) -> bytes:
    """By which a file of a folder is known: of most, not even the name is anybody's business."""
    return blake2b(path.encode("utf-8", "surrogateescape"), digest_size=16).digest()


def known(archive: Archive, folder: str) -> dict[bytes, Watched]:
    """What was looked at in this folder."""
    table = watched_files.c
    query = select(table.digest, table.size, table.modified, table.state, table.readers)
    with archive.read() as connection:
        rows = connection.execute(query.where(table.owner == archive.owner, table.folder == folder))
        return {
            bytes(digest): Watched(Stamp(size, modified), state, readers)
            for digest, size, modified, state, readers in rows
        }


def note(
    archive: Archive,
    folder: str,
    seen: Sequence[tuple[bytes, Stamp]],
    *,
    state: State,
    readers: str,
    name: str | None = None,
) -> None:
    """What became of these files."""
    rows = [
        {
            "owner": archive.owner,
            "folder": folder,
            "digest": digest,
            "size": stamp.size,
            "modified": stamp.modified,
            "state": state,
            "readers": readers,
            "name": name,
            "seen_at": now(),
        }
        for digest, stamp in seen
    ]
    with archive.write() as connection:
        for some in batched(rows):
            put(connection, watched_files, some)


def drop(archive: Archive, folder: str, digests: Collection[bytes]) -> None:
    """These files are not there any more."""
    table = watched_files.c
    here = (table.owner == archive.owner) & (table.folder == folder)
    with archive.write() as connection:
        for some in batched(digests):
            connection.execute(delete(watched_files).where(here, table.digest.in_(some)))


def exports(archive: Archive, *, limit: int = 20) -> list[Exported]:
    """The exports that were found, the newest first."""
    table = watched_files.c
    query = select(table.folder, table.name, table.state, table.seen_at)
    query = query.where(table.owner == archive.owner, table.name.is_not(None)).order_by(table.seen_at.desc())
    with archive.read() as connection:
        return [Exported(*row) for row in connection.execute(query.limit(limit))]
