"""The vectors of passages in PostgreSQL, where pgvector is: a table for each kind and an index over it.

Like the file that other archives have (passages_files.py), it is made from the table of passages, may be behind it, and
can be dropped at any time.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from commonplace.archive.core import Archive
from commonplace.archive.search.hits import ROLES
from commonplace.archive.search.passages import Floats, Kind

MOST_DIMENSIONS = 4_000
"""What an index of pgvector takes."""
_ROWS_AT_ONCE = 5_000
_BEGIN, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"


def is_there(connection: Connection, kind: Kind) -> bool:
    """Whether this kind has its table."""
    return connection.execute(text("SELECT to_regclass(:name)"), {"name": _table(kind)}).scalar() is not None


def upto(connection: Connection, kind: Kind) -> int:
    """The key of the last passage that is in it."""
    return int(connection.execute(text(f"SELECT coalesce(max(key), 0) FROM {_table(kind)}")).scalar_one())  # noqa: S608


def renew(archive: Archive, kind: Kind) -> bool:
    """Bring the table up to date; False where there is no pgvector."""
    if kind.dimensions > MOST_DIMENSIONS or not _has_extension(archive):
        return False
    with archive.write() as connection:
        _create(connection, kind)
        _copy(connection, kind)
    with archive.write() as connection:  # after the rows: an index is built faster than it grows
        name = f"{_table(kind)}_nearest"
        connection.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
        how = "USING hnsw (vector halfvec_ip_ops)"
        connection.execute(text(f"CREATE INDEX IF NOT EXISTS {name} ON {_table(kind)} {how}"))
    return True


def nearest(
    connection: Connection, kind: Kind, direction: Floats, most: int, only: Collection[int] | None, role: str | None
) -> list[tuple[float, int, int]]:
    """The nearest passages: how like they are, their keys and their conversations'."""
    connection.execute(text(f"SET LOCAL hnsw.ef_search = {most}"))
    connection.execute(text("SET LOCAL hnsw.iterative_scan = 'strict_order'"))
    asked: dict[str, Any] = {"direction": f"[{','.join(map(str, direction.tolist()))}]", "most": most}
    conditions = []
    if only is not None:
        conditions.append("conversation_key = ANY(:only)")
        asked["only"] = list(only)
    if role is not None:
        conditions.append("role = :role")
        asked["role"] = ROLES.index(role)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    distance = f"vector <#> CAST(:direction AS halfvec({kind.dimensions}))"
    query = f"SELECT {distance}, key, conversation_key FROM {_table(kind)} {where} ORDER BY 1 LIMIT :most"  # noqa: S608
    return [(-row[0], row[1], row[2]) for row in connection.execute(text(query), asked)]


def sweep(connection: Connection, tokens: Collection[str]) -> None:
    """Drop the tables of kinds that are no more."""
    names = text(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename ~ '^vectors_[0-9a-f]+$'"
    )
    for name in connection.execute(names).scalars().all():
        if name.removeprefix("vectors_") not in tokens:
            connection.execute(text(f"DROP TABLE {name}"))


def _table(kind: Kind) -> str:
    return f"vectors_{int(kind.token, 16):016x}"


def _has_extension(archive: Archive) -> bool:
    """Whether pgvector is in this database, or may be put there by us."""
    try:
        with archive.write() as connection:
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
    except DBAPIError:
        return False
    return True


def _create(connection: Connection, kind: Kind) -> None:
    columns = (
        "key bigint PRIMARY KEY REFERENCES passages (key) ON DELETE CASCADE, conversation_key bigint NOT NULL, "
        f"role smallint, vector halfvec({kind.dimensions}) NOT NULL"
    )
    connection.execute(text(f"CREATE TABLE IF NOT EXISTS {_table(kind)} ({columns})"))
    name = f"{_table(kind)}_conversation"
    connection.execute(text(f"CREATE INDEX IF NOT EXISTS {name} ON {_table(kind)} (conversation_key)"))


def _copy(connection: Connection, kind: Kind) -> None:
    """Add what is missing, in the form that PostgreSQL itself uses: as text it would be eight times as much."""
    is_there = f"SELECT 1 FROM {_table(kind)} AS there WHERE there.key = passages.key"  # noqa: S608
    columns, which = "key, conversation_key, role, scale, vector", f"kind_key = :kind AND NOT EXISTS ({is_there})"
    missing = text(f"SELECT {columns} FROM passages WHERE {which} ORDER BY key")  # noqa: S608
    found = connection.execute(missing, {"kind": kind.key}, execution_options={"yield_per": _ROWS_AT_ONCE})
    packed = [b"".join(_packed(rows)) for rows in found.partitions()]
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {_table(kind)} (key, conversation_key, role, vector) FROM STDIN (FORMAT BINARY)"
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(_BEGIN)
        for some in packed:
            copy.write(some)
        copy.write(_END)


def _packed(rows: Any) -> Iterator[bytes]:
    vectors = np.stack([np.frombuffer(row.vector, np.int8) for row in rows]).astype(np.float32)
    halves = (vectors * np.array([[row.scale] for row in rows], dtype=np.float32)).astype(">f2")
    for row, half in zip(rows, halves, strict=True):
        role = struct.pack(">i", -1) if row.role is None else struct.pack(">ih", 2, row.role)
        values = half.tobytes()
        yield struct.pack(">hiqiq", 4, 8, row.key, 8, row.conversation_key) + role
        yield struct.pack(">ihh", len(values) + 4, half.size, 0) + values
