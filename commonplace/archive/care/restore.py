"""A backup back into an archive, on either database.

Everything in the backup is verified before anything is touched, and all tables are written in one transaction: a
restore that fails or is killed has changed nothing. An archive that holds anything is replaced only by force.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, LargeBinary, Table, delete, exists, func, select

from commonplace.archive.care.backup import (
    FORMAT,
    MANIFEST,
    VERSION,
    Manifest,
    TableManifest,
    file_member,
    table_member,
)
from commonplace.archive.care.erase import erase
from commonplace.archive.care.verify import require_soundness
from commonplace.archive.core import Archive
from commonplace.archive.engine import for_writing, sqlite_module
from commonplace.archive.faults import Damaged
from commonplace.archive.files.files import CHUNK, has_file, put_file, remove_files
from commonplace.archive.inbox import has_inbox, inbox, open_inbox
from commonplace.archive.leases import hold, importing, restoring, running
from commonplace.archive.migrations import HEAD
from commonplace.archive.opening import open_archive, sqlite_file
from commonplace.archive.rows import batched, insert_rows
from commonplace.archive.schema import BACKED_UP, OF_THIS_MACHINE, files, settings, taxonomies, tombstones
from commonplace.archive.search import text_index
from commonplace.errors import Refused
from commonplace.moments import now, to_iso

_ROWS_AT_ONCE = 1000
DAMAGED = ".damaged-"
"""What a damaged archive's file has in its name once it was replaced."""
_ENDINGS = ("", "-wal", "-shm")
_OF_THE_INDEX = "text_index"
"""What the archive's settings say of its text index is true of this database only."""


Stone = tuple[str, str, int]
"""An owner, a conversation that is forgotten, and since when."""


class RestoreReport(msgspec.Struct, kw_only=True):
    """What came back."""

    created_at: int
    rows: dict[str, int]
    files: int = 0
    files_missing: int = 0
    """Kept exports and attachments that the archive knows and that are not in its files location."""
    set_aside: str = ""
    """What the damaged file that was replaced is called now; it is beside the archive."""


def restore(archive: Archive, path: Path, *, force: bool = False) -> RestoreReport:
    """Put the whole of a backup, every owner's, into the archive, in place of what it holds if `force` is set.

    What was forgotten since the backup was made is forgotten in it, too.
    """
    with _opened(path) as packed:
        manifest = verify_backup(packed)
        busy = running(archive)
        if busy:
            raise Refused(f"{busy[0]} is running on this archive.", hint="Restore when nothing is running.")
        with hold(archive, importing(archive.owner)), hold(archive, restoring()):
            if not force and not _is_empty(archive):
                raise Refused(
                    "The archive is not empty.", hint="Use --force to replace everything in it, after a backup of it."
                )
            with archive.read() as connection:
                stones = list(connection.execute(select(tombstones)).all())
            return _replace(archive, packed, manifest, [tuple(stone) for stone in stones])


def restore_at(url: str, path: Path, *, files: str, owner: str, force: bool = False) -> RestoreReport:
    """The same for the archive at a database URL; a damaged file is set aside, and by force replaced by a new one."""
    try:
        with open_archive(url, files=files, owner=owner) as archive:
            if force:
                require_soundness(archive)
            return restore(archive, path, force=force)
    except Damaged:
        database = sqlite_file(url)
        if not force or database is None:
            raise
        return _restore_beside(database, path, files, owner)


def _restore_beside(database: Path, path: Path, files: str, owner: str) -> RestoreReport:
    """Into a new file, which takes the damaged one's place when it is whole. The damaged one is kept."""
    fresh = database.with_name(f".{database.name}.restoring")
    for ending in _ENDINGS:
        fresh.with_name(fresh.name + ending).unlink(missing_ok=True)
    with _opened(path) as packed, open_archive(str(fresh), files=files, owner=owner) as archive:
        report = _replace(archive, packed, verify_backup(packed), _salvaged(database))
    aside = database.with_name(f"{database.name}{DAMAGED}{(to_iso(now()) or '').replace(':', '')}")
    for ending in _ENDINGS:
        beside = database.with_name(database.name + ending)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + ending))
    fresh.replace(database)
    report.set_aside = aside.name
    return report


