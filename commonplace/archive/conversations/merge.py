"""Bring conversations into the archive: what is new is added, what is newer replaces, nothing is ever deleted.

One batch is one short write transaction, and what it remembers of a batch (`source_items`, the import's outcomes) is in
the same transaction: a process may be killed anywhere, and the next import goes on from there. How two states of one
conversation become one is told in `states.py`; the result does not depend on the order of arrival.

A conversation without messages changes nothing, and a forgotten one is not brought back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, case, select
from sqlalchemy.exc import DataError

from commonplace import moments
from commonplace.archive import rows, schema
from commonplace.archive.conversations import records, update
from commonplace.archive.conversations.hashing import content_hash
from commonplace.archive.conversations.tree import arrange
from commonplace.archive.core import Archive
from commonplace.archive.rows import add, arriving, put, to_json, wait_for_other_writers
from commonplace.archive.texts import storable
from commonplace.errors import Permanent
from commonplace.model import Conversation, Message

MergeOutcome = Literal["new", "changed", "unchanged", "empty"]


class Merged(msgspec.Struct, frozen=True):
    """What became of one conversation; the hashes are None where the archive holds no such conversation."""

    conversation_id: str
    outcome: MergeOutcome
    hash_before: str | None
    hash_after: str | None
    contradicts: bool = False
    """A state of the same age has other words for a message; both are kept."""
    is_forgotten: bool = False
    """It was here, and does not come back."""


def merge(archive: Archive, import_id: str | None, conversations: Sequence[Conversation]) -> list[Merged]:
    """Merge a batch, in one transaction; one result for each conversation, in the same order.

    The conversations are the archive's from here on: their messages are put in reading order and their flags set.
    Raises `Permanent`, with nothing merged, when one of them holds a value that the database cannot store.
    """
    results: list[Merged] = []
    try:
        with archive.write() as connection:
            wait_for_other_writers(connection, archive.owner)
            for batch in _without_duplicates(conversations):
                merged = _merge_batch(connection, archive.owner, batch)
                _remember(connection, archive.owner, import_id, batch, merged)
                results += merged
    except (ValueError, OverflowError, DataError) as exc:
        # What a driver says of a value it cannot store may quote it.
        raise Permanent(f"It holds a value that cannot be stored ({type(exc).__name__}).") from None
    return results


def _without_duplicates(conversations: Sequence[Conversation]) -> Iterator[list[Conversation]]:
    """Runs in which every conversation occurs once: exports do hold the same one twice."""
    batch: dict[str, Conversation] = {}
    for conversation in conversations:
        conversation.external_id = storable(conversation.external_id)  # as it will be looked for
        if conversation.id in batch:
            yield list(batch.values())
            batch = {}
        batch[conversation.id] = conversation
    if batch:
        yield list(batch.values())


def _merge_batch(connection: Connection, owner: str, batch: Sequence[Conversation]) -> list[Merged]:
    ids = [conversation.id for conversation in batch]
    forgotten = _forgotten(connection, owner, ids)
    existing = update.rows_of(connection, owner, ids)
    results: dict[str, Merged] = {}
    new: list[Conversation] = []
    known: list[Conversation] = []
    for conversation in batch:
        row = existing.get(conversation.id)
        before = row.content_hash if row else None
        if conversation.id in forgotten:
            results[conversation.id] = Merged(conversation.id, "unchanged", before, before, is_forgotten=True)
        elif not conversation.messages:
            results[conversation.id] = Merged(conversation.id, "empty", before, before)
        else:
            _clean(conversation)
            (known if row else new).append(conversation)
    for conversation, hash_after in _insert(connection, owner, new):
        results[conversation.id] = Merged(conversation.id, "new", None, hash_after)
    for change in update.update_all(connection, [(existing[conversation.id], conversation) for conversation in known]):
        outcome: MergeOutcome = "changed" if change.is_visible else "unchanged"
        results[change.conversation_id] = Merged(
            change.conversation_id, outcome, change.hash_before, change.hash_after, change.contradicts
        )
    return [results[id] for id in ids]


def _forgotten(connection: Connection, owner: str, ids: Sequence[str]) -> set[str]:
    table = schema.tombstones.c
    query = select(table.conversation_id).where(table.owner == owner, table.conversation_id.in_(ids))
    return set(connection.execute(query).scalars())


def _clean(conversation: Conversation) -> None:
    """Make rows of it possible: no NUL characters, which databases refuse, and no two messages of one id.

    An export that leaves out hidden messages cuts the active path in pieces. Its order still tells how they follow
    one another, so each piece is hung on the end of the one before.
    """
    conversation.title = _printable(conversation.title)
    conversation.current_message_id = _printable(conversation.current_message_id)
    conversation.messages.sort(key=_position)
    seen: dict[str, Message] = {}
    before: str | None = None
    for message in conversation.messages:
        if "\0" in message.id:
            message.id = storable(message.id)
        message.parent_id = _printable(message.parent_id)
        if "\0" in message.text:
            message.text = message.text.replace("\0", "\ufffd")
        message.author = _printable(message.author)
        if message.attachments:
            message.attachments = list({attachment.id: attachment for attachment in message.attachments}.values())
            for attachment in message.attachments:
                attachment.id = storable(attachment.id)
                attachment.name = _printable(attachment.name)
                attachment.prompt = _printable(attachment.prompt)
        if message.is_active:
            if message.parent_id is None and message.id not in seen:
                message.parent_id = before
            before = message.id
        seen.setdefault(message.id, message)
    if len(seen) < len(conversation.messages):
        conversation.messages = list(seen.values())


_position = attrgetter("position")


def _printable(text: str | None) -> str | None:
    return text.replace("\0", "\ufffd") if text and "\0" in text else text


def _insert(
    connection: Connection, owner: str, conversations: Sequence[Conversation]
) -> Iterator[tuple[Conversation, str]]:
    """Add conversations that the archive has not; yields each with its hash."""
    if not conversations:
        return
    keys = rows.reserve_keys(connection, schema.conversations, len(conversations))
    imported_at = moments.now()
    heads: list[tuple[Any, ...]] = []
    messages: list[tuple[Any, ...]] = []
    attachments: list[tuple[Any, ...]] = []
    for key, conversation in zip(keys, conversations, strict=True):
        arrange(conversation.messages, conversation.current_message_id)
        hashed = content_hash(conversation)
        heads.append(_head(key, owner, conversation, hashed, imported_at))
        for message in conversation.messages:
            messages.append(records.message_row(key, message))
            for attachment in message.attachments:
                attachments.append(records.attachment_row(key, message.id, attachment))
        yield conversation, hashed
    rows.insert_rows(connection, schema.conversations, records.CONVERSATION_COLUMNS, heads)
    rows.insert_rows(connection, schema.messages, records.MESSAGE_COLUMNS, messages)
    rows.insert_rows(connection, schema.attachments, records.ATTACHMENT_COLUMNS, attachments)


def _head(key: int, owner: str, conversation: Conversation, hashed: str, imported_at: int) -> tuple[Any, ...]:
    """One row of `conversations`, in the order of CONVERSATION_COLUMNS."""
    message_count = character_count = 0
    has_code = has_image = has_file = False
    for message in conversation.messages:
        if message.is_active and message.digest:
            message_count += 1
            character_count += len(message.text)
            has_code = has_code or update.FENCE in message.text
        for attachment in message.attachments:
            has_image = has_image or attachment.kind == "image"
            has_file = has_file or attachment.kind != "image"
    return (
        key,
        owner,
        conversation.id,
        conversation.source,
        conversation.external_id,
        conversation.account,
        conversation.title,
        conversation.created_at,
        conversation.updated_at,
        hashed,
        conversation.current_message_id,
        conversation.project_ref,
        conversation.gpt_ref,
        conversation.model,
        conversation.url,
        conversation.is_archived,
        conversation.is_starred,
        conversation.pinned_at,
        message_count,
        character_count,
        has_code,
        has_image,
        has_file,
        to_json(conversation.extra),
        None,
        imported_at,
    )


def _remember(
    connection: Connection, owner: str, import_id: str | None, batch: Sequence[Conversation], merged: Sequence[Merged]
) -> None:
    """The bytes that need not be merged again, and what became of each conversation."""
    items = [
        {
            "owner": owner,
            "digest": conversation.item_digest,
            "conversation_id": conversation.id,
            "is_empty": not conversation.messages,
            "message_count": len(conversation.messages),
            "attachment_count": sum(len(message.attachments) for message in conversation.messages),
        }
        for conversation in batch
        if conversation.item_digest
    ]
    add(connection, schema.source_items, items)
    if import_id is not None:
        record_outcomes(connection, import_id, merged)


def record_outcomes(connection: Connection, import_id: str, merged: Sequence[Merged]) -> None:
    """One row per conversation and import. One that the import met twice keeps its first hash and its best outcome."""
    table = schema.import_outcomes.c
    said_nothing = (table.outcome == "unchanged") | (table.outcome == "empty")
    changing = {
        "outcome": case((said_nothing, arriving("outcome")), else_=table.outcome),
        "hash_after": arriving("hash_after"),
    }
    names = ("conversation_id", "outcome", "hash_before", "hash_after")
    found = [{"import_id": import_id, **{name: getattr(item, name) for name in names}} for item in merged]
    put(connection, schema.import_outcomes, found, changing=changing)
