"""The archive in groups, for reports."""

from __future__ import annotations

from sqlalchemy import func, select

from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations


def by_category(archive: Archive) -> dict[str, int]:
    """How many conversations each category holds, the largest first."""
    category = func.coalesce(conversations.c.category, "(not yet)")
    query = (
        select(category, func.count().label("count"))
        .where(conversations.c.owner == archive.owner)
        .group_by(category)
        .order_by(func.count().desc(), category)
    )
    with archive.read() as connection:
        return {str(name): int(count) for name, count in connection.execute(query)}
