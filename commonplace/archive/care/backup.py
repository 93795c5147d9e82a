"""One file that holds the whole archive, for either database.

A zip: `manifest.json`, one `tables/NAME.jsonl` per table (each line a row, as an array in the order of the manifest's
columns; bytes as base64) and, if wanted, the files location's contents as `files/SHA256`. The manifest holds counts and
hashes of everything, so that `restore` can verify all of it before it touches anything.

It is written from one read transaction while others write. The text index is not in it, it is built again; nor are the
vectors that this machine computed itself, which the next `embed` makes again. Those that were bought are.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, Table, func, select

from commonplace.archive.core import Archive
from commonplace.archive.faults import writing
from commonplace.archive.files.files import CHUNK, path_of
from commonplace.archive.inbox import has_inbox, inbox, open_inbox
from commonplace.archive.memory import mark_of
from commonplace.archive.migrations import HEAD
from commonplace.archive.schema import BACKED_UP, features, files, passages, vector_kinds
from commonplace.errors import Refused
from commonplace.moments import now

FORMAT = "commonplace-backup"
VERSION = 1
MANIFEST = "manifest.json"
_ROWS_AT_ONCE = 1000
_FAST = 1  # of the compression's levels: text shrinks nearly as much in a third of the time
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class TableManifest(msgspec.Struct, frozen=True, kw_only=True):
    """One table's contents."""

    name: str
    columns: list[str]
    rows: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself."""

    format: str = FORMAT
    version: int = VERSION
    revision: str = HEAD
    created_at: int
    tables: list[TableManifest]
    files: list[str] = []
    """The hashes of the files that are in it."""
    missing_files: list[str] = []
    """The hashes of files that should have been, but were not in the files location."""

    @property
    def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        return {table.name: table.rows for table in self.tables}


def rows_here(archive: Archive, names: Sequence[str]) -> dict[str, int]:
    """How many rows these tables have now, every owner's, as a manifest counts them."""
    tables = {table.name: table for table in BACKED_UP if table.name in names}
    with archive.read() as connection:
        return {name: connection.scalar(select(func.count()).select_from(tables[name])) or 0 for name in names}


def backup(archive: Archive, path: Path, *, include_files: bool = False) -> Manifest:
    """Write the whole archive, every owner's, to a new file. If the process is killed, there is none."""
    if path.exists():
        raise Refused(f"There is a {path.name} already.", hint="Choose another name for the backup.")
    mark_of(archive)  # in every backup, so that what is restored is known where it wrote before
    with writing("The backup"):
        return _write(archive, path, include_files)


def _write(archive: Archive, path: Path, include_files: bool) -> Manifest:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as out:
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=_FAST) as packed:
                manifest = _pack(archive, packed, include_files)
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
    return manifest


def table_member(name: str) -> str:
    return f"tables/{name}.jsonl"


def file_member(sha256: str) -> str:
    return f"files/{sha256}"


def _pack(archive: Archive, packed: zipfile.ZipFile, include_files: bool) -> Manifest:
    waiting = _pack_inbox(archive, packed)  # first: what leaves it meanwhile is in the archive as well, not in neither
    with _snapshot(archive) as connection:
        tables = [*waiting, *(_pack_table(connection, table, packed) for table in BACKED_UP)]
        kept = list(connection.execute(select(files.c.sha256).order_by(files.c.sha256)).scalars())
    missing = [sha256 for sha256 in kept if not _pack_file(archive, sha256, packed)] if include_files else []
    manifest = Manifest(
        created_at=now(),
        tables=tables,
        files=[sha256 for sha256 in kept if sha256 not in missing] if include_files else [],
        missing_files=missing,
    )
    packed.writestr(_member(MANIFEST), msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def _pack_inbox(archive: Archive, packed: zipfile.ZipFile) -> list[TableManifest]:
    if not has_inbox(archive):
        return []
    with open_inbox(archive) as opened, opened.engine.connect() as connection:
        return [_pack_table(connection, inbox, packed)]


def _pack_table(connection: Connection, table: Table, packed: zipfile.ZipFile) -> TableManifest:
    digest, count = hashlib.sha256(), 0
    query = _kept(table).order_by(*table.primary_key.columns)
    with packed.open(_member(table_member(table.name)), "w", force_zip64=True) as out:
        result = connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})
        for rows in result.partitions():
            lines = b"".join([msgspec.json.encode(tuple(row)) + b"\n" for row in rows])
            digest.update(lines)
            out.write(lines)
            count += len(rows)
    columns = [str(column.name) for column in table.columns]
    return TableManifest(name=str(table.name), columns=columns, rows=count, sha256=digest.hexdigest())


def _kept(table: Table) -> Select[Any]:
    """The rows that cannot be made again for nothing: all but vectors that this machine computed itself."""
    made = vector_kinds.c.is_bought.is_(False)
    if table is vector_kinds:
        return select(table).where(~made)
    if table is passages:
        return select(table).where(table.c.kind_key.not_in(select(vector_kinds.c.key).where(made)))
    if table is features:
        return select(table).where(table.c.kind.not_in(select(vector_kinds.c.kind).where(made)))
    return select(table)


def _pack_file(archive: Archive, sha256: str, packed: zipfile.ZipFile) -> bool:
    """Add one file as it is: exports and pictures are compressed already. False if it is not there."""
    path = path_of(archive, sha256)
    if path is None:
        return False
    member = _member(file_member(sha256))
    member.compress_type = zipfile.ZIP_STORED
    with path.open("rb") as source, packed.open(member, "w", force_zip64=True) as out:
        shutil.copyfileobj(source, out, CHUNK)
    return True


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _LONG_AGO)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o600 << 16
    return member


@contextmanager
def _snapshot(archive: Archive) -> Iterator[Connection]:
    """One state of the archive, however long the reading takes and whoever writes meanwhile."""
    connection = archive.engine.connect()
    if not archive.is_sqlite:
        connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with connection:
        yield connection
