"""The full-text index over messages and titles, kept in step with the tables."""

from __future__ import annotations

from sqlalchemy import Connection


def create(connection: Connection) -> None:
    """Create the index and whatever keeps it in step."""
