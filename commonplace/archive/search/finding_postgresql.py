"""Asking the text index on PostgreSQL. The functions it is made of are in `text_index_postgresql`."""

from __future__ import annotations

import operator
from collections.abc import Collection, Sequence
from functools import reduce
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, REGCONFIG, TSQUERY
from sqlalchemy.types import Text

from commonplace.archive.schema import conversations, messages
from commonplace.archive.search.given_titles import given_titles
from commonplace.archive.search.hits import hit_of, message_of
from commonplace.archive.search.query import Part, Query
from commonplace.archive.search.relevance import SCORED, Matcher

MOST_HITS = 5_000
MOST_RANKED = 1_000
RARITY = 3.0
_KEYS: BindParameter[Any] = bindparam("keys", type_=ARRAY(BigInteger))
_SIMPLE = cast(literal_column("'pg_catalog.simple'"), REGCONFIG)


class Finder:
    """One question to the index of an archive."""

    def __init__(self, connection: Connection, query: Query, *, role: str | None, hidden: bool) -> None:
        self._connection = connection
        self._query = query
        self.is_slow = True
        self._among: ColumnElement[bool] = true() if hidden else messages.c.is_hidden.is_(False)
        if role is not None:
            self._among &= messages.c.role == role
        self._matches = and_(_matches(messages.c.text, query), self._among)

    def hits(self) -> list[int] | None:
        """In ascending order; None if there are too many to look at them all."""
        found = self._hits(self._matches, MOST_HITS + 1)
        return found if len(found) <= MOST_HITS else None

    def hits_in(self, conversation_keys: Collection[int]) -> list[int]:
        """All there are in these conversations."""
        return self._hits(and_(messages.c.conversation_key.in_(list(conversation_keys)), self._matches))

    def latest(self, before: int | None, most: int) -> None:
        """No faster than looking into conversations."""

    def titles(self, most: int) -> set[int]:
        """Conversations whose title has all that is wanted."""
        query = select(conversations.c.key).where(_matches(conversations.c.title, self._query)).limit(most)
        return {*self._connection.execute(query).scalars(), *given_titles(self._connection, self._query)}

    def scores(self, hits: Sequence[int]) -> dict[int, float] | None:
        """How well each hit fits, if that can be had in time. PostgreSQL's own `ts_rank` would cut every text into
        words once more, which takes ten times as long as to read it."""
        if len(hits) > MOST_RANKED:
            return None
        by_key = {message_of(hit): hit for hit in hits}
        matcher, weights = Matcher(self._query.wanted), [RARITY] * len(self._query.wanted)
        table = messages.c
        query = select(table.key, func.left(table.text, SCORED), func.length(table.text))
        said = self._connection.execute(query.where(table.key == func.any(_KEYS)), {"keys": list(by_key)})
        return {by_key[key]: matcher.score(text, weights, length) for key, text, length in said}

    def rarity(self, part: Part) -> float:
        """The same for every part: PostgreSQL would have to fetch all messages that have it to count them."""
        return RARITY

    def some(self, most: int) -> dict[int, float]:
        """The hits that have some of the parts, and how many of them: of those that are not in too many messages.

        What was quoted has to be there.
        """
        parts = [part for part in self._query.wanted if part not in self._query.quoted]
        rare = [_matches_part(messages.c.text, part) for part in parts if self._is_rare(part)]
        if not rare:
            return {}
        table = messages.c
        number = reduce(operator.add, [case((matches, 1), else_=0) for matches in rare])
        query = select(number, table.conversation_key, table.key, table.role, table.is_hidden)
        query = query.where(or_(*rare), *map(self._must, self._query.quoted))
        found = self._connection.execute(query.where(self._among).order_by(number.desc(), table.key.desc()).limit(most))
        return {hit_of(*row[1:]): row[0] * RARITY for row in found}

    def _is_rare(self, part: Part) -> bool:
        some = select(messages.c.key).where(self._must(part)).limit(MOST_HITS + 1).subquery()
        return self._connection.execute(select(func.count()).select_from(some)).scalar_one() <= MOST_HITS

    def _must(self, part: Part) -> ColumnElement[bool]:
        return _matches_part(messages.c.text, part)

    def _hits(self, which: ColumnElement[bool], most: int | None = None) -> list[int]:
        table = messages.c
        query = select(table.conversation_key, table.key, table.role, table.is_hidden).where(which).limit(most)
        return sorted(hit_of(*row) for row in self._connection.execute(query))


def _matches(column: ColumnElement[Any], query: Query) -> ColumnElement[bool]:
    """One question to the index of words, as far as it goes: each by itself would be answered row by row."""
    said = [part for part in query.wanted if not part.is_run]
    conditions = [_matches_part(column, part) for part in query.wanted if part.is_run]
    if said:
        conditions.append(func.commonplace_words(column).op("@@")(_all(said)))
    return and_(*conditions) if query.wanted else false()


def _matches_part(column: ColumnElement[Any], part: Part) -> ColumnElement[bool]:
    if part.is_run:
        grams = func.commonplace_grams(column, type_=ARRAY(Text))
        return and_(grams.contains(func.commonplace_grams(part.text)), func.strpos(column, part.text) > 0)
    return func.commonplace_words(column).op("@@")(_asked(part))


def _all(parts: Sequence[Part]) -> ColumnElement[Any]:
    return reduce(func.tsquery_and, map(_asked, parts))


def _asked(part: Part) -> ColumnElement[Any]:
    """A tsquery made by the same functions as the index, so that both cut words alike."""
    asked = func.phraseto_tsquery(_SIMPLE, func.commonplace_folded(literal(part.text)))
    if not part.is_prefix:
        return asked
    return cast(func.nullif(cast(asked, Text), "").concat(":*"), TSQUERY)
