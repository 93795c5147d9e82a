"""Which projects may be one under several ids, and how sure that is.

How alike the parts of one project are can be seen: every project that is large enough is cut in two, and its halves are
compared as if they were projects. How alike different ones are can be seen too: a project and its second nearest are
seldom one. What two projects that are each other's nearest score, beside these, says how likely they are one.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from commonplace.projects import calibration
from commonplace.projects.calibration import Numbers
from commonplace.projects.similarity import Matrix, mean_directions

SMALLEST_TO_CUT = 4
"""A half of two conversations is the least that says anything."""
_EXPECTED = np.array([-3.0, 12.0, 0.0])
"""Before anything is learned: the constant, likeness, size."""
_USUAL, _MOST = 0.2, 0.5
"""Of the projects that are each other's nearest, the share that are one: to begin with, and at most. Nothing but the
scores themselves says what it is, and a wrong merge costs more than one that is not proposed."""
_ROUNDS = 50


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two projects by their numbers, how likely they are one, and how alike their words are (1: the same)."""

    first: int
    second: int
    confidence: float
    likeness: float


def pairs(rows: Matrix, owners: NDArray[np.int64], count: int) -> list[Pair]:
    """Every two of `count` projects that are each other's nearest, the likeliest to be one first."""
    if count < 3 or not rows.shape[0]:
        return []
    sizes = np.bincount(owners, minlength=count)
    directions = mean_directions(rows, owners, count)
    likeness = np.asarray((directions @ directions.T).toarray(), dtype=np.float64)
    np.fill_diagonal(likeness, -1.0)
    nearest, second = np.argsort(-likeness, axis=1, kind="stable")[:, :2].T
    found = np.array([(one, other) for one, other in enumerate(nearest) if one < other and nearest[other] == one])
    if not len(found):
        return []
    different = np.column_stack((np.arange(count), second))
    confidence = _confidence(
        _halves(rows, owners, sizes), _facts(likeness, sizes, different), _facts(likeness, sizes, found)
    )
    made = [
        Pair(first=int(one), second=int(other), confidence=float(sure), likeness=float(likeness[one, other]))
        for (one, other), sure in zip(found, confidence, strict=True)
    ]
    return sorted(made, key=lambda pair: -pair.confidence)


def _confidence(halves: Numbers, different: Numbers, sought: Numbers) -> Numbers:
    """How likely each of the sought is one, by how much oftener halves score so than different projects do."""
    is_half = np.arange(len(halves) + len(different)) < len(halves)
    fitted = calibration.fit(np.concatenate((halves, different)), is_half, _EXPECTED)
    odds = np.exp(calibration.with_constant(sought) @ fitted) * max(len(different), 1) / max(len(halves), 1)
    share = _USUAL
    for _ in range(_ROUNDS):
        likely = odds * share / (odds * share + 1.0 - share)
        share = min(float(likely.mean()), _MOST)
    return np.minimum(odds * share / (odds * share + 1.0 - share), calibration.ceiling(len(halves)))


def _halves(rows: Matrix, owners: NDArray[np.int64], sizes: NDArray[np.int64]) -> Numbers:
    """The facts of the halves of every project that can be cut: every other conversation is in the one."""
    order = np.argsort(owners, kind="stable")
    place = np.empty(len(owners), dtype=np.int64)
    place[order] = np.arange(len(owners)) - np.concatenate(([0], np.cumsum(sizes)))[:-1][owners[order]]
    halves = mean_directions(rows, owners * 2 + place % 2, len(sizes) * 2)
    across = np.asarray(halves[0::2].multiply(halves[1::2]).sum(axis=1), dtype=np.float64).ravel()
    return np.column_stack((across, np.log1p(sizes // 2)))[sizes >= SMALLEST_TO_CUT]


def _facts(likeness: Numbers, sizes: NDArray[np.int64], chosen: NDArray[np.int64]) -> Numbers:
    one, other = chosen.T
    return np.column_stack((likeness[one, other], np.log1p(np.minimum(sizes[one], sizes[other]))))
