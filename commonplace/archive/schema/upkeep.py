"""What the archive knows of itself, and who works on it."""

from __future__ import annotations

from sqlalchemy import Column, Table

from commonplace.archive.metadata import Moment, metadata
from commonplace.archive.texts import StoredText

settings = Table(
    "archive_settings",
    metadata,
    Column("name", StoredText, primary_key=True),
    Column("value", StoredText, nullable=False),
    comment="What the archive knows of itself: the state of its text index, its id.",
)

leases = Table(
    "leases",
    metadata,
    Column("name", StoredText, primary_key=True),
    Column("holder", StoredText, nullable=False),
    Column("acquired_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)