def _salvaged(database: Path) -> list[Stone]:
    """What a damaged archive still knows to be forgotten."""
    module = sqlite_module()
    with suppress(module.Error), closing(module.connect(database)) as connection:
        return list(connection.execute("SELECT owner, conversation_id, forgotten_at FROM tombstones").fetchall())
    return []


def _replace(archive: Archive, packed: zipfile.ZipFile, manifest: Manifest, stones: Sequence[Stone]) -> RestoreReport:
    forgotten: set[str] = set()
    text_index.suspend(archive)
    try:
        with archive.write() as connection:
            _load(connection, packed, manifest)
            forgotten = _forget_again(connection, stones)
        _load_inbox(archive, packed, manifest)
    finally:
        text_index.rebuild(archive)
    restored = _put_files(archive, packed, manifest)
    if forgotten:
        remove_files(archive, forgotten)
    return RestoreReport(
        created_at=manifest.created_at, rows=manifest.rows, files=restored, files_missing=_count_missing(archive)
    )


def _forget_again(connection: Connection, stones: Sequence[Stone]) -> set[str]:
    """What the backup still has of conversations that were forgotten later; the files that they showed."""
    shown: set[str] = set()
    for (owner, at), some in groupby(sorted(stones, key=_by_owner), key=_by_owner):
        for ids in batched(id for _, id, _ in some):
            shown |= erase(connection, owner, ids, at=at)
    return shown


def _by_owner(stone: Stone) -> tuple[str, int]:
    return stone[0], stone[2]


def check_backup(path: Path) -> Manifest:
    """Read the whole of a backup and compare it with what it says of itself; Refused where they differ."""
    with _opened(path) as packed:
        return verify_backup(packed)


def verify_backup(packed: zipfile.ZipFile) -> Manifest:
    manifest = _manifest(packed)
    known = {table.name: set(table.columns.keys()) for table in (*BACKED_UP, inbox)}
    for table in manifest.tables:
        if table.name not in known or not known[table.name].issuperset(table.columns):
            raise _too_new()
        lines, sha256 = _count_and_hash(packed, table_member(table.name))
        if (lines, sha256) != (table.rows, table.sha256):
            raise _damaged(f"the table {table.name}")
    for sha256 in manifest.files:
        if _count_and_hash(packed, file_member(sha256))[1] != sha256:
            raise _damaged(f"the file {sha256[:12]}...")
    return manifest


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        packed = zipfile.ZipFile(path)
    except FileNotFoundError as exc:
        raise Refused(f"There is no file {path}.") from exc
    except zipfile.BadZipFile as exc:
        raise _damaged("its directory") from exc
    except OSError as exc:
        raise Refused(f"{path} cannot be read ({exc.strerror}).", hint="A backup is one file.") from exc
    with packed:
        yield packed


def _manifest(packed: zipfile.ZipFile) -> Manifest:
    try:
        manifest = msgspec.json.decode(packed.read(MANIFEST), type=Manifest)
    except (KeyError, msgspec.MsgspecError, zipfile.BadZipFile) as exc:
        raise Refused("This is not a backup of a Commonplace archive, or it is damaged.") from exc
    if manifest.format != FORMAT:
        raise Refused("This is not a backup of a Commonplace archive.")
    if manifest.version > VERSION or manifest.revision > HEAD:
        raise _too_new()
    return manifest


def _count_and_hash(packed: zipfile.ZipFile, member: str) -> tuple[int, str]:
    digest, lines = hashlib.sha256(), 0
    try:
        with packed.open(member) as opened:
            while chunk := opened.read(CHUNK):
                digest.update(chunk)
                lines += chunk.count(b"\n")
    except (KeyError, zipfile.BadZipFile, EOFError, zlib.error) as exc:
        raise _damaged(member) from exc
    return lines, digest.hexdigest()


