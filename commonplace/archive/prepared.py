"""Questions that every request asks, put to the driver itself.

SQLAlchemy's own way there and back takes four times as long as the answer, and one of these is a request's first step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select

from commonplace.archive.core import Archive


class Prepared:
    """A question about at most one row, whose parameters have names. Columns come as the database has them."""

    def __init__(self, question: Select[Any]) -> None:
        self._question = question
        self._names = [column.name for column in question.selected_columns]
        self._said: dict[bool, tuple[str, list[str] | None]] = {}

    def one(self, archive: Archive, **values: Any) -> Mapping[str, Any] | None:
        """The row by its columns' names."""
        text, in_order = self._said.get(archive.is_sqlite) or self._say(archive)
        with archive.drive() as driver:
            cursor = driver.cursor()
            try:
                cursor.execute(text, [values[name] for name in in_order] if in_order else values)
                row = cursor.fetchone()
            finally:
                cursor.close()
        return dict(zip(self._names, row, strict=True)) if row else None

    def _say(self, archive: Archive) -> tuple[str, list[str] | None]:
        compiled: Any = self._question.compile(dialect=archive.engine.dialect)
        said = compiled.string, compiled.positiontup
        self._said[archive.is_sqlite] = said
        return said
