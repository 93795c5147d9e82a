"""What a search may ask of conversations besides words."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_

from commonplace.archive.core import Archive
from commonplace.archive.rows import to_json
from commonplace.archive.schema import conversations
from commonplace.archive.scope import Columns, Scope
from commonplace.archive.search.hits import ROLES
from commonplace.errors import Refused

KINDS = ("code", "image", "file")


class Filters(Scope, frozen=True, kw_only=True):
    """What else has to be true, besides the words."""

    role: str | None = None
    """Who said it."""
    model: str | None = None
    tag: str | None = None
    language: str | None = None
    has: str | tuple[str, ...] | None = None
    include_hidden: bool = False
    conversation: str | None = None
    """One alone, by its id."""
    except_source: str | None = None
    """A source that is left out."""

    def clause(self, archive: Archive, table: Columns | None = None) -> ColumnElement[bool]:
        columns = conversations.c if table is None else table
        parts = [super().clause(archive, table)]
        if self.model is not None:
            parts.append(columns.model == self.model)
        if self.tag is not None:
            parts.append(columns.tags.contains(to_json(self.tag), autoescape=True))
        if self.language is not None:
            parts.append(columns.language == self.language)
        if self.conversation is not None:
            parts.append(columns.id == self.conversation)
        if self.except_source is not None:
            parts.append(columns.source != self.except_source)
        parts += [columns[f"has_{kind}"].is_(True) for kind in self._kinds()]
        return and_(*parts)

    @property
    def is_open(self) -> bool:
        others = (self.model, self.tag, self.language, self.conversation, self.except_source)
        return super().is_open and others == (None,) * 5 and not self._kinds()

    def _kinds(self) -> tuple[str, ...]:
        return (self.has,) if isinstance(self.has, str) else self.has or ()

    def __post_init__(self) -> None:
        for kind in self._kinds():
            if kind not in KINDS:
                raise Refused(f"Unknown filter {kind!r}.", hint=f"Use one of: {', '.join(KINDS)}.")
        if self.role is not None and self.role not in ROLES:
            raise Refused(f"Unknown role {self.role!r}.", hint=f"Use one of: {', '.join(ROLES)}.")