def _is_empty(archive: Archive) -> bool:
    with archive.read() as connection:
        return not any(
            connection.execute(select(exists().select_from(table))).scalar()
            for table in BACKED_UP
            if table not in (settings, taxonomies)
        )


def _load(connection: Connection, packed: zipfile.ZipFile, manifest: Manifest) -> None:
    by_name = {table.name: table for table in manifest.tables}
    for table in (*OF_THIS_MACHINE, *reversed(BACKED_UP)):
        everything = delete(table)
        if table is settings:
            everything = everything.where(~settings.c.name.startswith(_OF_THE_INDEX))
        connection.execute(everything)
    for table in BACKED_UP:
        if table.name in by_name:
            _load_table(connection, table, by_name[table.name], packed)
            _set_sequence(connection, table)


def _load_inbox(archive: Archive, packed: zipfile.ZipFile, manifest: Manifest) -> None:
    """What had come in and was not in the archive yet. It may be a file of its own, hence a transaction of its own."""
    told = next((table for table in manifest.tables if table.name == inbox.name), None)
    if told is None and not has_inbox(archive):
        return
    with open_inbox(archive) as opened, for_writing(opened.engine).begin() as connection:
        connection.execute(delete(inbox))
        if told is not None:
            _load_table(connection, inbox, told, packed)
            _set_sequence(connection, inbox)


def _load_table(connection: Connection, table: Table, told: TableManifest, packed: zipfile.ZipFile) -> None:
    """Columns that the backup does not know yet take their defaults."""
    columns = [column for column in table.columns if column.name in told.columns]
    places = [told.columns.index(column.name) for column in columns]
    is_bytes = [isinstance(column.type, LargeBinary) for column in columns]
    names = tuple(column.name for column in columns)
    decoder = msgspec.json.Decoder(list[Any])
    batch: list[Sequence[Any]] = []
    with packed.open(table_member(table.name)) as lines:
        for line in lines:
            values = decoder.decode(line)
            row = [_value(values[place], binary) for place, binary in zip(places, is_bytes, strict=True)]
            if table is settings and row[names.index("name")].startswith(_OF_THE_INDEX):
                continue
            batch.append(tuple(row))
            if len(batch) == _ROWS_AT_ONCE:
                insert_rows(connection, table, names, batch)
                batch = []
    insert_rows(connection, table, names, batch)


def _value(value: Any, is_bytes: bool) -> Any:
    return base64.b64decode(value) if is_bytes and value is not None else value


def _set_sequence(connection: Connection, table: Table) -> None:
    """New rows get keys after those that came with the backup; SQLite sees to that by itself."""
    if connection.dialect.name == "postgresql" and "key" in table.columns:
        sequence = func.pg_get_serial_sequence(table.name, "key")
        newest = select(func.max(table.c.key)).scalar_subquery()
        connection.execute(select(func.setval(sequence, func.coalesce(newest, 1), newest.is_not(None))))


def _put_files(archive: Archive, packed: zipfile.ZipFile, manifest: Manifest) -> int:
    with archive.read() as connection:
        known = {row.sha256: row for row in connection.execute(select(files))}
    for sha256 in manifest.files:
        if not has_file(archive, sha256):
            with packed.open(file_member(sha256)) as source:
                put_file(archive, source, kind=known[sha256].kind, name=known[sha256].name)
    return len(manifest.files)


def _count_missing(archive: Archive) -> int:
    with archive.read() as connection:
        known = list(connection.execute(select(files.c.sha256)).scalars())
    return sum(not has_file(archive, sha256) for sha256 in known)


def _damaged(what: str) -> Refused:
    return Refused(f"The backup is damaged: {what} is not what it should be.", hint="Nothing was changed.")


def _too_new() -> Refused:
    return Refused("This backup was written by a newer Commonplace.", hint="Install the newest version and try again.")
