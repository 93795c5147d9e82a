"""Which conversations answer a question, in which order, and how many there are.

Ranking costs a hundred times what matching does, so the work is bounded by what is worth it: some thousand matches are
all ranked; where there are more, the newest conversations are, and the others follow newest first. Totals and facets
are exact up to some thousand conversations and beyond that estimated from an even sample, and say so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Protocol

import msgspec
from sqlalchemy import Connection, func, select

from commonplace.archive import finding_postgresql, finding_sqlite
from commonplace.archive.filters import Filters
from commonplace.archive.hits import conversation_of, message_of
from commonplace.archive.query import Part, Query
from commonplace.archive.relevance import Matcher
from commonplace.archive.schema import conversations, messages

_MOST_TITLES = 1_000
_NARROW = 300
"""Filters that leave so few conversations are looked up first."""
_FEW = 1_000
"""Conversations that are sorted, rather than picked from the row of all."""
_SHORTLIST = 60
"""The newest conversations, of too many to rank, that are ranked all the same."""
_READ = 2
"""Messages of each that are read for this."""
_AT_ONCE = 80
_SAMPLE = 600
_COUNTED, _FACETED = 2_000, 10_000
"""Conversations that are looked at for an exact total, and for exact facets."""
_TITLE_WORTH = 1.5


class Finder(Protocol):
    """What each database answers, in hits (hits.py)."""

    def hits(self) -> list[int] | None: ...
    def hits_in(self, conversation_keys: Collection[int]) -> list[int]: ...
    def titles(self, most: int) -> set[int]: ...
    def scores(self, hits: Sequence[int]) -> dict[int, float] | None: ...
    def rarity(self, part: Part) -> float: ...


class Found(msgspec.Struct):
    """A conversation on its way to the page: by key, with the best hit in it if there is one."""

    key: int
    hit: int | None
    score: float = 0.0


class Whole(msgspec.Struct):
    """All that was found, or an even sample of it: hits by conversation, each of which stands for `weight`."""

    by_conversation: Mapping[int, Sequence[int]]
    weight: float = 1.0
    is_exact: bool = True


class Desk:
    """One search: the question, the filters, and the ways of answering."""

    def __init__(self, connection: Connection, owner: str, query: Query, filters: Filters) -> None:
        self._connection = connection
        self._query = query
        self._filters = filters
        self._clause = filters.clause(owner)
        self._is_open = filters.is_open and not _has_other_owners(connection, owner)
        self._narrow = None if self._is_open else self._few()
        self._finder = self._ask(query, role=filters.role)

    def _ask(self, query: Query, *, role: str | None) -> Finder:
        if self._connection.dialect.name == "sqlite":
            return finding_sqlite.Finder(self._connection, query, role=role, hidden=self._filters.include_hidden)
        return finding_postgresql.Finder(self._connection, query, role=role, hidden=self._filters.include_hidden)

    def find(self, *, newest_first: bool, page: slice, facets: bool) -> tuple[list[Found], Whole, int]:
        """The page, what the facets are counted in, and the total."""
        if not self._query.wanted:
            return self._browse(page, facets=facets)
        hits = self._finder.hits()
        if hits is None and self._narrow is not None:
            hits = self._finder.hits_in(sorted(self._narrow))
        titled = set() if self._filters.role else self._qualified(self._finder.titles(_MOST_TITLES))
        if hits is None:
            return self._among_too_many(titled, newest_first=newest_first, page=page, facets=facets)
        matched = _by_conversation(hits)
        if self._narrow is not None:
            matched = {key: matched[key] for key in matched.keys() & self._narrow}
        for key in titled:
            matched.setdefault(key, [])
        ordered = self._newest(matched) if newest_first else self._best(matched, hits, titled)
        found = list(islice(ordered, page.start, page.stop))
        whole, total = self._measured(matched, most=_FACETED if facets else _COUNTED)
        return found, whole, total

    def _best(self, matched: Mapping[int, Sequence[int]], hits: Sequence[int], titled: set[int]) -> Iterator[Found]:
        scores = self._finder.scores(hits)
        if scores is None:
            yield from self._shortlisted(self._newest(matched), matched, titled)
            return
        bonus = self._title_worth() if titled else 0.0
        ranked = []
        for key, said in matched.items():
            best = max(said, key=lambda hit: (scores.get(hit, 0.0), -hit), default=None)
            score = (scores.get(best, 0.0) if best is not None else 0.0) + bonus * (key in titled)
            ranked.append(Found(key, best, score))
        ranked.sort(key=lambda found: (-found.score, -found.key))
        waiting = iter(ranked)
        while some := list(islice(waiting, _AT_ONCE)):
            good = self._qualified({found.key for found in some})
            yield from (found for found in some if found.key in good)

    def _newest(self, matched: Mapping[int, Sequence[int]]) -> Iterator[Found]:
        """Those that were matched and qualify, newest first."""
        few = matched.keys() if len(matched) <= _FEW else None
        for key in self._walk(few):
            if key in matched:
                yield Found(key, next(iter(matched[key]), None))

    def _shortlisted(
        self, newest: Iterator[Found], matched: Mapping[int, Sequence[int]], titled: Collection[int]
    ) -> Iterator[Found]:
        """The newest and those whose title says it, ranked by their texts; then the rest as they come."""
        short = list(islice(newest, _SHORTLIST))
        there = {found.key for found in short}
        by_title = self._walk(titled) if titled else ()
        for key in islice((key for key in by_title if key not in there), _SHORTLIST):
            said = matched.get(key) or self._finder.hits_in([key])
            short.append(Found(key, next(iter(said), None)))
        yield from self._ranked(short, matched, titled)
        there = {found.key for found in short}
        yield from (found for found in newest if found.key not in there)

    def _ranked(
        self, short: Sequence[Found], matched: Mapping[int, Sequence[int]], titled: Collection[int]
    ) -> list[Found]:
        matcher, weights = Matcher(self._query.wanted), self._weights()
        bonus = _TITLE_WORTH * sum(weights)
        read: dict[int, Sequence[int]] = {
            found.key: matched.get(found.key, ())[:_READ] or ([found.hit] if found.hit is not None else [])
            for found in short
        }
        texts = _texts(self._connection, [message_of(hit) for hits in read.values() for hit in hits])
        ranked = []
        for found in short:
            scored = [(matcher.score(texts.get(message_of(hit), ""), weights), -hit) for hit in read[found.key]]
            score, best = max(scored, default=(0.0, 0))
            ranked.append(Found(found.key, -best or None, score + bonus * (found.key in titled)))
        ranked.sort(key=lambda found: (-found.score, -found.key))
        return ranked

    def _among_too_many(
        self, titled: set[int], *, newest_first: bool, page: slice, facets: bool
    ) -> tuple[list[Found], Whole, int]:
        """Too many hits to fetch them all: look into conversations instead, newest first, until the page is full."""
        seen: dict[int, list[int]] = {}
        newest = self._looked_into(seen)
        ordered = newest if newest_first else self._shortlisted(newest, seen, titled)
        found = list(islice(ordered, page.start, page.stop))
        sample, weight = self._sample(_SAMPLE if facets else _SAMPLE // 3)
        matched = _by_conversation(self._finder.hits_in(sample))
        for key in titled.intersection(sample):
            matched.setdefault(key, [])
        return found, Whole(matched, weight, is_exact=weight == 1), max(len(found), round(len(matched) * weight))

    def _sample(self, size: int) -> tuple[list[int], float]:
        """So many of the conversations that qualify, evenly spread, and how many each of them stands for."""
        table = conversations.c
        count = self._connection.execute(select(func.count()).select_from(conversations).where(self._clause)).scalar()
        step = max(1, (count or 0) // size)
        query = select(table.key).where(self._clause, table.key % step == 0)
        keys = list(self._connection.execute(query).scalars())
        return keys, (count or 0) / max(1, len(keys))

    def _looked_into(self, seen: dict[int, list[int]]) -> Iterator[Found]:
        walk = self._walk(None)
        while some := list(islice(walk, _AT_ONCE)):
            seen.update(_by_conversation(self._finder.hits_in(some)))
            yield from (Found(key, seen[key][0]) for key in some if key in seen)

    def _browse(self, page: slice, *, facets: bool) -> tuple[list[Found], Whole, int]:
        """Nothing to look for: everything, newest first, but for conversations with what is excluded."""
        unwanted: set[int] = set()
        for group in self._query.excluded:
            finder = self._ask(Query(group), role=None)
            hits = finder.hits()
            if hits is None:
                hits = finder.hits_in(list(self._walk(None)))
            unwanted |= {conversation_of(hit) for hit in hits} | finder.titles(_MOST_TITLES)
        keys = [key for key in self._walk(None) if key not in unwanted]
        found = [Found(key, None) for key in keys[page]]
        step = -(-len(keys) // _FACETED) if facets and keys else 1
        return found, Whole(dict.fromkeys(keys[::step], ()), step, is_exact=step == 1), len(keys)

    def _measured(self, matched: Mapping[int, Sequence[int]], *, most: int) -> tuple[Whole, int]:
        """What was matched and qualifies, or an even sample of it."""
        if self._is_open or self._narrow is not None:
            step = -(-len(matched) // most) or 1
            some = matched if step == 1 else {key: matched[key] for key in sorted(matched)[::step]}
            return Whole(some, len(matched) / max(1, len(some)), is_exact=step == 1), len(matched)
        step = -(-len(matched) // most) or 1
        looked_at = sorted(matched)[::step]
        good = {key: matched[key] for key in sorted(self._qualified(looked_at))}
        weight = len(matched) / max(1, len(looked_at))
        return Whole(good, weight, is_exact=step == 1), round(len(good) * weight)

    def _walk(self, keys: Collection[int] | None) -> Iterator[int]:
        """Conversations that qualify, newest first: all of them, or those of some."""
        table = conversations.c
        query = select(table.key).where(self._clause).order_by(table.updated_at.desc().nulls_last(), table.key.desc())
        if keys is not None:
            query = query.where(table.key.in_(list(keys)))
        yield from self._connection.execute(query).scalars()

    def _few(self) -> set[int] | None:
        found = self._connection.execute(select(conversations.c.key).where(self._clause).limit(_NARROW + 1))
        keys = set(found.scalars())
        return keys if len(keys) <= _NARROW else None

    def _qualified(self, keys: Collection[int]) -> set[int]:
        if self._is_open or not keys:
            return set(keys)
        if self._narrow is not None:
            return self._narrow.intersection(keys)
        table = conversations.c
        return set(self._connection.execute(select(table.key).where(table.key.in_(list(keys)), self._clause)).scalars())

    def _title_worth(self) -> float:
        return _TITLE_WORTH * sum(self._weights())

    def _weights(self) -> list[float]:
        return [self._finder.rarity(part) for part in self._query.wanted]


def _has_other_owners(connection: Connection, owner: str) -> bool:
    table = conversations.c
    ends = (select(end).scalar_subquery() for end in (func.min(table.owner), func.max(table.owner)))
    return any(end not in (None, owner) for end in connection.execute(select(*ends)).one())


def _by_conversation(hits: Iterable[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for hit in hits:
        found.setdefault(conversation_of(hit), []).append(hit)
    return found


def _texts(connection: Connection, keys: Sequence[int]) -> dict[int, str]:
    table = messages.c
    found = connection.execute(select(table.key, table.text).where(table.key.in_(keys)))
    return {row.key: row.text for row in found}
