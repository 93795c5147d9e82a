"""The conversations that stand out: those that are longest, and those that somebody came back to on most days."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, distinct, func, literal, select

from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations, messages
from commonplace.archive.scope import Scope
from commonplace.archive.verdicts.titles import shown_title
from commonplace.errors import Refused
from commonplace.moments import DAY

KINDS = ("longest", "returned")


class Leader(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation, and how much of it there is: messages, or the days on which something was said."""

    id: str
    title: str | None
    amount: int


def leaders(archive: Archive, kind: str, scope: Scope = Scope(), *, limit: int = 10) -> list[Leader]:
    """The first of them."""
    if kind not in KINDS:
        raise Refused(f"Nothing stands out as {kind!r}.", hint=f"Use one of: {', '.join(KINDS)}.")
    table = conversations.c
    query: Any
    if kind == "longest":
        amount: ColumnElement[int] = table.message_count
        query = select(table.id, shown_title(), amount.label("amount"))
    else:
        at = messages.c.created_at
        amount = func.count(distinct(at - at % literal(DAY)))
        said = (messages.c.conversation_key == table.key) & messages.c.role.in_(["user"])
        query = select(table.id, shown_title(), amount.label("amount")).join(messages, said).group_by(table.key)
        query = query.having(amount > 1)
    query = query.where(scope.clause(archive)).order_by(amount.desc(), table.id).limit(limit)
    with archive.read() as connection:
        return [Leader(id=row.id, title=row.title, amount=int(row.amount)) for row in connection.execute(query)]
