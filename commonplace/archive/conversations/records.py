"""Between the model's structs and the tables' rows, both ways.

Messages are made tuples, not dicts: an import spends a good part of its time here, and building a dict for each of a
million rows costs more than storing them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from commonplace.archive import schema
from commonplace.archive.rows import from_json, to_json
from commonplace.model import Attachment, Conversation, Message

MESSAGE_COLUMNS = tuple(column.name for column in schema.messages.columns if column.name != "key")
ATTACHMENT_COLUMNS = tuple(column.name for column in schema.attachments.columns if column.name != "key")
CONVERSATION_COLUMNS = (
    "key",
    "owner",
    "id",
    "source",
    "external_id",
    "account",
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
        account=row.account,
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
