"""Groups of directions that point much the same way: k-means on the sphere, the same every time it is asked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from commonplace.meaning.contract import Floats, unit

ROUNDS = 25
"""It is settled long before."""


class Clusters(NamedTuple):
    """To which group each row belongs, and how near it is to that group's centre (1: it points exactly there)."""

    member_of: np.ndarray
    nearness: Floats
    groups: int


def clustered(rows: Floats, count: int) -> Clusters:
    """At most so many groups of unit rows, seen from between them all: what they have in common tells nothing."""
    seen = unit(rows - rows.mean(axis=0))
    centres = _far_apart(seen, min(count, len(seen)))
    member_of = np.full(len(seen), -1)
    for _ in range(ROUNDS):
        nearest = (seen @ centres.T).argmax(axis=1)
        if np.array_equal(nearest, member_of):
            break
        member_of = nearest
        totals = np.zeros_like(centres)
        np.add.at(totals, member_of, seen)
        kept = totals.any(axis=1)
        centres[kept] = unit(totals[kept])
    return Clusters(member_of, (seen * centres[member_of]).sum(axis=1), len(centres))


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
