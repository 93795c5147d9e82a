"""What a search may ask of conversations besides words."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, literal, select, union_all
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from commonplace.archive.schema import conversations, projects
from commonplace.archive.search.hits import ROLES
from commonplace.errors import Refused

KINDS = ("code", "image", "file")


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What else has to be true. Bounds are half-open and on `updated_at`; a project is its id or its name."""

    project: str | None = None
    category: str | None = None
    source: str | None = None
    role: str | None = None
    """Who said it."""
    model: str | None = None
    since: int | None = None
    until: int | None = None
    has: str | tuple[str, ...] | None = None
    include_hidden: bool = False

    def clause(self, owner: str, table: ReadOnlyColumnCollection[str, Any] | None = None) -> ColumnElement[bool]:
        """What is asked of a conversation, or of those in a subquery with the same columns."""
        table = conversations.c if table is None else table
        parts: list[ColumnElement[bool]] = [table.owner == owner]
        for column, value in ((table.category, self.category), (table.source, self.source), (table.model, self.model)):
            if value is not None:
                parts.append(column == value)
        if self.project is not None:
            named = select(projects.c.id).where(projects.c.owner == owner, projects.c.name == self.project)
            parts.append(table.project_id.in_(union_all(named, select(literal(self.project)))))
        if self.since is not None:
            parts.append(table.updated_at >= self.since)
        if self.until is not None:
            parts.append(table.updated_at < self.until)
        parts += [table[f"has_{kind}"].is_(True) for kind in self._kinds()]
        return and_(*parts)

    @property
    def is_open(self) -> bool:
        """Whether every conversation will do."""
        asked = (self.project, self.category, self.source, self.model, self.since, self.until)
        return all(value is None for value in asked) and not self._kinds()

    def _kinds(self) -> tuple[str, ...]:
        return (self.has,) if isinstance(self.has, str) else self.has or ()

    def __post_init__(self) -> None:
        for kind in self._kinds():
            if kind not in KINDS:
                raise Refused(f"Nothing can be filtered by {kind!r}.", hint=f"Use one of: {', '.join(KINDS)}.")
        if self.role is not None and self.role not in ROLES:
            raise Refused(f"Nobody is called {self.role!r} here.", hint=f"Use one of: {', '.join(ROLES)}.")
