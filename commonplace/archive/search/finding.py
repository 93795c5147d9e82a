"""Which conversations answer a question, in which order, and how many there are.

Ranking costs a hundred times what matching does, so the work is bounded by what is worth it: some thousand matches are
all ranked; where there are more, the newest conversations are, and the others follow newest first. Totals and facets
are exact up to some thousand conversations and beyond that estimated from an even sample, and say so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal, Protocol, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, bindparam, func, select, true
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations, messages
from commonplace.archive.scope import Scope
from commonplace.archive.search import finding_postgresql, finding_sqlite
from commonplace.archive.search.filters import Filters
from commonplace.archive.search.hits import CONVERSATION_SHIFT, Unwanted, conversation_of, first_of, message_of
from commonplace.archive.search.query import Part, Query
from commonplace.archive.search.relevance import Matcher

_MOST_TITLES = 500
_NARROW = 1_500
"""Filters that leave so few conversations are looked up first..."""
_LOOKED_INTO = 300
"""... and so few are looked into, one by one."""
_FEW = 1_000
"""Conversations that are sorted, rather than picked from the row of all."""
_SHORTLIST = 30
"""The newest conversations, of too many to rank, that are ranked all the same."""
_READ = 2
"""Messages of each that are read for this."""
_AT_ONCE, _QUALIFIED_AT_ONCE, _AT_MOST = 50, 200, 800
_SAMPLE = 600
_COUNTED, _FACETED = 2_000, 10_000
"""Conversations that are looked at for an exact total, and for exact facets."""
_TITLE_WORTH = 1.5
_ASKED_OF = (
    *("key", "owner", "updated_at", "source", "account", "model", "category", "project_id"),
    *("tags", "language"),
    *("has_code", "has_image", "has_file"),
)
# Made once: to make a question costs as much as to ask it.
_ENDS = select(
    select(func.min(conversations.c.owner)).scalar_subquery().label("first"),
    select(func.max(conversations.c.owner)).scalar_subquery().label("last"),
    select(func.max(conversations.c.key)).scalar_subquery().label("last_key"),
)
_TEXTS = select(messages.c.key, messages.c.text).where(messages.c.key.in_(bindparam("keys", expanding=True)))

Item = TypeVar("Item")


class Finder(Protocol):
    """What each database answers, in hits (hits.py)."""

    is_slow: bool
    """Whether looking into conversations takes ten times as long as it should."""

    def hits(self) -> list[int] | None: ...
    def hits_in(self, conversation_keys: Collection[int]) -> list[int]: ...
    def latest(self, before: int | None, most: int) -> list[int] | None: ...
    def titles(self, most: int) -> set[int]: ...
    def scores(self, hits: Sequence[int]) -> dict[int, float] | None: ...
    def rarity(self, part: Part) -> float: ...
    def some(self, most: int) -> dict[int, float]: ...


Way = Literal["words", "meaning", "some words"]
"""Why a conversation was found: it has all that is wanted, it is near in meaning, or it has some of the words."""


class Found(msgspec.Struct):
    """A conversation on its way to the page: by key, with the best hit in it if there is one."""

    key: int
    hit: int | None
    score: float = 0.0
    why: Way = "words"
    place: tuple[int, int] | None = None
    """Where in its message the passage begins and ends that answers."""


class Whole(msgspec.Struct):
    """All that was found, or an even sample of it: hits by conversation, each of which stands for `weight`."""

    by_conversation: Mapping[int, Sequence[int]]
    weight: float = 1.0
    is_exact: bool = True


class Search:
    """One search: the question, the filters, and the ways of answering."""

    def __init__(self, archive: Archive, connection: Connection, query: Query, filters: Filters) -> None:
        self.archive = archive
        self.connection = connection
        self.query = query
        self.filters = filters
        self.clause = filters.clause(archive)
        self.last_key: int | None = None
        self.is_open = filters.is_open and not self._has_other_owners()
        self.unwanted = Unwanted([self.ask(Query(group), role=None) for group in query.excluded])
        self.narrow = None if self.is_open else self._few()
        self.finder = self.ask(query, role=filters.role)

    def _has_other_owners(self) -> bool:
        ends = self.connection.execute(_ENDS).one()
        self.last_key = ends.last_key or 0
        return any(end not in (None, self.archive.owner) for end in (ends.first, ends.last))

    def ask(self, query: Query, *, role: str | None) -> Finder:
        if self.connection.dialect.name == "sqlite":
            return finding_sqlite.Finder(self.connection, query, role=role, hidden=self.filters.include_hidden)
        return finding_postgresql.Finder(self.connection, query, role=role, hidden=self.filters.include_hidden)

    def find(self, *, newest_first: bool, page: slice, facets: bool) -> tuple[list[Found], Whole, int]:
        """The page, what the facets are counted in, and the total."""
        if not self.query.wanted:
            return self._browse(page, facets=facets)
        hits = self.finder.hits()
        if hits is None and self.narrow is not None and len(self.narrow) <= _LOOKED_INTO:
            hits = self.finder.hits_in(sorted(self.narrow))
        most = _MOST_TITLES if hits is not None else _SHORTLIST
        titled = set() if self.filters.role else self.qualified(self.finder.titles(most))
        if hits is None:
            return self._among_too_many(titled, newest_first=newest_first, page=page, facets=facets)
        matched = by_conversation(hits)
        for key in titled:
            matched.setdefault(key, [])
        if self.narrow is not None:
            matched = {key: matched[key] for key in matched.keys() & self.narrow}
        elif self.query.excluded and self.unwanted.are_known:
            matched = {key: matched[key] for key in self.unwanted.left(matched)}
        ordered = self._newest(matched) if newest_first else self._best(matched, hits, titled)
        found = list(islice(ordered, page.start, page.stop))
        whole, total = self._measured(matched, most=_FACETED if facets else _COUNTED)
        return found, whole, total

    def _best(self, matched: Mapping[int, Sequence[int]], hits: Sequence[int], titled: set[int]) -> Iterator[Found]:
        scores = self.finder.scores(hits)
        if scores is None:
            yield from self._shortlisted(self._newest(matched), matched, titled)
            return
        best: dict[int, float] = {}
        hit_of: dict[int, int] = {}
        for hit in hits:
            key, score = hit >> CONVERSATION_SHIFT, scores.get(hit, 0.0)  # ten thousand calls would cost as much again
            if score > best.get(key, -1.0):
                best[key], hit_of[key] = score, hit
        bonus = self._title_worth() if titled else 0.0
        for key in titled:
            best[key] = best.get(key, 0.0) + bonus
        ranked = sorted(((score, key) for key, score in best.items() if key in matched), reverse=True)
        for batch in _batches(ranked, _AT_ONCE):
            good = self.qualified({key for _, key in batch})
            yield from (Found(key, hit_of.get(key), score) for score, key in batch if key in good)

    def _newest(self, matched: Mapping[int, Sequence[int]]) -> Iterator[Found]:
        """Those that were matched and qualify, newest first."""
        few = matched.keys() if len(matched) <= _FEW else None
        for key in self.walk(few):
            if key in matched:
                yield Found(key, next(iter(matched[key]), None))

    def _shortlisted(
        self, newest: Iterator[Found], matched: Mapping[int, Sequence[int]], titled: Collection[int]
    ) -> Iterator[Found]:
        """The newest and those whose title says it, ranked by their texts; then the rest as they come."""
        short = {found.key: found for found in islice(newest, _SHORTLIST)}
        by_title = [key for key in sorted(titled, reverse=True)[:_SHORTLIST] if key not in short]
        unseen = [key for key in by_title if key not in matched]
        said = {**matched, **by_conversation(self.finder.hits_in(unseen) if unseen else [])}
        short |= {key: Found(key, next(iter(said.get(key, ())), None)) for key in by_title}
        yield from self._ranked(list(short.values()), said, titled)
        yield from (found for found in newest if found.key not in short)

    def _ranked(
        self, short: Sequence[Found], matched: Mapping[int, Sequence[int]], titled: Collection[int]
    ) -> list[Found]:
        matcher, weights = Matcher(self.query.wanted), self._weights()
        bonus = _TITLE_WORTH * sum(weights)
        read = {found.key: matched.get(found.key, ())[:_READ] for found in short}
        texts = _texts(self.connection, [message_of(hit) for hits in read.values() for hit in hits])
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
        is_faster = not newest_first and self.finder.latest(None, 1) is not None
        newest = self._latest(seen) if is_faster else self._looked_into(seen)
        ordered = newest if newest_first else self._shortlisted(newest, seen, titled)
        found = list(islice(ordered, page.start, page.stop))
        size = _SAMPLE if facets else _SAMPLE // 5
        sample, weight = self._sample(size // 4 if self.finder.is_slow else size)
        matched = by_conversation(self.finder.hits_in(sample))
        for key in titled.intersection(sample):
            matched.setdefault(key, [])
        return found, Whole(matched, weight, is_exact=weight == 1), max(len(found), round(len(matched) * weight))

    def _sample(self, size: int) -> tuple[list[int], int]:
        """About so many conversations, evenly spread, and those of them that qualify; how many each stands for."""
        if self.last_key is None:
            self.last_key = self.connection.execute(select(func.max(conversations.c.key))).scalar() or 0
        newest = self.last_key
        step = max(1, newest // size)
        return sorted(self.qualified(range(step, newest + 1, step))), step

    def _looked_into(self, seen: dict[int, list[int]]) -> Iterator[Found]:
        for batch in _batches(self.walk(), _AT_ONCE):
            seen.update(by_conversation(self.finder.hits_in(batch)))
            yield from (Found(key, seen[key][0]) for key in batch if key in seen)

    def _latest(self, seen: dict[int, list[int]]) -> Iterator[Found]:
        """The same from the conversations that came last into the archive, if the index is faster at that."""
        end = None
        while hits := self.finder.latest(end, _AT_MOST):
            hits.sort()
            end = first_of(conversation_of(hits[0]))
            some = by_conversation(hits)
            good = self.qualified(some)
            seen.update((key, some[key]) for key in good)
            yield from (Found(key, some[key][0]) for key in sorted(good, reverse=True))

    def _browse(self, page: slice, *, facets: bool) -> tuple[list[Found], Whole, int]:
        """Nothing to look for: everything, newest first, but for conversations with what is excluded."""
        keys = list(self._all())
        if self.query.excluded:
            left = self.unwanted.left(keys)
            keys = [key for key in keys if key in left]
        found = [Found(key, None) for key in keys[page]]
        step = -(-len(keys) // _FACETED) if facets and keys else 1
        return found, Whole(dict.fromkeys(keys[::step], ()), step, is_exact=step == 1), len(keys)

    def _measured(self, matched: Mapping[int, Sequence[int]], *, most: int) -> tuple[Whole, int]:
        """What was matched and qualifies, or an even sample of it."""
        if self.narrow is not None or (self.is_open and self.unwanted.are_known):
            step = -(-len(matched) // most) or 1
            some = matched if step == 1 else {key: matched[key] for key in sorted(matched)[::step]}
            return Whole(some, len(matched) / max(1, len(some)), is_exact=step == 1), len(matched)
        step = -(-len(matched) // (most if self.unwanted.are_known else _COUNTED)) or 1
        looked_at = sorted(matched)[::step]
        good = {key: matched[key] for key in sorted(self.qualified(looked_at))}
        weight = len(matched) / max(1, len(looked_at))
        return Whole(good, weight, is_exact=step == 1), round(len(good) * weight)

    def walk(self, keys: Collection[int] | None = None) -> Iterator[int]:
        """Conversations that qualify, newest first: all of them, or those of some."""
        if not self.query.excluded:
            yield from self._filtered_walk(keys)
            return
        for batch in _batches(self._filtered_walk(keys), _AT_ONCE):
            left = self.unwanted.left(batch)
            yield from (key for key in batch if key in left)

    def _filtered_walk(self, keys: Collection[int] | None) -> Iterator[int]:
        if self.narrow is not None:
            keys = self.narrow if keys is None else self.narrow.intersection(keys)
        if keys is not None:
            some = _these(keys)
            clause = true() if self.is_open or self.narrow is not None else self.filters.clause(self.archive, some)
            yield from self.connection.execute(select(some.key).where(clause).order_by(*_newest_first(some))).scalars()
            return
        table = conversations.c
        bounds = Scope(since=self.filters.since, until=self.filters.until).clause(self.archive)
        rows = self.connection.execute(select(table.key).where(bounds).order_by(*_newest_first(table))).scalars()
        for batch in _batches(rows, _QUALIFIED_AT_ONCE):
            good = self._filtered(batch)
            yield from (key for key in batch if key in good)

    def _all(self) -> Iterable[int]:
        """The same, all of them: who does not stop before the end asks once."""
        if self.narrow is not None:
            return self._filtered_walk(None)
        table = conversations.c
        return self.connection.execute(select(table.key).where(self.clause).order_by(*_newest_first(table))).scalars()

    def _few(self) -> set[int] | None:
        found = self.connection.execute(select(conversations.c.key).where(self.clause).limit(_NARROW + 1))
        keys = set(found.scalars().all())
        return self.unwanted.left(keys) if len(keys) <= _NARROW else None

    def qualified(self, keys: Collection[int]) -> set[int]:
        """Those of some that the filters leave, and that have nothing of what is excluded."""
        return self.unwanted.left(self._filtered(keys))

    def _filtered(self, keys: Collection[int]) -> set[int]:
        if self.is_open or not keys:
            return set(keys)
        if self.narrow is not None:
            return self.narrow.intersection(keys)
        some = _these(keys)
        clause = self.filters.clause(self.archive, some)
        return set(self.connection.execute(select(some.key).where(clause)).scalars().all())

    def _title_worth(self) -> float:
        return _TITLE_WORTH * sum(self._weights())

    def _weights(self) -> list[float]:
        return [self.finder.rarity(part) for part in self.query.wanted]


def _these(keys: Collection[int]) -> ReadOnlyColumnCollection[str, Any]:
    """Some conversations. The limit keeps databases from looking for them among all that meet the other conditions."""
    table = conversations.c
    some = select(*(table[name] for name in _ASKED_OF)).where(table.key.in_(list(keys))).limit(max(1, len(keys)))
    return some.subquery().c


def _newest_first(table: ReadOnlyColumnCollection[str, Any]) -> tuple[ColumnElement[Any], ...]:
    return table.updated_at.desc().nulls_last(), table.key.desc()


def _batches(items: Iterable[Item], first: int) -> Iterator[list[Item]]:
    """Small at first, because the first are often enough, and then ever larger."""
    waiting, size = iter(items), first
    while batch := list(islice(waiting, size)):
        yield batch
        size = min(size * 2, _AT_MOST)


def by_conversation(hits: Iterable[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for hit in hits:
        found.setdefault(hit >> CONVERSATION_SHIFT, []).append(hit)
    return found


def _texts(connection: Connection, keys: Sequence[int]) -> dict[int, str]:
    return {row.key: row.text for row in connection.execute(_TEXTS, {"keys": keys})}
