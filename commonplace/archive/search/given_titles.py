"""Conversations by the titles that people gave them: few enough to be read, so the index holds the sources' alone."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, and_, select

from commonplace.archive.schema import conversations, corrections
from commonplace.archive.search.query import Query
from commonplace.archive.search.relevance import Matcher, fold

_OF = and_(corrections.c.owner == conversations.c.owner, corrections.c.conversation_id == conversations.c.id)
_GIVEN = select(conversations.c.key, corrections.c.value).join(corrections, _OF).where(corrections.c.field == "title")


def given_titles(connection: Connection, query: Query) -> set[int]:
    """Those whose title has all that is wanted."""
    wanted = Matcher(query.wanted)
    found = set()
    for key, value in connection.execute(_GIVEN):
        if wanted.are_in(fold(str(msgspec.json.decode(value)))):
            found.add(key)
    return found
