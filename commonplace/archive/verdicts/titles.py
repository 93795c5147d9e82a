"""The title that is shown: a person's word, else the source's, else what a judge called an untitled conversation.

Said once, in SQL: whoever lists, shows, exports or writes conversations selects this in place of the source's title.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Text, case, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from commonplace.archive.schema import conversations, corrections, verdicts


class _Decoded(FunctionElement[str]):
    """The text that a JSON string stands for."""

    type = Text()
    inherit_cache = True


@compiles(_Decoded, "sqlite")
def _in_sqlite(element: _Decoded, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_extract({compiler.process(element.clauses, **options)}, '$')"


@compiles(_Decoded, "postgresql")
def _in_postgresql(element: _Decoded, compiler: SQLCompiler, **options: Any) -> str:
    return f"(CAST({compiler.process(element.clauses, **options)} AS json) #>> '{{}}')"


@cache
def shown_title() -> ColumnElement[str]:
    """A column of that title, `title`, for a query about conversations. Made once: that takes a millisecond."""
    table = conversations.c
    is_blank = func.trim(func.coalesce(table.title, "")) == ""
    untitled = case((is_blank, func.coalesce(_judged(), table.title)), else_=table.title)
    return func.coalesce(_given(), untitled).label("title")


def _given() -> ColumnElement[str]:
    word = corrections.c
    ours = word.owner == conversations.c.owner, word.conversation_id == conversations.c.id, word.field == "title"
    return select(_Decoded(word.value)).where(*ours).correlate(conversations).scalar_subquery()


def _judged() -> ColumnElement[str]:
    said = verdicts.c
    newest = said.judged_at.desc(), said.judge.desc(), said.taxonomy.desc()
    ours = said.owner == conversations.c.owner, said.conversation_id == conversations.c.id
    title = func.nullif(said.title, "")
    return select(title).where(*ours).order_by(*newest).limit(1).correlate(conversations).scalar_subquery()
