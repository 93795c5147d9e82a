"""The batches that were sent to a judge, remembered until their answers are here.

It fits `categorize.contract.BatchStore` without knowing it. A batch is saved before it is sent, so that a crash
at any moment leaves something to look it up by.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from commonplace.archive.core import Archive
from commonplace.archive.rows import put
from commonplace.archive.schema import batches


class ArchiveBatches:
    """The batches of the archive's owner. Every save is committed when it returns."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def save(self, row: Mapping[str, Any]) -> None:
        """Insert or replace the row of that id."""
        with self._archive.write() as connection:
            put(connection, batches, [{"owner": self._archive.owner, **row}])

    def rows(self) -> list[dict[str, Any]]:
        """All of them, the oldest first."""
        query = (
            select(*(column for column in batches.c if column.name != "owner"))
            .where(batches.c.owner == self._archive.owner)
            .order_by(batches.c.submitted_at, batches.c.id)
        )
        with self._archive.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]
