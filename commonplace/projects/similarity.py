"""How much a conversation is like each project: sparse vectors of weighted terms against a few prototypes per project.

Nothing here is quadratic in conversations. A project is its mean, the mean of its newest conversations, and up to three
clusters, because projects have phases and corners; each keeps its most telling terms only. A conversation is as
similar to a project as to the nearest of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from commonplace.projects import terms

Floats = NDArray[np.float32]
Matrix = Any
"""A `scipy.sparse.csr_matrix` of float32, its rows of length one. SciPy is loaded where it is used."""

CLUSTERS = 3
ROUNDS = 2
SMALLEST_CLUSTER = 6
RECENT = 12
MOST_PROTOTYPE_TERMS = 128
CANDIDATES = 5
_ROWS_AT_ONCE = 2000


def _sparse() -> Any:
    import scipy.sparse  # type: ignore[import-untyped]

    return scipy.sparse


class Prototypes(msgspec.Struct, frozen=True):
    """Rows that stand for projects. Row `n` stands for project number `owners[n]`; owners ascend."""

    rows: Matrix
    owners: NDArray[np.int64]
    count: int


class Nearest(msgspec.Struct, frozen=True):
    """For each conversation the projects most like it, best first, and how much. Project -1: there are no more."""

    projects: NDArray[np.int64]
    scores: Floats


def document_frequencies(stored: Iterable[bytes]) -> tuple[NDArray[np.int64], int]:
    """In how many conversations each term occurs, and how many conversations there are."""
    totals = np.zeros(terms.SIZE, dtype=np.int64)
    count = 0
    batch: list[NDArray[np.uint32]] = []
    for vector in stored:
        batch.append(terms.decode(vector)[0])
        count += 1
        if len(batch) == _ROWS_AT_ONCE:
            totals += np.bincount(np.concatenate(batch), minlength=terms.SIZE)
            batch = []
    if batch:
        totals += np.bincount(np.concatenate(batch), minlength=terms.SIZE)
    return totals, count


def weights(frequencies: NDArray[np.int64], count: int) -> Floats:
    """How telling each term is: nothing where everybody says it, most where few do."""
    rare = np.log((count + 1.0) / (frequencies + 1.0))
    return np.asarray(np.maximum(rare, 0.0), dtype=np.float32)


def vectors(stored: Sequence[bytes], weight: Floats) -> Matrix:
    """Rows of length one; a conversation without a telling term is a row of zeros."""
    decoded = [terms.decode(vector) for vector in stored]
    lengths = np.fromiter((len(numbers) for numbers, _ in decoded), dtype=np.int64, count=len(decoded))
    starts = np.concatenate(([0], np.cumsum(lengths)))
    if not decoded or not starts[-1]:
        return matrix(np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int32), starts)
    numbers = np.concatenate([part for part, _ in decoded]).astype(np.int32)
    counts = np.concatenate([part for _, part in decoded]).astype(np.float32)
    values = (np.float32(1.0) + np.log(counts)).astype(np.float32) * weight[numbers]
    return _unit(matrix(values, numbers, starts))


def matrix(values: Floats, numbers: NDArray[np.int32], starts: NDArray[np.int64]) -> Matrix:
    """Rows of terms from the arrays that they are made of."""
    return _sparse().csr_matrix((values, numbers, starts), shape=(len(starts) - 1, terms.SIZE))


def _unit(rows: Matrix) -> Matrix:
    """The same rows, each of length one. Changes the matrix it is given."""
    squares = np.add.reduceat(np.append(rows.data**2, 0.0), rows.indptr[:-1]) if rows.shape[0] else np.zeros(0)
    lengths = np.sqrt(np.where(np.diff(rows.indptr) > 0, squares, 0.0))
    factors = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    rows.data = (rows.data * np.repeat(factors, np.diff(rows.indptr))).astype(np.float32)
    return rows


def prototypes(rows: Matrix, owners: NDArray[np.int64], times: NDArray[np.int64], count: int) -> Prototypes:
    """What `count` projects look like. `owners` says whose each row is, `times` when it was last touched."""
    if not rows.shape[0]:
        return Prototypes(rows, np.zeros(0, dtype=np.int64), count)
    age = _age_within(owners, times)
    is_recent = age < RECENT
    groups = [(mean_directions(rows, owners, count), np.arange(count))]
    groups.append((mean_directions(rows[is_recent], owners[is_recent], count), np.arange(count)))
    groups.append(_clusters(rows, owners, age, count))
    stacked = _sparse().vstack([group for group, _ in groups], format="csr")
    whose = np.concatenate([owner for _, owner in groups])
    is_used = np.diff(stacked.indptr) > 0
    order = np.argsort(whose, kind="stable")
    order = order[is_used[order]]
    return Prototypes(_pruned(stacked[order]), whose[order], count)


def _age_within(owners: NDArray[np.int64], times: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each conversation in its project, the newest first."""
    order = np.lexsort((-times, owners))
    sizes = np.bincount(owners)
    starts = np.concatenate(([0], np.cumsum(sizes)))[:-1]
    place = np.empty(len(owners), dtype=np.int64)
    place[order] = np.arange(len(owners)) - starts[owners[order]]
    return place


