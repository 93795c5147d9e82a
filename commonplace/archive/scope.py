"""Which conversations are meant: the bounds, the project and the like that commands, runs and searches share."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from commonplace.archive.core import Archive
from commonplace.archive.projects.lookup import project_id_of
from commonplace.archive.schema import conversations

Columns = ReadOnlyColumnCollection[str, Any]


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Half-open bounds on `updated_at`, a project as people name it, a category, a source. None asks for nothing.

    A source is that of all its accounts, `chatgpt@work` one of them, and `chatgpt@` the one without a name.

    What else can be asked for is a struct over this one: a stage's selection, a search's filters.
    """

    since: int | None = None
    until: int | None = None
    project: str | None = None
    category: str | None = None
    source: str | None = None

    def clause(self, archive: Archive, table: Columns | None = None) -> ColumnElement[bool]:
        """What is asked of a conversation, or of a row of a subquery with the same columns.

        Refused, with names that are near, where nothing is called like the project: a typing error is no empty result.
        """
        table = conversations.c if table is None else table
        parts: list[ColumnElement[bool]] = [table.owner == archive.owner]
        if self.since is not None:
            parts.append(table.updated_at >= self.since)
        if self.until is not None:
            parts.append(table.updated_at < self.until)
        if self.project is not None:
            parts.append(table.project_id == project_id_of(archive, self.project))
        if self.category is not None:
            parts.append(table.category == self.category)
        if self.source is not None:
            source, at, account = self.source.partition("@")
            parts.append(table.source == source)
            if at:
                parts.append(table.account == account)
        return and_(*parts)

    @property
    def is_open(self) -> bool:
        """Whether every conversation will do."""
        return (self.since, self.until, self.project, self.category, self.source) == (None,) * 5
