"""Questions that every request asks, put to the driver itself.

SQLAlchemy's own way there and back takes four times as long as the answer, and one of these is a request's first step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select


class Prepared:
    """A question about at most one row, whose parameters have names. Columns come as the database has them."""

    def __init__(self, question: Select[Any]) -> None:
        self._question = question
        self._names = [column.name for column in question.selected_columns]
        self._said: dict[str, tuple[str, list[str] | None]] = {}

    def one(self, connection: Connection, **values: Any) -> Mapping[str, Any] | None:
        """The row by its columns' names."""
        text, in_order = self._said.get(connection.dialect.name) or self._say(connection)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text, [values[name] for name in in_order] if in_order else values)
            row = cursor.fetchone()
        finally:
            cursor.close()
        return dict(zip(self._names, row, strict=True)) if row else None

    def _say(self, connection: Connection) -> tuple[str, list[str] | None]:
        compiled: Any = self._question.compile(dialect=connection.dialect)
        said = compiled.string, compiled.positiontup
        self._said[connection.dialect.name] = said
        return said