def mean_directions(rows: Matrix, labels: NDArray[np.int64], count: int) -> Matrix:
    """The mean direction of the rows of each label; zeros where a label has none."""
    ones = np.ones(len(labels), dtype=np.float32)
    membership = _sparse().csr_matrix((ones, (labels, np.arange(len(labels)))), shape=(count, len(labels)))
    return _unit((membership @ rows).tocsr())


def _clusters(
    rows: Matrix, owners: NDArray[np.int64], age: NDArray[np.int64], count: int
) -> tuple[Matrix, NDArray[np.int64]]:
    """Spherical k-means inside every project at once, begun with slices of its history."""
    sizes = np.bincount(owners, minlength=count)
    wanted = np.clip(sizes // SMALLEST_CLUSTER, 1, CLUSTERS)
    is_large = wanted[owners] > 1
    members, whose = rows[is_large], owners[is_large]
    labels = whose * CLUSTERS + age[is_large] * wanted[whose] // sizes[whose]
    owner_of = np.repeat(np.arange(count), CLUSTERS)
    if not len(labels):
        return members, np.zeros(0, dtype=np.int64)
    for _ in range(ROUNDS):
        centres = _pruned(mean_directions(members, labels, count * CLUSTERS))
        scores = np.stack([_similarity(members, centres[whose * CLUSTERS + place]) for place in range(CLUSTERS)])
        labels = whose * CLUSTERS + np.argmax(scores, axis=0)
    return mean_directions(members, labels, count * CLUSTERS), owner_of


def _similarity(left: Matrix, right: Matrix) -> Floats:
    """Row by row."""
    return np.asarray(left.multiply(right).sum(axis=1), dtype=np.float32).ravel()


def _pruned(rows: Matrix) -> Matrix:
    """Only the strongest terms of each row, at length one again."""
    keep = np.ones(rows.nnz, dtype=bool)
    for row in np.flatnonzero(np.diff(rows.indptr) > MOST_PROTOTYPE_TERMS):
        start, end = rows.indptr[row], rows.indptr[row + 1]
        weakest = np.argpartition(rows.data[start:end], end - start - MOST_PROTOTYPE_TERMS)
        keep[start + weakest[: end - start - MOST_PROTOTYPE_TERMS]] = False
    rows.data = np.where(keep, rows.data, 0.0).astype(np.float32)
    rows.eliminate_zeros()
    return _unit(rows)


def nearest(
    rows: Matrix,
    known: Prototypes,
    *,
    excluded: Sequence[Sequence[int]] | None = None,
    beside: Floats | None = None,
) -> Nearest:
    """The projects most like each row. `excluded` names for each row the projects that are out of the question;
    `beside` is likeness of another kind, of each row to each project, which adds to who is nearest, not to how much."""
    width = min(CANDIDATES, known.count)
    projects = np.full((rows.shape[0], width), -1, dtype=np.int64)
    scores = np.zeros((rows.shape[0], width), dtype=np.float32)
    if not len(known.owners) or not width:
        return Nearest(projects, scores)
    across = known.rows.T.tocsr()
    present, starts = np.unique(known.owners, return_index=True)
    for start in range(0, rows.shape[0], _ROWS_AT_ONCE):
        block = slice(start, min(start + _ROWS_AT_ONCE, rows.shape[0]))
        dense = np.asarray((rows[block] @ across).toarray(), dtype=np.float32)
        best = np.full((dense.shape[0], known.count), -1.0, dtype=np.float32)
        best[:, present] = np.maximum.reduceat(dense, starts, axis=1)
        near = best if beside is None else np.maximum(best, 0.0) + np.maximum(beside[block], 0.0)
        for row, ruled_out in enumerate(excluded[block]) if excluded is not None else ():
            near[row, list(ruled_out)] = -1.0
        top = np.argpartition(-near, width - 1, axis=1)[:, :width]
        top = np.take_along_axis(top, np.argsort(-np.take_along_axis(near, top, axis=1), axis=1, kind="stable"), axis=1)
        is_near = np.take_along_axis(near, top, axis=1) > 0
        projects[block] = np.where(is_near, top, -1)
        scores[block] = np.where(is_near, np.maximum(np.take_along_axis(best, top, axis=1), 0.0), 0.0)
    return Nearest(projects, scores)
