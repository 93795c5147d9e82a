"""Kept exports and attachments: files named by the hash of their bytes, in a folder or an object store.

A file is written beside its storage and moved there whole, readable by its owner only. Storing a file and removing it
are serialised by the database, so that cleaning up never takes a file that somebody stored again at the same time.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, exists, select, text

from commonplace.archive.core import Archive
from commonplace.archive.engine import overwriting
from commonplace.archive.faults import NO_ROOM, writing
from commonplace.archive.files.storage import Storage, storage_at
from commonplace.archive.rows import arriving, put
from commonplace.archive.schema import attachments, conversations, files
from commonplace.model import Attachment
from commonplace.moments import now

CHUNK = 1 << 20
SYNCED_AT_ONCE = 8 * CHUNK
"""A disk that is given a whole export to write at once lets everybody else wait for a quarter of a second."""
EXPORT = "export"
ATTACHMENT = "attachment"
UNCLAIMED_SECONDS = 3600
"""An import stores attachments first and the messages that show them a moment later."""
_SETTLED_AT_ONCE = 8
_POSTGRES_LOCK = 0x66696C65


class Receiving:
    """Takes files in. `receive` puts them into their places together: the disk is waited for once, not for each."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self.received: dict[str, _Received] = {}
        self.left_over: list[Path] = []

    def put(self, source: Path | IO[bytes], name: str) -> str:
        """Take the bytes in; their SHA-256. What was put before is kept under its first name."""
        with writing("A file of the archive", only=NO_ROOM):
            path, out = _temporary(self._scratch)
            self.left_over.append(path)
            with out:
                sha256, size = _copy(source, out)
        self.received.setdefault(sha256, _Received(path, name, size))
        return sha256


class _Received(msgspec.Struct, frozen=True):
    path: Path
    name: str
    size: int


@contextmanager
def receive(archive: Archive, *, kind: str) -> Iterator[Receiving]:
    """Keep what is received, at the end and all of it; the same bytes are kept once, under their first name."""
    storage = _storage(archive)
    receiving = Receiving(storage.scratch())
    try:
        yield receiving
        if receiving.received:
            with ThreadPoolExecutor(_SETTLED_AT_ONCE) as pool:
                were_there = list(pool.map(partial(_settle, storage), receiving.received, receiving.received.values()))
            with archive.write() as connection:
                _lock(connection, exclusive=False)
                for (sha256, one), was_there in zip(receiving.received.items(), were_there, strict=True):
                    if was_there:  # and may have been removed as unreferenced since we looked
                        _settle(storage, sha256, one)
                _note(connection, kind, receiving.received)
    finally:
        for path in receiving.left_over:
            path.unlink(missing_ok=True)


def put_file(archive: Archive, source: Path | IO[bytes], *, kind: str, name: str) -> str:
    """Keep one file and return the SHA-256 of its bytes."""
    with receive(archive, kind=kind) as receiving:
        return receiving.put(source, name)


def path_of(archive: Archive, sha256: str) -> Path | None:
    """A local path to read the file from (with an object store: a copy), or None if it is not there."""
    return _storage(archive).local(sha256)


def shown(archive: Archive, sha256: str) -> str | None:
    """What a file is called in the owner's conversations; None where none of them shows it."""
    query = (
        select(attachments.c.name, attachments.c.id)
        .join(conversations, conversations.c.key == attachments.c.conversation_key)
        .where(conversations.c.owner == archive.owner, attachments.c.sha256 == sha256)
    )
    with archive.read() as connection:
        row = connection.execute(query.limit(1)).one_or_none()
    return (row.name or row.id) if row else None


def has_file(archive: Archive, sha256: str) -> bool:
    """Whether it is there, without fetching it."""
    return _storage(archive).has(sha256)


def there(archive: Archive) -> set[str]:
    """The hashes of all files there are, in one listing."""
    return {name for name, _ in _storage(archive).names()}


