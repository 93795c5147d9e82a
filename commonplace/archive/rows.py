"""What everything that writes to the archive stands on: rows put, added and inserted, by the thousand where need be.

Many rows go in as tuples by the driver's own `executemany` or, on PostgreSQL, by COPY.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Literal, TypeVar

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Select,
    Table,
    bindparam,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from commonplace.archive.texts import storable

AT_ONCE = 500
"""Ids in one question: well under what the databases take, and more would not be faster."""

Item = TypeVar("Item")


def batched(items: Iterable[Item], size: int = AT_ONCE) -> Iterator[list[Item]]:
    """All of the items in their order, some at a time."""
    waiting = iter(items)
    while batch := list(islice(waiting, size)):
        yield batch


def put(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    changing: Mapping[str, ColumnElement[Any]] | None = None,
) -> None:
    """Add rows. Where one of that primary key is there, what they say replaces what it said, and all else stays.

    `changing` names what becomes of such a row instead, in terms of the table's columns and of `arriving` ones.
    """
    if not rows:
        return
    if changing is None:
        statement = _replacing(connection.dialect.name, table, tuple(rows[0]))
    else:
        statement = putting(connection.dialect.name, table, changing)
    connection.execute(statement, list(rows))


def putting(dialect: str, table: Table, changing: Mapping[str, ColumnElement[Any]]) -> Executable:
    """The statement of it, for whoever puts so often that making it anew takes longer than what it does."""
    keys = [column.name for column in table.primary_key]
    statement: Executable = _insert(dialect, table).on_conflict_do_update(index_elements=keys, set_=changing)
    return statement


@lru_cache(maxsize=64)
def _replacing(dialect: str, table: Table, names: tuple[str, ...]) -> Executable:
    return putting(dialect, table, {name: arriving(name) for name in names if name not in table.primary_key.columns})


def arriving(column: str) -> ColumnElement[Any]:
    """What the row that is put says, where another one of its key is there."""
    return literal_column(f"excluded.{column}")


def add(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add those of the rows whose key is not there yet."""
    if rows:
        connection.execute(_adding(connection.dialect.name, table), list(rows))


@lru_cache(maxsize=64)
def _adding(dialect: str, table: Table) -> Executable:
    adding: Executable = _insert(dialect, table).on_conflict_do_nothing()
    return adding


def add_selected(connection: Connection, table: Table, columns: Sequence[str], query: Select[Any]) -> None:
    """Add those of the rows that a query finds whose key is not there yet."""
    statement = _insert(connection.dialect.name, table).from_select(list(columns), query)
    connection.execute(statement.on_conflict_do_nothing())


def _insert(dialect: str, table: Table) -> Any:
    return (sqlite if dialect == "sqlite" else postgresql).insert(table)


def to_json(value: Any, *, order: Literal["deterministic"] | None = "deterministic") -> str:
    """The same text for the same value, whatever a source has read; integers of any size come back as they were."""
    try:
        return msgspec.json.encode(value, order=order).decode()
    except UnicodeEncodeError:  # half a surrogate pair
        plain = msgspec.to_builtins(value, order=order)
        return storable(json.dumps(plain, ensure_ascii=False, separators=(",", ":")))


def from_json(text: str | None) -> dict[str, Any]:
    """The object that a column holds; empty for anything else."""
    if not text or text == "{}":
        return {}
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:  # half a surrogate pair, which earlier versions kept
        value = msgspec.json.decode(to_json(json.loads(text)))
    return value if isinstance(value, dict) else {}


def reserve_keys(connection: Connection, table: Table, count: int) -> Sequence[int]:
    """Keys for new rows. The caller holds the write lock, so on SQLite the next ones are free."""
    if connection.dialect.name == "sqlite":
        first = connection.execute(select(func.coalesce(func.max(table.c.key), 0))).scalar_one() + 1
        return range(first, first + count)
    sequence = func.nextval(func.pg_get_serial_sequence(table.name, "key"))
    return connection.execute(select(sequence).select_from(func.generate_series(1, count))).scalars().all()


def insert_rows(connection: Connection, table: Table, columns: tuple[str, ...], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows whose values are in the order of `columns`, the fastest way that the database has."""
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, rows)
        return
    batch = rows if isinstance(rows, list) else list(rows)
    if batch:
        connection.exec_driver_sql(_insert_statement(table, columns), batch)


@lru_cache(maxsize=32)
def _insert_statement(table: Table, columns: tuple[str, ...]) -> str:
    statement = insert(table).values({name: bindparam(name) for name in columns})
    compiled = statement.compile(dialect=sqlite.dialect())
    if tuple(compiled.positiontup or ()) != columns:
        raise AssertionError("the columns must be in the table's order")
    return str(compiled)


def _copy(connection: Connection, table: Table, columns: tuple[str, ...], rows: Iterable[Sequence[Any]]) -> None:
    from psycopg import DataError, sql

    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except DataError as exc:
        raise ValueError(type(exc).__name__) from None


def wait_for_other_writers(connection: Connection, owner: str) -> None:
    """On SQLite the transaction holds the write lock; PostgreSQL has to be asked, or two could add the same."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"merge:{owner}", 0))))
