"""Asking the text index on SQLite.

FTS5 walks through a word's messages at ten million a second, and ranks a two-hundredth of that; its rank also counts
every message of each word first. So matches are counted by the ten thousand, and ranked by the thousand.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection

from commonplace.archive.grams import phrase
from commonplace.archive.hits import ROLES, range_of
from commonplace.archive.query import Part, Query
from commonplace.archive.relevance import rarity

MOST_HITS = 40_000
MOST_RANKED = 6_000
"""Hits that are ranked by the index itself."""

_MOST_COUNTED = 40_000


class Finder:
    """One question to the index of an archive."""

    def __init__(self, connection: Connection, query: Query, *, role: str | None, hidden: bool) -> None:
        self._driver: Any = connection.connection.driver_connection
        self._query = query
        self._expression = _expression(query.wanted, query.excluded)
        self._which = _which(role, hidden)
        self._counts: dict[str, int] = {}
        self.most_hits = MOST_HITS

    def hits(self) -> list[int]:
        """In ascending order; if there are more than `most_hits`, that many and one."""
        sql = f"SELECT rowid FROM messages_fts WHERE messages_fts MATCH ?{self._which} LIMIT ?"  # noqa: S608
        return self._numbers(sql, (self._expression, self.most_hits + 1))

    def hits_in(self, conversation_keys: Collection[int]) -> list[int]:
        """All there are in these conversations."""
        sql = f"SELECT rowid FROM messages_fts WHERE messages_fts MATCH ? AND rowid BETWEEN ? AND ?{self._which}"  # noqa: S608
        found: list[int] = []
        for key in conversation_keys:
            found += self._numbers(sql, (self._expression, *range_of(key)))
        return found

    def titles(self, most: int) -> set[int]:
        """Conversations whose title has all that is wanted."""
        sql = "SELECT rowid FROM titles_fts WHERE titles_fts MATCH ? ORDER BY rowid DESC LIMIT ?"
        return set(self._numbers(sql, (self._expression, most)))

    def scores(self, hits: Sequence[int]) -> dict[int, float] | None:
        """How well each hit fits, if that can be had in time."""
        if len(hits) > MOST_RANKED:
            return None
        parts = self._query.wanted
        if len(parts) > 1 or " " in parts[0].text or parts[0].is_run:
            parts = tuple(part for part in parts if self._effort(part) <= _MOST_COUNTED)
            if not parts or (len(parts) < len(self._query.wanted) and self._least(parts) > MOST_RANKED):
                return None
        expression = _expression(parts, self._query.excluded)
        sql = f"SELECT rowid, -bm25(messages_fts) FROM messages_fts WHERE messages_fts MATCH ?{self._which}"  # noqa: S608
        return dict(self._driver.execute(sql, (expression,)).fetchall())

    def rarity(self, part: Part) -> float:
        """What it is worth that a message has this part."""
        (newest,) = self._numbers("SELECT coalesce(max(key), 0) FROM messages", ())
        return rarity(self._documents(part), newest)

    def _documents(self, part: Part) -> int:
        """How many messages have it, as far as it is worth counting."""
        return self._count(_quoted(part))

    def _effort(self, part: Part) -> int:
        """How many messages FTS5 goes through to find a part: those of a phrase's rarest word."""
        words = phrase(part.text).split() if part.is_run else part.text.split()
        if len(words) == 1:
            return self._documents(part)
        return min(self._count(_quoted(Part(word))) for word in words[:8] if any(map(str.isalnum, word)))

    def _least(self, parts: Sequence[Part]) -> int:
        return min(self._documents(part) for part in parts)

    def _count(self, expression: str) -> int:
        if expression not in self._counts:
            some = "SELECT 1 FROM messages_fts WHERE messages_fts MATCH ? LIMIT ?"
            (count,) = self._numbers(f"SELECT count(*) FROM ({some})", (expression, _MOST_COUNTED + 1))  # noqa: S608
            self._counts[expression] = count
        return self._counts[expression]

    def _numbers(self, sql: str, values: tuple[Any, ...]) -> list[int]:
        return [number for (number,) in self._driver.execute(sql, values).fetchall()]


def _which(role: str | None, hidden: bool) -> str:
    which = "" if hidden else " AND rowid & 1 = 0"
    return f"{which} AND rowid >> 1 & 3 = {ROLES.index(role)}" if role in ROLES else which


def _expression(wanted: Sequence[Part], excluded: Sequence[Sequence[Part]]) -> str:
    """An FTS5 expression in which everything that was typed is between quotation marks."""
    said = " AND ".join(map(_quoted, wanted))
    return " NOT ".join([f"({said})", *(f"({' AND '.join(map(_quoted, group))})" for group in excluded)])


def _quoted(part: Part) -> str:
    text = phrase(part.text) if part.is_run else part.text.replace('"', " ")
    return f'"{text}"{" *" if part.is_prefix else ""}'
