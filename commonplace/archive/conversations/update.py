"""A conversation that the archive holds already, and another state of it arriving.

Both become states (`states.py`), one absorbs the other, and only rows that differ are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, case, delete, func, select, update

from commonplace.archive import rows, schema
from commonplace.archive.conversations import records, states
from commonplace.archive.conversations.hashing import hash_nodes
from commonplace.archive.conversations.tree import arrange, depth, nearest_parents
from commonplace.archive.conversations.wording import Content
from commonplace.model import Attachment, Conversation, Message

FENCE = "```"

_SAID = ("role", "content_type", "text", "digest", "is_hidden", "raw")
_AROUND = ("parent_id", "position", "author", "created_at", "model", "is_active", "extra", "older")
_ATTACHED = ("kind", "name", "mime_type", "size", "prompt", "member", "sha256")
_HEAD = (
    "title",
    "created_at",
    "updated_at",
    "current_message_id",
    "project_ref",
    "gpt_ref",
    "model",
    "url",
    "is_archived",
    "is_starred",
    "pinned_at",
    "extra",
)


class Change(msgspec.Struct, frozen=True):
    """What a merge did to a conversation. Not visible: only what it remembers of where things are from."""

    conversation_id: str
    is_visible: bool
    hash_before: str
    hash_after: str
    contradicts: bool
    """An export of the same age has other words."""


class Stored(msgspec.Struct):
    """A conversation's rows, and the states that they stand for."""

    row: Row[Any]
    state: states.State
    message_rows: dict[str, Row[Any]]
    said: dict[str, Content]
    messages: dict[str, states.State]
    attachment_rows: dict[tuple[str, str], Row[Any]]

    @property
    def time(self) -> int:
        return self.row.updated_at or 0


class Writes(msgspec.Struct):
    """What has to be written for a batch, gathered so that each table is written once."""

    new_messages: list[tuple[Any, ...]] = msgspec.field(default_factory=list)
    new_attachments: list[tuple[Any, ...]] = msgspec.field(default_factory=list)
    said: list[dict[str, Any]] = msgspec.field(default_factory=list)
    around: list[dict[str, Any]] = msgspec.field(default_factory=list)
    attached: list[dict[str, Any]] = msgspec.field(default_factory=list)
    heads: list[dict[str, Any]] = msgspec.field(default_factory=list)
    settled: list[int] = msgspec.field(default_factory=list)
    """Messages that had other words of one age, which newer ones have replaced."""
    recount: list[int] = msgspec.field(default_factory=list)


