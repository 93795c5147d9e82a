"""What lies in a span of time."""

from __future__ import annotations

from sqlalchemy import func, select

from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations
from commonplace.stages.selection import Selection


def count(archive: Archive, selection: Selection) -> int:
    """How many conversations a selection holds."""
    query = select(func.count()).select_from(conversations).where(selection.clause(archive.owner))
    with archive.read() as connection:
        return int(connection.execute(query).scalar_one())
