"""What was said, and the files that came with it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
)

from commonplace.archive.metadata import Key, Moment, metadata
from commonplace.archive.texts import StoredText

conversations = Table(
    "conversations",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("owner", StoredText, nullable=False),
    Column("id", StoredText, nullable=False),
    Column("source", StoredText, nullable=False),
    Column("external_id", StoredText, nullable=False),
    Column("account", StoredText, nullable=False, server_default=""),
    Column("title", StoredText),
    Column("created_at", Moment),
    Column("updated_at", Moment),
    Column("content_hash", StoredText, nullable=False),
    Column("current_message_id", StoredText),
    Column("project_ref", StoredText),
    Column("gpt_ref", StoredText),
    Column("model", StoredText),
    Column("url", StoredText),
    Column("is_archived", Boolean),
    Column("is_starred", Boolean),
    Column("pinned_at", Moment),
    Column("message_count", Integer, nullable=False, server_default="0"),
    Column("character_count", Integer, nullable=False, server_default="0"),
    Column("has_code", Boolean, nullable=False, server_default="0"),
    Column("has_image", Boolean, nullable=False, server_default="0"),
    Column("has_file", Boolean, nullable=False, server_default="0"),
    Column("extra", StoredText, nullable=False, server_default="{}"),
    Column("older", StoredText, comment="JSON: what is from an older state than updated_at, and from when (merge.py)"),
    Column("imported_at", Moment, nullable=False),
    # What holds now, from verdicts, corrections and assignments.
    Column("category", StoredText),
    Column("tags", StoredText, nullable=False, server_default="[]"),
    Column("summary", StoredText),
    Column("language", StoredText),
    Column("confidence", Float),
    Column("needs_review", Boolean, nullable=False, server_default="0"),
    Column("verdict_hash", StoredText),
    Column("project_id", StoredText),
    UniqueConstraint("owner", "id"),
    Index("ix_conversations_updated", "owner", "updated_at"),
    Index("ix_conversations_project", "owner", "project_id"),
    Index("ix_conversations_category", "owner", "category"),
)

messages = Table(
    "messages",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("conversation_key", Key, ForeignKey("conversations.key", ondelete="CASCADE"), nullable=False),
    Column("id", StoredText, nullable=False),
    Column("parent_id", StoredText),
    Column("position", Integer, nullable=False),
    Column("role", StoredText, nullable=False),
    Column("author", StoredText),
    Column("content_type", StoredText, nullable=False),
    Column("text", StoredText, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("created_at", Moment),
    Column("model", StoredText),
    Column("is_active", Boolean, nullable=False),
    Column("is_hidden", Boolean, nullable=False),
    Column("extra", StoredText),
    Column("raw", LargeBinary),
    Column("older", StoredText, comment="JSON: what is from an older state than the conversation's (merge.py)"),
    UniqueConstraint("conversation_key", "id"),
)

attachments = Table(
    "attachments",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("conversation_key", Key, ForeignKey("conversations.key", ondelete="CASCADE"), nullable=False),
    Column("message_id", StoredText, nullable=False),
    Column("id", StoredText, nullable=False),
    Column("kind", StoredText, nullable=False),
    Column("name", StoredText),
    Column("mime_type", StoredText),
    Column("size", BigInteger),
    Column("prompt", StoredText),
    Column("member", StoredText),
    Column("sha256", StoredText),
    UniqueConstraint("conversation_key", "message_id", "id"),
    Index("ix_attachments_sha256", "sha256"),
)

files = Table(
    "files",
    metadata,
    Column("sha256", StoredText, primary_key=True),
    Column("kind", StoredText, nullable=False),
    Column("name", StoredText, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("stored_at", Moment, nullable=False),
    comment="Kept exports and attachments, by content, in the files location.",
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("conversation_id", StoredText, primary_key=True),
    Column("forgotten_at", Moment, nullable=False),
)