def rows_of(connection: Connection, owner: str, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """The rows of those conversations that the archive holds, by id."""
    table = schema.conversations
    query = select(table).where(table.c.owner == owner, table.c.id.in_(ids))
    return {row.id: row for row in connection.execute(query)}


def update_all(connection: Connection, pairs: Sequence[tuple[Row[Any], Conversation]]) -> list[Change]:
    """Merge each conversation into the rows that hold it."""
    writes = Writes()
    changes = [_combine(stored, incoming, writes) for stored, incoming in _load(connection, pairs)]
    _write(connection, writes)
    return changes


def _load(
    connection: Connection, pairs: Sequence[tuple[Row[Any], Conversation]]
) -> Iterator[tuple[Stored, Conversation]]:
    if not pairs:
        return
    keys = [row.key for row, _ in pairs]
    table = schema.messages
    by_conversation: dict[int, list[Row[Any]]] = {key: [] for key in keys}
    for message in connection.execute(select(table).where(table.c.conversation_key.in_(keys))):
        by_conversation[message.conversation_key].append(message)
    attached: dict[int, dict[tuple[str, str], Row[Any]]] = {key: {} for key in keys}
    found = schema.attachments
    query = select(found).where(found.c.conversation_key.in_(keys)).order_by(found.c.key)
    for attachment in connection.execute(query):
        attached[attachment.conversation_key][attachment.message_id, attachment.id] = attachment
    for row, incoming in pairs:
        yield _held(row, by_conversation[row.key], attached[row.key]), incoming


def _held(row: Row[Any], message_rows: Sequence[Row[Any]], attachment_rows: dict[tuple[str, str], Row[Any]]) -> Stored:
    time = row.updated_at or 0
    attachments: dict[str, list[Attachment]] = {}
    for (message_id, _), attachment in attachment_rows.items():
        attachments.setdefault(message_id, []).append(records.attachment_from(attachment))
    said: dict[str, Content] = {}
    messages: dict[str, states.State] = {}
    others: list[tuple[str, states.State]] = []
    for found in message_rows:
        message = records.message_from(found, found.text, found.raw, attachments.get(found.id, []))
        said[found.id] = states.content_of(message)
        state = states.of_message(message, time, rows.from_json(found.older))
        if beside := message.extra.get(states.OTHER_WORDS):
            others.append((beside, state))
        else:
            messages[found.id] = state
    for beside, state in others:
        if beside in messages and state.wording:
            messages[beside].reword(state.wording)
    return Stored(
        row,
        states.of_conversation(records.conversation_from(row, []), time, rows.from_json(row.older)),
        {found.id: found for found in message_rows},
        said,
        messages,
        attachment_rows,
    )


def _combine(stored: Stored, incoming: Conversation, writes: Writes) -> Change:
    """The merge itself: absorb, arrange anew, and note what differs from the rows."""
    time = incoming.updated_at or 0
    newest = max(time, stored.time)
    theirs = states.of_conversation(incoming, time)
    equally_new = stored.state.equally_new(theirs, "current_message_id")
    stored.state.absorb(theirs)
    for message in incoming.messages:
        state = states.of_message(message, time)
        if message.id in stored.messages:
            stored.messages[message.id].absorb(state)
        else:
            stored.messages[message.id] = state
    merged = states.to_conversation(stored.state, incoming, newest)
    parents = nearest_parents({id: state.parents for id, state in stored.messages.items()})
    if equally_new:
        merged.current_message_id = max(equally_new, key=lambda id: (depth(id, parents), id))
    merged.messages, older = _arranged(stored, merged.current_message_id, parents, newest)

    is_visible = contradicts = False
    for message in merged.messages:
        contradicts |= states.OTHER_WORDS in message.extra and message.id not in stored.said
        is_visible |= _note_message(stored, message, older[message.id], writes)
        is_visible |= _note_attachments(stored, message, writes)
    gone = [row.key for id, row in stored.message_rows.items() if id not in older]
    writes.settled += gone
    is_visible |= bool(gone)
    nodes = [(message.id, message.parent_id, message.digest, message.is_active) for message in merged.messages]
    hashed = hash_nodes(merged.title, merged.project_ref, nodes)
    is_visible |= _note_head(
        stored, merged, states.conversation_older(stored.state, newest), hashed, is_visible, writes
    )
    return Change(stored.row.id, is_visible, stored.row.content_hash, hashed, contradicts)


def _arranged(
    stored: Stored, current_message_id: str | None, parents: Mapping[str, str], newest: int
) -> tuple[list[Message], dict[str, str | None]]:
    """All messages in their order, other words beside the message that they are of; and what is older of each."""
    messages = [states.to_message(state, id, parents.get(id)) for id, state in stored.messages.items()]
    arrange(messages, current_message_id)
    ordered: list[Message] = []
    older: dict[str, str | None] = {}
    for message in messages:
        state = stored.messages[message.id]
        ordered.append(message)
        older[message.id] = states.message_older(state, newest)
        for other, its_older in states.to_others(state, message):
            ordered.append(other)
            older[other.id] = its_older
    for position, message in enumerate(ordered):
        message.position = position
    return ordered, older


def _note_message(stored: Stored, message: Message, older: str | None, writes: Writes) -> bool:
    row = stored.message_rows.get(message.id)
    values = dict(zip(records.MESSAGE_COLUMNS, records.message_row(stored.row.key, message, older), strict=True))
    if row is None:
        writes.new_messages.append(tuple(values.values()))
        return True
    is_said_anew = states.content_of(message) != stored.said[message.id]
    if is_said_anew:
        writes.said.append({"at": row.key, **{name: values[name] for name in _SAID}})
    differing = {name for name in _AROUND if values[name] != getattr(row, name)}
    if differing:
        writes.around.append({"at": row.key, **{name: values[name] for name in _AROUND}})
    return is_said_anew or bool(differing - {"older"})


def _note_attachments(stored: Stored, message: Message, writes: Writes) -> bool:
    is_changed = False
    for attachment in message.attachments:
        row = stored.attachment_rows.get((message.id, attachment.id))
        values = {name: getattr(attachment, name) for name in _ATTACHED}
        if row is None:
            writes.new_attachments.append(records.attachment_row(stored.row.key, message.id, attachment))
            is_changed = True
        elif any(value != getattr(row, name) for name, value in values.items()):
            writes.attached.append({"at": row.key, **values})
            is_changed = True
    return is_changed


def _note_head(
    stored: Stored, merged: Conversation, older: str | None, hashed: str, has_new_messages: bool, writes: Writes
) -> bool:
    values = {name: getattr(merged, name) for name in _HEAD if name != "extra"}
    values["extra"] = rows.to_json(merged.extra)
    is_changed = any(value != getattr(stored.row, name) for name, value in values.items())
    if is_changed or older != stored.row.older or hashed != stored.row.content_hash:
        writes.heads.append({"at": stored.row.key, **values, "older": older, "content_hash": hashed})
    if has_new_messages:
        writes.recount.append(stored.row.key)
    return is_changed


def _write(connection: Connection, writes: Writes) -> None:
    for keys in rows.batched(writes.settled):
        connection.execute(delete(schema.messages).where(schema.messages.c.key.in_(keys)))
    rows.insert_rows(connection, schema.messages, records.MESSAGE_COLUMNS, writes.new_messages)
    rows.insert_rows(connection, schema.attachments, records.ATTACHMENT_COLUMNS, writes.new_attachments)
    _update(connection, schema.messages, writes.said)
    _update(connection, schema.messages, writes.around)
    _update(connection, schema.attachments, writes.attached)
    _update(connection, schema.conversations, writes.heads)
    _update(connection, schema.conversations, _counts(connection, writes.recount))


def _update(connection: Connection, table: Any, values: list[dict[str, Any]]) -> None:
    if values:
        names = [name for name in values[0] if name != "at"]
        assigned: dict[str, Any] = {name: bindparam(name) for name in names}
        statement = update(table).where(table.c.key == bindparam("at")).values(assigned)
        connection.execute(statement, values)


def _counts(connection: Connection, keys: Sequence[int]) -> list[dict[str, Any]]:
    """What the rows of these conversations add up to, counted where the texts are."""
    if not keys:
        return []
    table = schema.messages.c
    shown = (table.is_active.is_(True)) & (func.length(table.digest) > 0)
    has_fence = case((shown & table.text.contains(FENCE, autoescape=True), 1), else_=0)
    query = (
        select(
            table.conversation_key,
            func.sum(case((shown, 1), else_=0)),
            func.sum(case((shown, func.length(table.text)), else_=0)),
            func.max(has_fence),
        )
        .where(table.conversation_key.in_(keys))
        .group_by(table.conversation_key)
    )
    found = schema.attachments.c
    kinds = select(found.conversation_key, found.kind).where(found.conversation_key.in_(keys)).distinct()
    by_key: dict[int, set[str]] = {}
    for key, kind in connection.execute(kinds):
        by_key.setdefault(key, set()).add(kind)
    return [
        {
            "at": key,
            "message_count": count,
            "character_count": characters,
            "has_code": bool(fences),
            "has_image": "image" in by_key.get(key, ()),
            "has_file": bool(by_key.get(key, set()) - {"image"}),
        }
        for key, count, characters, fences in connection.execute(query)
    ]
