"""Asking the text index on SQLite.

FTS5 walks through a word's messages at ten million a second, and ranks a two-hundredth of that; its rank also counts
every message of each word first. So matches are counted by the ten thousand, and ranked by the thousand. A beginning of
words makes it join the lists of all of them before it answers: it is given these words instead where they are few, and
where they are many the texts themselves are looked at.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from commonplace.archive.search.given_titles import given_titles
from commonplace.archive.search.hits import CONVERSATION_SHIFT, LAST, ROLES, hit_of, is_hidden, message_of, role_of
from commonplace.archive.search.query import Part, Query, words
from commonplace.archive.search.relevance import Matcher, fold, rarity
from commonplace.archive.spacing import cut

MOST_HITS = 10_000
MOST_RANKED = 5_000
"""Hits that are ranked by the index itself."""
MOST_WORDS = 300
"""Words that a beginning is replaced by."""
MOST_READ = 1_500
"""Texts that are looked at for a beginning of more words than that."""

_MOST_COUNTED = 20_000
_LONG = 200
"""Characters of a part's expression, beyond which reading a conversation is faster than asking the index about it."""


class Finder:
    """One question to the index of an archive."""

    def __init__(self, connection: Connection, query: Query, *, role: str | None, hidden: bool) -> None:
        self._connection, self._query = connection, query
        self._driver: Any = connection.connection.driver_connection
        self._expressions: dict[Part, str | None] = {part: self._said(part) for part in query.wanted}
        self._quoted = query.quoted
        self._role, self._hidden = role, hidden
        self._which = _which(role, hidden)
        self._counts: dict[str, int] = {}
        self._are_few = False
        self._is_one_word = len(query.wanted) == 1 and len(_words(query.wanted[0])) == 1
        self._indexed = [part for part, expression in self._expressions.items() if expression is not None]
        self._quick = [part for part in self._indexed if len(self._expressions[part] or "") <= _LONG]
        self._expression = self._all(self._indexed)
        self.is_slow = len(self._quick) < len(query.wanted)

    def hits(self) -> list[int] | None:
        """In ascending order; None if there are too many to look at them all."""
        most = MOST_HITS if len(self._indexed) == len(self._expressions) else MOST_READ
        if not self._indexed:
            return None
        some = f"SELECT rowid FROM messages_fts WHERE messages_fts MATCH ?{self._which} LIMIT {most + 1}"  # noqa: S608
        if self._is_one_word:  # counting its messages costs a seventh of fetching them, finding a phrase's does not
            (count,) = self._numbers(f"SELECT count(*) FROM ({some})", (self._expression,))  # noqa: S608
            if count > most:
                self._counts[self._expressions[self._indexed[0]] or ""] = count
                return None
        found = self._numbers(some, (self._expression,))
        self._are_few = len(found) <= most
        return self._read(found, self._indexed) if self._are_few else None

    def hits_in(self, conversation_keys: Collection[int]) -> list[int]:
        """All there are in these conversations."""
        keys = json.dumps(list(conversation_keys))
        if not self._quick:
            return self._read(self._everything_in(keys), ())
        first, end = (f"{key} << {CONVERSATION_SHIFT}" for key in ("one.value", "(one.value + 1)"))
        within = f"messages_fts.rowid >= {first} AND messages_fts.rowid < {end}{self._which}"
        each = "FROM json_each(?) AS one CROSS JOIN messages_fts WHERE messages_fts MATCH ?"
        sql = f"SELECT messages_fts.rowid {each} AND {within}"
        return self._read(self._numbers(sql, (keys, self._all(self._quick))), self._quick)

    def latest(self, before: int | None, most: int) -> list[int] | None:
        """The hits in the conversations that came last into the archive, from there on back.

        None where this is no faster than looking into conversations.
        """
        if not self.is_slow or not self._indexed or len(self._indexed) < len(self._expressions):
            return None
        sql = f"SELECT rowid FROM messages_fts WHERE messages_fts MATCH ? AND messages_fts.rowid < ?{self._which}"  # noqa: S608
        limited = f"{sql} ORDER BY messages_fts.rowid DESC LIMIT ?"
        return self._numbers(limited, (self._expression, LAST if before is None else before, most))

    def titles(self, most: int) -> set[int]:
        """Conversations whose title has all that is wanted."""
        wanted = " AND ".join(expression or _quoted(part) for part, expression in self._expressions.items())
        sql = "SELECT rowid FROM titles_fts WHERE titles_fts MATCH ? ORDER BY rowid DESC LIMIT ?"
        found = self._numbers(sql, (wanted, most))
        return {*found, *given_titles(self._connection, self._query)}

    def scores(self, hits: Sequence[int]) -> dict[int, float] | None:
        """How well each hit fits, if that can be had in time."""
        if len(hits) > MOST_RANKED or not self._are_few:
            return None
        parts = self._indexed
        if not self._is_one_word:
            parts = [part for part in parts if self._effort(part) <= _MOST_COUNTED]
            if not parts or (len(parts) < len(self._indexed) and min(map(self._documents, parts)) > MOST_RANKED):
                return None
        sql = f"SELECT rowid, -bm25(messages_fts) FROM messages_fts WHERE messages_fts MATCH ?{self._which}"  # noqa: S608
        return dict(self._driver.execute(sql, (self._all(parts),)).fetchall())

    def rarity(self, part: Part) -> float:
        """What it is worth that a message has this part."""
        (newest,) = self._numbers("SELECT coalesce(max(key), 0) FROM messages", ())
        return rarity(self._effort(part), newest)

    def some(self, most: int) -> dict[int, float]:
        """The hits that have some of the parts, and how well they fit: by the rarest, as far as these can be ranked.

        What was quoted has to be there.
        """
        rarest = sorted((part for part in self._indexed if part not in self._quoted), key=self._documents)
        ranked = [part for place, part in enumerate(rarest) if self._together(rarest[: place + 1]) <= MOST_RANKED]
        any_of = " OR ".join(self._expressions[part] or "" for part in ranked or rarest[:1])
        if not any_of:
            return {}
        wanted = " AND ".join([f"({any_of})", *map(_quoted, self._quoted)])
        score, order = ("-bm25(messages_fts)", "rank") if ranked else ("0.0", "rowid DESC")
        which = f"messages_fts MATCH ?{self._which} ORDER BY {order} LIMIT {most}"
        sql = f"SELECT rowid, {score} FROM messages_fts WHERE {which}"  # noqa: S608
        return dict(self._driver.execute(sql, (wanted,)).fetchall())

    def _together(self, parts: Sequence[Part]) -> int:
        return sum(map(self._documents, parts))

    def _said(self, part: Part) -> str | None:
        """The part as an expression; None for a beginning of more words than can be named."""
        if not part.is_prefix:
            return _quoted(part)
        *before, beginning = _words(part)
        found = list(self._words_with(fold(beginning)))
        if len(found) > MOST_WORDS:
            return None
        named = [_quoted(Part(" ".join([*before, word]))) for word in found]
        return f"({' OR '.join(named)})" if named else _quoted(part)

    def _words_with(self, beginning: str) -> Iterator[str]:
        """The indexed words that begin like this, and one more than is worth naming; each is one step in the index."""
        self._driver.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.indexed_words USING fts5vocab(main, messages_fts, instance)"
        )
        at = beginning
        for _ in range(MOST_WORDS + 1):
            row = self._driver.execute("SELECT term FROM temp.indexed_words WHERE term >= ? LIMIT 1", (at,)).fetchone()
            if row is None or not row[0].startswith(beginning):
                return
            yield row[0]
            at = f"{row[0]}\x01"

    def _read(self, hits: list[int], known: Sequence[Part]) -> list[int]:
        """Those whose texts have what is not known to be there from the index."""
        unknown = Matcher([part for part in self._expressions if part not in known])
        if not hits or not unknown:
            return hits
        sql = "SELECT key, text FROM messages WHERE key IN (SELECT value FROM json_each(?))"
        rows = self._driver.execute(sql, (json.dumps([message_of(hit) for hit in hits]),)).fetchall()
        texts = {key: fold(text) for key, text in rows}
        return [hit for hit in hits if (text := texts.get(message_of(hit))) is not None and unknown.are_in(text)]

    def _everything_in(self, keys: str) -> list[int]:
        sql = (
            "SELECT conversation_key, key, role, is_hidden FROM messages "
            "WHERE conversation_key IN (SELECT value FROM json_each(?)) ORDER BY 1, 2"
        )
        hits = (hit_of(*row) for row in self._driver.execute(sql, (keys,)).fetchall())
        return [
            hit
            for hit in hits
            if (self._hidden or not is_hidden(hit)) and (self._role is None or role_of(hit) == self._role)
        ]

    def _all(self, parts: Sequence[Part]) -> str:
        return " AND ".join(self._expressions[part] or "" for part in parts)

    def _documents(self, part: Part) -> int:
        """How many messages have it, as far as it is worth counting."""
        expression = self._expressions.get(part)
        return _MOST_COUNTED if expression is None else self._count(expression)

    def _effort(self, part: Part) -> int:
        """How many messages FTS5 goes through to find a part: those of a phrase's rarest word."""
        words = _words(part)
        if part.is_prefix:
            return _MOST_COUNTED // 4
        if len(words) == 1:
            return self._documents(part)
        return min(self._count(_quoted(Part(word))) for word in words[:8])

    def _count(self, expression: str) -> int:
        if expression not in self._counts:
            some = "SELECT 1 FROM messages_fts WHERE messages_fts MATCH ? LIMIT ?"
            (count,) = self._numbers(f"SELECT count(*) FROM ({some})", (expression, _MOST_COUNTED + 1))  # noqa: S608
            self._counts[expression] = count
        return self._counts[expression]

    def _numbers(self, sql: str, values: tuple[Any, ...]) -> list[int]:
        return [number for (number,) in self._driver.execute(sql, values).fetchall()]


def _which(role: str | None, hidden: bool) -> str:
    which = "" if hidden else " AND messages_fts.rowid & 1 = 0"
    return f"{which} AND messages_fts.rowid >> 1 & 3 = {ROLES.index(role)}" if role else which


def _quoted(part: Part) -> str:
    text = cut(part.text) if part.is_run else part.text.replace('"', " ")
    return f'"{text}"{" *" if part.is_prefix else ""}'


def _words(part: Part) -> list[str]:
    return cut(part.text).split() if part.is_run else words(part.text)
