"""Which conversations are nearest to a direction: found by the signs of their passages, put in order by their vectors.

A conversation is as near as its nearest passage, and somewhat more so the nearer it is as a whole. Exact search over
signs takes half the time of one product with all vectors and a thirtieth of its memory; the few that are left are then
compared exactly.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, func, select

from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations, features, passages
from commonplace.archive.search import passages_files as files
from commonplace.archive.search import passages_postgresql
from commonplace.archive.search.hits import ROLES
from commonplace.archive.search.passages import Floats, Kind, Place, place_of
from commonplace.archive.search.passages_files import Vectors

CANDIDATES = 400
"""Passages that are compared exactly."""
MOST = 100
"""Conversations that are near enough to be told."""
WHOLE = 0.6
"""What a whole conversation's nearness counts beside its nearest passage's."""
_FAR = 1 << 14
_ROWS_AT_ONCE = 1 << 16
_BEHIND = 1_000
"""Passages that may be missing in what is searched, or too many, however small it is."""


# Made once: to make a question costs as much as to ask it.
_PASSAGES = select(
    *(passages.c[name] for name in ("key", "conversation_key", "message_key", "role", "start", "stop", "digest"))
).where(passages.c.key.in_(bindparam("keys", expanding=True)))
_OF_WHOLE = (features.c.owner == conversations.c.owner) & (features.c.conversation_id == conversations.c.id)
_WHOLES = (
    select(conversations.c.key, features.c.vector)
    .join(features, _OF_WHOLE)
    .where(conversations.c.owner == bindparam("owner"), features.c.kind == bindparam("kind"))
    .where(conversations.c.key.in_(bindparam("keys", expanding=True)))
)


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
            found = passages_postgresql.nearest(connection, kind, direction, CANDIDATES, only, role)
        else:
            upto, stored = files.newest(archive, kind)
            found = _candidates(stored, direction, only, role)
        found += _candidates(files.after(connection, kind, upto), direction, only, role)
        return _ranked(connection, archive.owner, kind, direction, _of_few(sorted(found, reverse=True)))


def renew(archive: Archive, kind: Kind, *, at_once: bool = False, tolerance: float = 0.01) -> bool:
    """Bring what is searched in step with the table: `at_once`, or if more than a share of it came or went since.

    False where nothing was done.
    """
    if not (at_once or _is_behind(archive, kind, tolerance)):
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


def _candidates(
    vectors: Vectors, direction: Floats, only: Collection[int] | None, role: str | None
) -> list[tuple[float, int, int]]:
    """The passages that are nearest by sign: how like they are exactly, their keys and their conversations'."""
    if not len(vectors):
        return []
    distance = _distances(vectors.signs, files.signs_of(direction[None])[0])
    if only is not None:
        distance[~_among(vectors.conversations, only)] = _FAR
    if role is not None:
        distance[vectors.roles != ROLES.index(role)] = _FAR
    rows = _smallest(distance, CANDIDATES)
    exact = (vectors.vectors[rows].astype(np.float32) @ direction) * vectors.scales[rows]
    return list(zip(exact.tolist(), vectors.keys[rows].tolist(), vectors.conversations[rows].tolist(), strict=True))


def _of_few(found: Sequence[tuple[float, int, int]]) -> list[tuple[float, int]]:
    """Those of the first conversations, as many as are told."""
    few: set[int] = set()
    for _, _, conversation in found:
        if len(few) < MOST:
            few.add(conversation)
    return [(likeness, key) for likeness, key, conversation in found if conversation in few]


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


def _ranked(
    connection: Connection, owner: str, kind: Kind, direction: Floats, found: Sequence[tuple[float, int]]
) -> list[Near]:
    """The conversations of the passages that are still there, by their nearest passage and their whole."""
    rows = {row.key: row for row in connection.execute(_PASSAGES, {"keys": [key for _, key in found]}).all()}
    best: dict[int, tuple[float, Any]] = {}
    for likeness, key in found:  # the nearest comes first
        if key in rows:
            best.setdefault(rows[key].conversation_key, (likeness, rows[key]))
    asked = {"owner": owner, "kind": kind.kind, "keys": list(best)}
    wholes = {row.key: row.vector for row in connection.execute(_WHOLES, asked).all() if row.vector}
    near = []
    for key, (likeness, row) in best.items():
        whole = float(np.frombuffer(wholes[key], "<f4") @ direction) if key in wholes else likeness
        place = place_of(row)
        near.append(Near(key, (likeness + WHOLE * whole) / (1 + WHOLE), place))
    return sorted(near, key=lambda each: (-each.score, -each.key))
