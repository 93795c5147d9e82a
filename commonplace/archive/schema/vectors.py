"""What was said as vectors."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint

from commonplace.archive.metadata import Key, metadata
from commonplace.archive.texts import StoredText

vector_kinds = Table(
    "vector_kinds",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("owner", StoredText, nullable=False),
    Column("kind", StoredText, nullable=False, comment="an embedder's key: model, weights, chunking, reduction"),
    Column("token", StoredText, nullable=False, comment="names this kind's files and tables; never used twice"),
    Column("dimensions", Integer, nullable=False),
    Column("is_bought", Boolean, nullable=False, comment="else they are made again for nothing, and not backed up"),
    UniqueConstraint("owner", "kind"),
)

passages = Table(
    "passages",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("kind_key", Key, ForeignKey("vector_kinds.key", ondelete="CASCADE"), nullable=False),
    Column("conversation_key", Key, ForeignKey("conversations.key", ondelete="CASCADE"), nullable=False),
    Column("message_key", Key, comment="null: the title"),
    Column("role", Integer, comment="who said it, as a place in hits.ROLES; null: the title"),
    Column("start", Integer, nullable=False),
    Column("stop", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="of its text as it was embedded"),
    Column("scale", Float, nullable=False),
    Column(
        "vector", LargeBinary, nullable=False, comment="a signed byte for each dimension, to be multiplied by scale"
    ),
    Index("ix_passages_conversation", "conversation_key", "kind_key"),
    # A key is never used again, so that a file of vectors that is behind cannot mean another passage.
    sqlite_autoincrement=True,
    comment="Pieces of what was said, as vectors. The direction of a whole conversation is in features.",
)
