"""What is at destinations."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table

from commonplace.archive.metadata import Moment, metadata
from commonplace.archive.texts import StoredText

ledger = Table(
    "ledger",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("destination", StoredText, primary_key=True, comment="an instance: notion:<database>, markdown:<folder>"),
    Column("conversation_id", StoredText, primary_key=True),
    Column(
        "state", StoredText, nullable=False, comment="intent | done | failed | uncertain | conflict | queued | baseline"
    ),
    Column("input_hash", StoredText, nullable=False),
    Column("remote_id", StoredText),
    Column("remote_url", StoredText),
    Column("detail", StoredText, nullable=False, server_default="{}", comment="JSON of the destination's own"),
    Column("reason", StoredText),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("updated_at", Moment, nullable=False),
    Index("ix_ledger_state", "owner", "destination", "state"),
)

ledger_items = Table(
    "ledger_items",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("destination", StoredText, primary_key=True),
    Column("conversation_id", StoredText, primary_key=True),
    Column("item_id", StoredText, primary_key=True, comment="ours, such as a message's id"),
    Column("position", Integer, nullable=False),
    Column("input_hash", StoredText, nullable=False),
    Column("remote_id", StoredText, nullable=False),
    comment="The parts of a conversation that are at a destination by themselves.",
)
