"""Finding in three ways at once: what has all the words first, then what is near in meaning, then some of the words.

Ranks of words and of meaning are not mixed. A conversation that has all the words is what was asked for; where there
are few of these, or none, the nearest follow. Some of the words are the last resort: where nothing has all of them and
meaning has no page to offer, because nothing is embedded or the language is one that the model does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec
from sqlalchemy import select

from commonplace.archive.schema import conversations
from commonplace.archive.search.finding import Found, Search, Whole, by_conversation
from commonplace.archive.search.hits import conversation_of, hit_of
from commonplace.archive.search.query import Query

if TYPE_CHECKING:
    from commonplace.archive.search.near import Near
    from commonplace.archive.search.passages import Floats, Kind

Mode = Literal["words", "meaning", "hybrid"]
Direction = Callable[[str], "tuple[Kind, Floats] | None"]
"""Where a text points, and in which kind of vectors; None where nothing can be said of it."""

ENOUGH = 100
"""Conversations that have all the words, beyond which nobody looks for more."""
A_PAGE = 20
"""Conversations near in meaning, below which some of the words are looked for."""
MOST_HITS = 400
NEAR_ENOUGH = 0.6
"""How near a conversation has to be, beside the nearest of all..."""
FAR = 0.26
"""... and in any case: beyond, a likeness is chance. No right answer to the questions of the benchmark is that far."""


class Ways(msgspec.Struct):
    """How many conversations were found in each way."""

    words: int = 0
    meaning: int = 0
    some_words: int = 0


class WideSearch(Search):
    """A search that goes on where words end."""

    def find_by(
        self, mode: Mode, direction: Direction | None, *, newest_first: bool, page: slice, facets: bool
    ) -> tuple[list[Found], Whole, Ways]:
        """The page, what the facets are counted in, and how much was found in which way."""
        if mode == "words" or not self.query.wanted:
            found, whole, total = self.find(newest_first=newest_first, page=page, facets=facets)
            return found, whole, Ways(words=total)
        led: list[Found] = []
        whole, total = Whole({}), 0
        if mode == "hybrid":
            led, whole, total = self.find(newest_first=newest_first, page=page, facets=facets)
        if total >= ENOUGH:
            return led, whole, Ways(words=total)
        near = self._near(direction, set(whole.by_conversation))
        some = self._some({found.key for found in near}) if not total and len(near) < A_PAGE else []
        rest = [*(self._in_order(near) if newest_first else near), *some]
        there = slice(max(0, page.start - total), max(0, page.stop - total))
        hits = {found.key: () if found.hit is None else (found.hit,) for found in rest}
        everything = Whole({**whole.by_conversation, **hits}, is_exact=whole.is_exact)
        return [*led, *rest[there]], everything, Ways(words=total, meaning=len(near), some_words=len(some))

    def like(self, kind: Kind, key: int, row: Floats) -> list[Found]:
        """What is nearest to a conversation, but for itself."""
        from commonplace.archive.search.near import nearest

        return [_found(each) for each in nearest(self.archive, kind, row, only=self._eligible()) if each.key != key]

    def _near(self, direction: Direction | None, known: Collection[int]) -> list[Found]:
        """What is near in meaning, but for what is known already; nothing where a beginning of words was asked for."""
        if direction is None or any(part.is_prefix for part in self.query.wanted):
            return []
        asked = direction(self.query.said)
        if asked is None:
            return []
        from commonplace.archive.search.near import nearest

        kind, row = asked
        near = nearest(self.archive, kind, row, only=self._eligible(), role=self.filters.role)
        enough = max(FAR, NEAR_ENOUGH * near[0].score) if near else 0.0
        near = [each for each in near if each.score >= enough and each.key not in known]
        allowed = self._obeying({each.key for each in near})
        return [_found(each) for each in near if each.key in allowed]

    def _some(self, known: Collection[int]) -> list[Found]:
        """What has some of the words, best first."""
        scored = self.finder.some(MOST_HITS)
        best: dict[int, int] = {}
        for hit in sorted(scored, key=lambda hit: (-scored[hit], -hit)):
            best.setdefault(conversation_of(hit), hit)
        good = self.qualified(best.keys() - set(known))
        return [Found(key, hit, scored[hit], "some words") for key, hit in best.items() if key in good][:ENOUGH]

    def _eligible(self) -> set[int] | None:
        """The conversations that the filters and what was quoted leave; None where these leave all."""
        only = None if self.is_open else self._all_qualified()
        if self.query.quoted:
            finder = self.ask(Query(self.query.quoted), role=self.filters.role)
            hits = finder.hits()
            if hits is not None:  # else it is in so many that the nearest are looked into instead
                quoted = set(by_conversation(hits)) | finder.titles(MOST_HITS)
                only = quoted if only is None else only & quoted
        return only

    def _all_qualified(self) -> set[int]:
        if self.narrow is not None:
            return self.narrow
        return set(self.connection.execute(select(conversations.c.key).where(self.clause)).scalars().all())

    def _obeying(self, keys: set[int]) -> set[int]:
        """Those that have what was quoted and nothing of what is excluded."""
        if keys and self.query.quoted:
            finder = self.ask(Query(self.query.quoted), role=self.filters.role)
            keys = keys & (set(by_conversation(finder.hits_in(keys))) | finder.titles(MOST_HITS))
        return self.unwanted.left(keys)

    def _in_order(self, found: Sequence[Found]) -> Iterable[Found]:
        """Newest first."""
        by_key = {each.key: each for each in found}
        return [by_key[key] for key in self.walk(by_key.keys())]


def _found(near: Near) -> Found:
    place = near.place
    if place.message_key is None or place.role is None:
        return Found(near.key, None, near.score, "meaning")
    hit = hit_of(near.key, place.message_key, place.role, False)
    return Found(near.key, hit, near.score, "meaning", (place.start, place.stop))
