"""The text index on SQLite: FTS5 tables without content of their own, and the triggers that write them.

A revision (0002) makes them; the triggers of the messages are taken off for a bulk load, and put back here.

Texts without spaces are given them first (spacing.py). A message's row id in the index says which conversation it is
part of, who said it and whether it is hidden: what most questions are about is answered by the index alone, and the
messages of a conversation are a range of it.

    63                        32              3      1        0
    | key of the conversation | key of the message | role | hidden |
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from commonplace.archive.core import Archive
from commonplace.archive.search.hits import CONVERSATION_SHIFT, MESSAGE_SHIFT, ROLES
from commonplace.archive.search.query import words
from commonplace.archive.spacing import spaced

_ROWS_AT_ONCE = 20_000
_PAGES_AT_ONCE = 2_000
_LOOKED_UP, _BEGINNING = 200, 200
_HASH_BYTES, _HASH_BYTES_IN_BULK = 1 << 20, 32 << 20
"""Words that are in memory before they are written. In bulk so many that twenty thousand messages become one segment,
as most do: joining two of them takes a sixth of what making them did."""

_UPTO = "(SELECT CAST(value AS INTEGER) FROM archive_settings WHERE name = 'text_index_upto')"


def _row_id(row: str) -> str:
    at = f"{row}." if row else ""
    roles = " ".join(f"WHEN '{role}' THEN {place << 1}" for place, role in enumerate(ROLES))
    place = f"({at}conversation_key << {CONVERSATION_SHIFT}) | ({at}key << {MESSAGE_SHIFT})"
    return f"{place} | (CASE {at}role {roles} ELSE 0 END) | ({at}is_hidden <> 0)"


def _message(row: str) -> str:
    """What is indexed of a message, its row id first."""
    at = f"{row}." if row else ""
    return f"{_row_id(row)}, spaced({at}text)"


_SPACED = "CASE WHEN length(CAST(text AS BLOB)) = length(text) THEN text ELSE spaced(text) END"
"""Of very many, those in ASCII do not take the way through Python to come back as they are."""
_INSERT_MESSAGE = "INSERT INTO messages_fts (rowid, text)"
_DELETE_MESSAGE = "INSERT INTO messages_fts (messages_fts, rowid, text)"


def _triggers(*, upto: str | None = None) -> list[str]:
    """What keeps the messages' index in step; only as far as `upto`, where it is still being built."""
    new = f"WHEN new.key <= {upto}" if upto else ""
    old = f"WHEN old.key <= {upto}" if upto else ""
    put = f"{_INSERT_MESSAGE} VALUES ({_message('new')});"
    take = f"{_DELETE_MESSAGE} VALUES ('delete', {_message('old')});"
    changed = "UPDATE OF key, conversation_key, text, role, is_hidden"
    return [
        f"CREATE TRIGGER messages_fts_insert AFTER INSERT ON messages {new} BEGIN {put} END",
        f"CREATE TRIGGER messages_fts_delete AFTER DELETE ON messages {old} BEGIN {take} END",
        f"CREATE TRIGGER messages_fts_update AFTER {changed} ON messages {old} BEGIN {take} {put} END",
    ]


