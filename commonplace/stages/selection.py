"""Which conversations a stage is asked about, and how they are cut into chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, and_, func, select

from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations
from commonplace.archive.scope import Columns, Scope

SMALLEST_CHUNK = 25
MOST_CHUNKS = 100
ROUNDS = 4
"""So many at least: whoever works on several at once waits for the last one at each chunk's end."""


class Selection(Scope, frozen=True, kw_only=True):
    """What a stage is asked to look at; `force` ignores what has been done already."""

    ids: tuple[str, ...] | None = None
    limit: int | None = None
    force: bool = False

    def clause(self, archive: Archive, table: Columns | None = None) -> ColumnElement[bool]:
        """The conversations that are asked about, `limit` aside."""
        scope = super().clause(archive, table)
        columns = conversations.c if table is None else table
        return scope if self.ids is None else and_(scope, columns.id.in_(self.ids))


def count(archive: Archive, selection: Selection) -> int:
    """How many conversations a selection holds."""
    query = select(func.count()).select_from(conversations).where(selection.clause(archive))
    with archive.read() as connection:
        return int(connection.execute(query).scalar_one())


def partition(ids: Iterable[str], *, smallest: int = SMALLEST_CHUNK, most: int = MOST_CHUNKS) -> list[list[str]]:
    """Cut ids into stable chunks of about `smallest` or more, at most `most` of them.

    An id's place depends on the id and on a power of two near the number of chunks, not on its neighbours: when one
    conversation changes, the other chunks stay what they were, and so do the cache keys made of them.
    """
    ordered = sorted(set(ids))
    wanted = max(1, min(most, len(ordered) // smallest))
    buckets = 1 << (wanted.bit_length() - 1)
    chunks: list[list[str]] = [[] for _ in range(buckets)]
    for identity in ordered:
        place = int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=4).digest(), "big")
        chunks[place % buckets].append(identity)
    return [chunk for chunk in chunks if chunk]


def slices(
    ids: Sequence[str], *, smallest: int = SMALLEST_CHUNK, most: int = MOST_CHUNKS, rounds_of: int = 1
) -> list[list[str]]:
    """Cut ids into chunks of at least `smallest`, at most `most` of them, in their order; in each whole rounds of those
    that are worked on at once."""
    size = max(smallest, ROUNDS * rounds_of, -(-len(ids) // most))
    size = -(-size // rounds_of) * rounds_of
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]


def chunk_name(ids: Sequence[str]) -> str:
    """A short name for a chunk, the same whenever it holds the same ids."""
    return hashlib.blake2b("\n".join(sorted(ids)).encode(), digest_size=6).hexdigest()
