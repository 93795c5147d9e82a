"""Between the model's structs and the tables' rows, both ways, and rows into tables by the thousand.

Messages go in as tuples by the driver's own `executemany` or, on PostgreSQL, by COPY: an import spends a good part of
its time here, and building a dict for each of a million rows costs more than storing them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Table, bindparam, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from commonplace.archive import schema
from commonplace.model import Attachment, Conversation, Message

MESSAGE_COLUMNS = tuple(column.name for column in schema.messages.columns if column.name != "key")
ATTACHMENT_COLUMNS = tuple(column.name for column in schema.attachments.columns if column.name != "key")
CONVERSATION_COLUMNS = (
    "key",
    "owner",
    "id",
    "source",
    "external_id",
    "title",
    "created_at",
    "updated_at",
    "content_hash",
    "current_message_id",
    "project_ref",
    "gpt_ref",
    "model",
    "url",
    "is_archived",
    "is_starred",
    "pinned_at",
    "message_count",
    "character_count",
    "has_code",
    "has_image",
    "has_file",
    "extra",
    "older",
    "imported_at",
)


def message_row(conversation_key: int, message: Message, older: str | None = None) -> tuple[Any, ...]:
    """One row of `messages`, in the order of MESSAGE_COLUMNS."""
    return (
        conversation_key,
        message.id,
        message.parent_id,
        message.position,
        message.role,
        message.author,
        message.content_type,
        message.text,
        message.digest,
        message.created_at,
        message.model,
        message.is_active,
        message.is_hidden,
        to_json(message.extra) if message.extra else None,
        message.raw,
        older,
    )


def attachment_row(conversation_key: int, message_id: str, attachment: Attachment) -> tuple[Any, ...]:
    """One row of `attachments`, in the order of ATTACHMENT_COLUMNS."""
    return (
        conversation_key,
        message_id,
        attachment.id,
        attachment.kind,
        attachment.name,
        attachment.mime_type,
        attachment.size,
        attachment.prompt,
        attachment.member,
        attachment.sha256,
    )


def conversation_from(row: Row[Any], messages: list[Message]) -> Conversation:
    return Conversation(
        source=row.source,
        external_id=row.external_id,
        title=row.title,
        created_at=row.created_at,
        updated_at=row.updated_at,
        messages=messages,
        current_message_id=row.current_message_id,
        project_ref=row.project_ref,
        gpt_ref=row.gpt_ref,
        model=row.model,
        url=row.url,
        is_archived=row.is_archived,
        is_starred=row.is_starred,
        pinned_at=row.pinned_at,
        extra=from_json(row.extra),
    )


def message_from(row: Row[Any], text: str, raw: bytes | None, attachments: list[Attachment]) -> Message:
    """The message of a row; its text and raw JSON are passed, because not every reader needs to load them."""
    return Message(
        id=row.id,
        role=row.role,
        text=text,
        digest=row.digest,
        parent_id=row.parent_id,
        author=row.author,
        content_type=row.content_type,
        created_at=row.created_at,
        model=row.model,
        is_active=row.is_active,
        is_hidden=row.is_hidden,
        position=row.position,
        attachments=attachments,
        extra=from_json(row.extra),
        raw=raw,
    )


def attachment_from(row: Row[Any]) -> Attachment:
    return Attachment(
        id=row.id,
        kind=row.kind,
        name=row.name,
        mime_type=row.mime_type,
        size=row.size,
        prompt=row.prompt,
        member=row.member,
        sha256=row.sha256,
    )


def to_json(value: Any) -> str:
    """The same text for the same value, whatever a source has read; integers of any size come back as they were."""
    try:
        return msgspec.json.encode(value, order="deterministic").decode()
    except UnicodeEncodeError:  # half a surrogate pair
        return json.dumps(value, sort_keys=True, separators=(",", ":"))


def from_json(text: str | None) -> dict[str, Any]:
    if not text or text == "{}":
        return {}
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        value = json.loads(text)
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


def upsert(connection: Connection, table: Any) -> Any:
    """An INSERT that can say what to do about a row that is there already."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


def wait_for_other_writers(connection: Connection, owner: str) -> None:
    """On SQLite the transaction holds the write lock; PostgreSQL has to be asked, or two could add the same."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"merge:{owner}", 0))))