def delete_unreferenced(archive: Archive, *, older_than_seconds: float = UNCLAIMED_SECONDS) -> list[str]:
    """Remove attachments that no message shows, and leftovers of killed processes; the hashes of what went.

    Kept exports stay: they are the truth that conversations can be rebuilt from.
    """
    storage = _storage(archive)
    before = now() - int(older_than_seconds * 1_000_000)
    with archive.write() as connection:
        _lock(connection, exclusive=True)
        removed = _remove(connection, storage, (files.c.stored_at <= before) & is_unreferenced())
        known = set(connection.execute(select(files.c.sha256)).scalars())
        strays = [name for name, stored_at in storage.names() if stored_at <= before and name not in known]
        for name in strays:
            storage.remove(name)
    _sweep(storage.scratch(), before)
    return sorted({*removed, *strays})


def remove_files(archive: Archive, hashes: Collection[str], *, exports: bool = False) -> list[str]:
    """Remove those of these files that no message shows, now; kept exports only if that is meant."""
    storage = _storage(archive)
    removed: list[str] = []
    with archive.write() as connection, overwriting(connection):
        _lock(connection, exclusive=True)
        for sha256 in sorted(hashes):
            which = is_unshown() if exports else is_unreferenced()
            removed += _remove(connection, storage, (files.c.sha256 == sha256) & which)
    return removed


def is_unshown() -> ColumnElement[bool]:
    """Of a row of `files`: no message of any owner shows it."""
    return ~exists().where(attachments.c.sha256 == files.c.sha256)


def is_unreferenced() -> ColumnElement[bool]:
    """Nor is it a kept export."""
    return (files.c.kind != EXPORT) & is_unshown()


def hash_file(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


class AttachmentFiles:
    """Attachments' bytes for who only knows attachments: fits `destinations.contract.Files`."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def path_of(self, attachment: Attachment) -> Path | None:
        return path_of(self._archive, attachment.sha256) if attachment.sha256 else None


def _storage(archive: Archive) -> Storage:
    return storage_at(archive.files_location)


def _copy(source: Path | IO[bytes], out: IO[bytes]) -> tuple[str, int]:
    """The hash and the size of what was copied."""
    if isinstance(source, Path):
        with source.open("rb") as opened:
            return _copy(opened, out)
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        out.write(chunk)
        size += len(chunk)
        if size % SYNCED_AT_ONCE == 0:
            out.flush()
            os.fsync(out.fileno())
    return digest.hexdigest(), size


def _temporary(folder: Path) -> tuple[Path, BinaryIO]:
    """A file that only its owner can read."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=folder)
    return Path(name), os.fdopen(descriptor, "wb")


def _settle(storage: Storage, sha256: str, received: _Received) -> bool:
    """Safely on disk, and in its storage; whether it was there before."""
    if storage.has(sha256):
        return True
    with writing("A file of the archive", only=NO_ROOM):
        with received.path.open("rb") as written:
            os.fsync(written.fileno())
        storage.keep(received.path, sha256)
    return False


def _note(connection: Connection, kind: str, received: Mapping[str, _Received]) -> None:
    moment = now()
    rows = [
        {"sha256": sha256, "kind": kind, "name": one.name, "size": one.size, "stored_at": moment}
        for sha256, one in received.items()
    ]
    put(connection, files, rows, changing={"stored_at": arriving("stored_at")})


def _remove(connection: Connection, storage: Storage, which: ColumnElement[bool]) -> list[str]:
    removed = connection.execute(delete(files).where(which).returning(files.c.sha256)).scalars().all()
    for sha256 in removed:
        storage.remove(sha256)
    return list(removed)


def _lock(connection: Connection, *, exclusive: bool) -> None:
    """Storing excludes removing. SQLite's write lock, which every writer has, does that already."""
    if connection.dialect.name == "postgresql":
        function = "pg_advisory_xact_lock" if exclusive else "pg_advisory_xact_lock_shared"
        connection.execute(text(f"SELECT {function}({_POSTGRES_LOCK})"))


def _sweep(folder: Path, before: int) -> None:
    """Remove what killed processes left half written."""
    for path in folder.glob("*") if folder.is_dir() else ():
        if path.is_file() and path.stat().st_mtime * 1_000_000 <= before:
            path.unlink(missing_ok=True)
