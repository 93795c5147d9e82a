"""Which conversations are nearest to a direction: found by the signs of their passages, put in order by their vectors.

A conversation is as near as its nearest passage and as it is as a whole, less what that passage has in common with all:
what is like many others is near to any question. Exact search over signs takes half the time of one product with all
vectors and a thirtieth of its memory; the few that are left are then compared exactly.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BindParameter, Connection, bindparam, func, select, text

from commonplace.archive.core import Archive
from commonplace.archive.schema import passages
from commonplace.archive.search import passages_files as files
from commonplace.archive.search import passages_postgresql
from commonplace.archive.search.hits import ROLES
from commonplace.archive.search.passages import Floats, Kind, Place, place_of, restored
from commonplace.archive.search.passages_files import Vectors

LIKELY = 3_000
"""Passages, the nearest by sign, that are compared with the question exactly: signs alone put many in a wrong place."""
CANDIDATES = 400
"""The nearest of these, which are compared with each other and as parts of their conversations."""
LOOKED_INTO = 200
"""Conversations, the nearest by a passage, that are compared as wholes, too."""
MOST = 100
"""Those of them that are near enough to be told."""
CROWD = 20
"""Passages of other conversations, the nearest to one: how like them it is tells how common it is."""
CROWDED = 0.6
"""What that takes away from its nearness."""
_FAR = 1 << 14
_ROWS_AT_ONCE = 1 << 16
_BEHIND = 1_000
"""Passages that may be missing in what is searched, or too many, however small it is."""


# Made once: to make a question costs as much as to ask it.
_KEYS: BindParameter[Any] = bindparam("keys", expanding=True)
_PASSAGES = select(
    *(passages.c[name] for name in ("key", "conversation_key", "message_key", "role", "start", "stop", "digest"))
).where(passages.c.key.in_(_KEYS))
_VECTORS = select(passages.c.key, passages.c.vector, passages.c.scale).where(passages.c.key.in_(_KEYS))
_THERE = select(passages.c.key).where(passages.c.key.in_(_KEYS))
# In this order, or SQLite goes through all there are, once for each key.
_WHOLES = text(
    "SELECT c.key, f.vector FROM conversations c CROSS JOIN features f "
    "WHERE c.key IN :keys AND f.owner = :owner AND f.conversation_id = c.id AND f.kind = :kind"
).bindparams(_KEYS)


class Likely(msgspec.Struct, frozen=True):
    """Passages side by side: how like the question each is, whose it is, and its vector."""

    likeness: Floats
    keys: NDArray[np.int64]
    conversations: NDArray[np.int64]
    rows: Floats

    def __add__(self, other: Likely) -> Likely:
        both = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Likely(*(np.concatenate(pair) for pair in both))

    def those(self, which: NDArray[Any]) -> Likely:
        return Likely(*(column[which] for column in msgspec.structs.astuple(self)))

    def best(self, most: int) -> Likely:
        """The most like, the most first."""
        return self.those(np.lexsort((-self.keys, -self.likeness))[:most])


class Near(msgspec.Struct, frozen=True):
    """A conversation, how near it is (1 is the same direction), and the passage that is nearest."""

    key: int
    score: float
    place: Place


def nearest(
    archive: Archive,
    kind: Kind,
    direction: Floats,
    *,
    only: Collection[int] | None = None,
    role: str | None = None,
) -> list[Near]:
    """The conversations nearest to a direction, nearest first: of all of the owner's, or among those with these keys.

    `role` narrows it to what one side said, and titles are nobody's.
    """
    if only is not None and not only:
        return []
    with archive.read() as connection:
        if _in_database(archive, connection, kind):
            upto = passages_postgresql.upto(connection, kind)
            listed = passages_postgresql.nearest(connection, kind, direction, CANDIDATES, only, role)
            found = _read(connection, kind, listed)
        else:
            upto, stored = files.newest(archive, kind)
            found = _candidates(stored, direction, only, role)
        found += _candidates(files.after(connection, kind, upto), direction, only, role)
        return _ranked(connection, archive.owner, kind, direction, found)


def renew(archive: Archive, kind: Kind, *, at_once: bool = False, tolerance: float = 0.01) -> bool:
    """Bring what is searched in step with the table: `at_once`, or if more than a share of it came or went since, or
    what was forgotten is in it still.

    False where nothing was done.
    """
    if not (at_once or files.were_left(archive, kind) or _is_behind(archive, kind, tolerance)):
        return False
    return (not archive.is_sqlite and passages_postgresql.renew(archive, kind)) or files.renew(archive, kind)


def _is_behind(archive: Archive, kind: Kind, tolerance: float) -> bool:
    """Whether so much came or went since that every search would notice."""
    with archive.read() as connection:
        if _in_database(archive, connection, kind):
            upto, stored = passages_postgresql.upto(connection, kind), 0
        else:
            upto, vectors = files.newest(archive, kind)
            stored = len(vectors)
        of_kind = select(func.count()).where(passages.c.kind_key == kind.key)
        later = connection.execute(of_kind.where(passages.c.key > upto)).scalar_one()
        gone = stored - connection.execute(of_kind.where(passages.c.key <= upto)).scalar_one() if stored else 0
    return max(later, gone) > max(_BEHIND, stored * tolerance)


def _in_database(archive: Archive, connection: Connection, kind: Kind) -> bool:
    return not archive.is_sqlite and passages_postgresql.is_there(connection, kind)


def _candidates(vectors: Vectors, direction: Floats, only: Collection[int] | None, role: str | None) -> Likely:
    """The passages that are nearest, of those that are nearest by sign."""
    if not len(vectors):
        none = np.zeros(0, dtype=np.int64)
        return Likely(none.astype(np.float32), none, none, np.zeros((0, len(direction)), dtype=np.float32))
    distance = _distances(vectors.signs, files.signs_of(direction[None])[0])
    if only is not None:
        distance[~_among(vectors.conversations, only)] = _FAR
    if role is not None:
        distance[vectors.roles != ROLES.index(role)] = _FAR
    rows = _smallest(distance, LIKELY)
    exact = vectors.vectors[rows].astype(np.float32) @ direction * vectors.scales[rows]
    if len(rows) > CANDIDATES:
        few = np.argpartition(exact, -CANDIDATES)[-CANDIDATES:]
        rows, exact = rows[few], exact[few]
    seen = vectors.vectors[rows] * vectors.scales[rows][:, None]
    return Likely(exact, vectors.keys[rows], vectors.conversations[rows], seen)


def _read(connection: Connection, kind: Kind, listed: Sequence[tuple[float, int, int]]) -> Likely:
    """What the database found, with the vectors."""
    keys = [key for _, key, _ in listed]
    stored = {row.key: restored(row.vector, row.scale) for row in connection.execute(_VECTORS, {"keys": keys}).all()}
    there = [(likeness, key, owner, stored[key]) for likeness, key, owner in listed if key in stored]
    return Likely(
        np.array([each[0] for each in there], dtype=np.float32),
        np.array([each[1] for each in there], dtype=np.int64),
        np.array([each[2] for each in there], dtype=np.int64),
        np.array([each[3] for each in there], dtype=np.float32).reshape(len(there), kind.dimensions),
    )


def _distances(signs: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """In how many signs each passage differs."""
    distance = np.zeros(signs.shape[1], dtype=np.uint16)
    for start in range(0, len(distance), _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE)
        for row, word in zip(signs, wanted, strict=True):
            distance[some] += np.bitwise_count(row[some] ^ word)
    return distance


def _smallest(distance: NDArray[np.uint16], most: int) -> NDArray[np.int64]:
    """The places of the smallest, about so many, in ascending order; none that is out of the question."""
    if len(distance) > most:
        limit = np.searchsorted(np.cumsum(np.bincount(distance)), most)
        places = np.flatnonzero(distance < limit)
        ties = np.flatnonzero(distance == limit)
        places = np.concatenate([places, ties[: most - len(places)]])
    else:
        places = np.arange(len(distance))
    return np.sort(places[distance[places] < _FAR])


def _among(keys: NDArray[np.int64], only: Collection[int]) -> NDArray[np.bool_]:
    wanted = np.fromiter(only, dtype=np.int64, count=len(only))
    is_wanted = np.zeros(int(max(keys.max(), wanted.max())) + 1, dtype=bool)
    is_wanted[wanted] = True
    return is_wanted[keys]


def _ranked(connection: Connection, owner: str, kind: Kind, direction: Floats, found: Likely) -> list[Near]:
    """The conversations of the passages, by their nearest passage and their whole."""
    best = found.best(CANDIDATES)
    near = best.likeness - np.float32(CROWDED) * _common(best)
    order = np.lexsort((-best.keys, -near))
    _, first = np.unique(best.conversations[order], return_index=True)
    nearest_of_each = order[np.sort(first)][:LOOKED_INTO]
    keys, owners = best.keys[nearest_of_each].tolist(), best.conversations[nearest_of_each].tolist()
    score = near[nearest_of_each]
    scores = (score + _as_wholes(connection, owner, kind, direction, owners, score)) / 2
    told = sorted(zip(scores.tolist(), owners, keys, strict=True), reverse=True)[:MOST]
    rows = {row.key: row for row in connection.execute(_PASSAGES, {"keys": [key for *_, key in told]}).all()}
    if len(rows) < len(told):  # some were taken out since
        there = connection.execute(_THERE, {"keys": found.keys.tolist()}).scalars().all()
        return _ranked(connection, owner, kind, direction, found.those(np.isin(found.keys, there)))
    return [Near(conversation, score, place_of(rows[key])) for score, conversation, key in told]


def _as_wholes(
    connection: Connection, owner: str, kind: Kind, direction: Floats, keys: Sequence[int], otherwise: Floats
) -> Floats:
    """How near conversations are as wholes."""
    # All at once: to fetch them one by one costs as much as all else that is done with them.
    stored = connection.execute(_WHOLES, {"owner": owner, "kind": kind.kind, "keys": keys}).all()
    whole = {row.key: row.vector for row in stored if row.vector}
    rows = np.frombuffer(b"".join(whole.values()), "<f4").reshape(len(whole), len(direction))
    known = dict(zip(whole, (rows @ direction).tolist(), strict=True))
    return np.array([known.get(key, score) for key, score in zip(keys, otherwise.tolist(), strict=True)], np.float32)


def _common(found: Likely) -> Floats:
    """How much more than the others each passage is like the crowd around it, in other conversations than its own."""
    if not len(found.keys):
        return found.likeness
    likeness = np.maximum(found.rows @ found.rows.T, 0)
    likeness[found.conversations[:, None] == found.conversations] = 0
    likeness.partition(max(0, len(likeness) - CROWD), axis=1)
    crowd = likeness[:, -CROWD:].sum(axis=1) / np.float32(CROWD)
    return np.asarray(crowd - crowd.mean(), dtype=np.float32)
