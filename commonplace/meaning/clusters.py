"""Groups of directions that point much the same way: k-means on the sphere, the same every time it is asked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from commonplace.meaning.contract import Floats, unit

ROUNDS = 25
"""It is settled long before."""
LEARNED_FROM = 10_000
"""Rows, evenly spread, by which the groups are found; the others join them."""
_AT_ONCE = 10_000


class Clusters(NamedTuple):
    """To which group each row belongs, and how near it is to that group's centre (1: it points exactly there)."""

    member_of: np.ndarray
    nearness: Floats
    groups: int


def clustered(rows: Floats, count: int) -> Clusters:
    """At most so many groups of unit rows, seen from between them all: what they have in common tells nothing."""
    middle = rows.mean(axis=0)
    with threadpool_limits(1, user_api="blas"):  # small products: threads would wait for each other
        centres = _settled(unit(rows[:: -(-len(rows) // LEARNED_FROM)] - middle), count)
        found = Clusters(np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.float32), len(centres))
        for start in range(0, len(rows), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            likeness = unit(rows[some] - middle) @ centres.T
            found.member_of[some], found.nearness[some] = likeness.argmax(axis=1), likeness.max(axis=1)
    return found


def _settled(rows: Floats, count: int) -> Floats:
    """Centres, each in the middle of the rows that are nearest to it."""
    centres = _far_apart(rows, min(count, len(rows)))
    member_of = np.full(len(rows), -1)
    for _ in range(ROUNDS):
        nearest = (rows @ centres.T).argmax(axis=1)
        if np.array_equal(nearest, member_of):
            break
        member_of = nearest
        totals = (member_of == np.arange(len(centres))[:, None]).astype(np.float32) @ rows
        kept = totals.any(axis=1)
        centres[kept] = unit(totals[kept])
    return centres


def _far_apart(rows: Floats, count: int) -> Floats:
    """Where to begin: with what is most like the others, then each time what is most like those that no centre is near
    to yet, so that one that stands alone founds no group."""
    likeness = np.zeros(len(rows), dtype=np.float32)
    chosen: list[int] = []
    for _ in range(count):
        left = 1 - np.clip(likeness, 0, 1)
        best = int((left * np.clip(rows @ (rows * left[:, None]).mean(axis=0), 0, None)).argmax())
        chosen.append(best)
        likeness = np.maximum(likeness, rows @ rows[best])
    return rows[chosen].copy()