class Index:
    """What `text_index` asks of a dialect. Each method runs in the caller's transaction."""

    @staticmethod
    def stop(connection: Connection) -> None:
        for event in ("insert", "delete", "update"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS messages_fts_{event}")

    @staticmethod
    def begin(connection: Connection) -> None:
        """Empty the index; from now on the triggers look after what is indexed already."""
        Index.stop(connection)
        _command(connection, "delete-all")
        _command(connection, "hashsize", _HASH_BYTES_IN_BULK)
        for trigger in _triggers(upto=_UPTO):
            connection.exec_driver_sql(trigger)

    @staticmethod
    def build(connection: Connection, upto: int) -> int | None:
        """Index the next messages; the key of the last one, or None if there are none."""
        after = "FROM messages WHERE key > ?"
        last = f"SELECT max(key) FROM (SELECT key {after} ORDER BY key LIMIT {_ROWS_AT_ONCE})"  # noqa: S608
        reached: int | None = connection.exec_driver_sql(last, (upto,)).scalar()
        if reached is not None:
            some = f"{_INSERT_MESSAGE} SELECT {_row_id('')}, {_SPACED} {after} AND key <= ? ORDER BY key"
            connection.exec_driver_sql(some, (upto, reached))
        return reached

    @staticmethod
    def finish(connection: Connection) -> None:
        Index.stop(connection)
        _command(connection, "hashsize", _HASH_BYTES)
        for trigger in _triggers():
            connection.exec_driver_sql(trigger)

    @staticmethod
    def renew_titles(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO titles_fts (titles_fts) VALUES ('delete-all')")
        titled = "SELECT key, spaced(title) FROM conversations WHERE title IS NOT NULL"
        connection.exec_driver_sql(f"INSERT INTO titles_fts (rowid, title) {titled}")

    @staticmethod
    def check(connection: Connection) -> list[str]:
        problems = []
        titles = "SELECT key AS id FROM conversations WHERE title IS NOT NULL"
        for index, rows in (("messages_fts", f"SELECT {_row_id('')} AS id FROM messages"), ("titles_fts", titles)):  # noqa: S608
            try:
                connection.exec_driver_sql(f"INSERT INTO {index} ({index}) VALUES ('integrity-check')")  # noqa: S608
            except DatabaseError:
                problems.append(f"{index} is damaged.")
                continue
            there, missing = (
                connection.exec_driver_sql(f"SELECT count(*) FROM {what}").scalar_one()  # noqa: S608
                for what in (f"({rows})", f"({rows}) WHERE id NOT IN (SELECT id FROM {index}_docsize)")  # noqa: S608
            )
            indexed = connection.exec_driver_sql(f"SELECT count(*) FROM {index}_docsize").scalar_one()  # noqa: S608
            if missing:
                problems.append(f"{index} lacks {missing:,} of {there:,}.")
            if indexed > there - missing:
                problems.append(f"{index} has {indexed - there + missing:,} that are not there any more.")
        try:
            return problems + _unfound(connection)
        except DatabaseError:  # of which the check of the index itself may have known
            return list(dict.fromkeys([*problems, "messages_fts is damaged."]))


def _unfound(connection: Connection) -> list[str]:
    """Some messages are looked up by their own words: rows alone do not show that their words were indexed."""
    newest = connection.exec_driver_sql("SELECT coalesce(max(key), 0) FROM messages").scalar_one()
    step = max(1, newest // _LOOKED_UP)
    columns = f"{_row_id('')} AS id, substr(text, 1, {_BEGINNING + 1}) AS text"
    some = f"SELECT {columns} FROM messages WHERE key % {step} = 0"  # noqa: S608
    lost = 0
    for id, said in connection.exec_driver_sql(some).all():
        beginning = words(spaced(said) or "")
        whole = beginning[:-1] if len(said) > _BEGINNING else beginning  # the last may be cut in two
        phrase = " ".join(whole[:3])
        found = "SELECT 1 FROM messages_fts WHERE messages_fts MATCH ? AND rowid = ?"
        lost += bool(phrase) and connection.exec_driver_sql(found, (f'"{phrase}"', id)).first() is None
    return [f"messages_fts does not find {lost:,} messages by their words."] if lost else []


def compact(archive: Archive) -> None:
    """Join the index's segments into one, some pages at a time, so that others can write in between."""
    with archive.write() as connection:
        connection.exec_driver_sql("INSERT INTO titles_fts (titles_fts) VALUES ('optimize')")
    pages = -_PAGES_AT_ONCE
    while True:
        with archive.write() as connection:
            before = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
            _command(connection, "merge", pages)
            after = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
        if after - before < 2:
            return
        pages = _PAGES_AT_ONCE


@contextmanager
def overwriting(connection: Connection) -> Iterator[None]:
    """Words go when their rows do. Else they are only marked as gone, until segments are joined."""
    for value in (1, 0):
        for table in ("messages_fts", "titles_fts"):
            connection.exec_driver_sql(f"INSERT INTO {table} ({table}, rank) VALUES ('secure-delete', {value})")  # noqa: S608
        if value:
            yield


def _command(connection: Connection, name: str, value: int | None = None) -> None:
    if value is None:
        connection.exec_driver_sql("INSERT INTO messages_fts (messages_fts) VALUES (?)", (name,))
    else:
        connection.exec_driver_sql("INSERT INTO messages_fts (messages_fts, rank) VALUES (?, ?)", (name, value))
