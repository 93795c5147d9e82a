"""From scores to probabilities, and from held-out probabilities to the threshold that keeps a promised precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

NEVER = 2.0
"""A threshold that nothing reaches: no assignments yet, only suggestions."""
_STEPS = 40
_SMALL = 1e-6
_LEAST = 0.65
"""However good the average above a threshold is, the least sure one above it is so sure itself."""
_PULL = 0.5
_FEWEST = 20
_USUAL_SHARE = 0.1
"""Of what has no project, the share that belongs to one, where there are too few examples to tell."""
_CAUTION = 1.5
"""Standard errors between what is measured and what is promised. Twenty-one examples can promise 0.9."""
_MARGIN = 4.0
"""Standard errors by which the average above a threshold has to be better than what is promised."""
_FEW, _MANY = 60, 160
"""Between so many examples, the share of the unsorted that belong somewhere rises from what is measured to a standard
error above it. Of few, the benefit of the doubt would be paid for by those who trust the promise."""
_NEVER_SURE = 0.99


def fit(inputs: Numbers, is_right: NDArray[np.bool_], expected: Numbers) -> Numbers:
    """Coefficients (the first is constant) of a logistic model, drawn to `expected` where there is little to learn.

    Newton's method, each step halved until it helps: whole steps overshoot where the two kinds are far apart.
    """
    coefficients = expected.astype(np.float64).copy()
    columns = with_constant(inputs)
    loss = _loss(columns, is_right, coefficients, expected)
    for _ in range(_STEPS):
        predicted = sigmoid(columns @ coefficients)
        slope = columns.T @ (is_right - predicted) - _PULL * (coefficients - expected)
        curve = (columns * (predicted * (1.0 - predicted))[:, None]).T @ columns
        step = np.linalg.solve(curve + _PULL * np.eye(len(coefficients)), slope)
        improved = _loss(columns, is_right, coefficients + step, expected)
        while improved > loss and np.abs(step).max() > _SMALL:
            step /= 2.0
            improved = _loss(columns, is_right, coefficients + step, expected)
        if improved > loss or np.abs(step).max() <= _SMALL:
            break
        coefficients, loss = coefficients + step, improved
    return coefficients


def _loss(columns: Numbers, is_right: NDArray[np.bool_], coefficients: Numbers, expected: Numbers) -> float:
    signed = np.where(is_right, -1.0, 1.0) * (columns @ coefficients)
    return float(np.logaddexp(0.0, signed).sum() + _PULL / 2.0 * ((coefficients - expected) ** 2).sum())


def with_constant(inputs: Numbers) -> Numbers:
    return np.concatenate((np.ones((*inputs.shape[:-1], 1)), inputs), axis=-1)


def sigmoid(values: Numbers) -> Numbers:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -40.0, 40.0))), dtype=np.float64)


def member_share(members: Numbers, unsorted: Numbers) -> float:
    """The share of the unsorted that belong to some project, from how both score.

    Above any score there are at least as many unsorted ones as members among them. So the share is at most the smallest
    ratio of the two tails; and as what scores best belongs indeed, it is no less (Blanchard, Lee and Scott, 2010). The
    smallest of several would come out too small by chance, so each is taken at the upper end of its likely range, where
    there are enough examples to afford it.
    """
    if len(members) < _FEWEST or not len(unsorted):
        return _USUAL_SHARE
    marks = np.quantile(members, np.linspace(0.0, 1.0 - min(0.9, max(0.1, _FEWEST / len(members))), 10))
    of_members = (members[:, None] >= marks).sum(axis=0)
    of_unsorted = np.maximum((unsorted[:, None] >= marks).sum(axis=0), 1)
    ratio = (of_unsorted / len(unsorted)) / (of_members / len(members))
    doubt = float(np.clip((len(members) - _FEW) / (_MANY - _FEW), 0.0, 1.0))
    likely = ratio * (1.0 + doubt * np.sqrt(1.0 / of_unsorted + 1.0 / of_members))
    return float(np.clip(likely.min(), 1.0 / len(unsorted), 1.0))


def ceiling(examples: int) -> float:
    """How sure anybody can be who has seen so many examples, all of them right: the lower end of Wilson's interval."""
    return min(_NEVER_SURE, examples / (examples + _CAUTION**2))


def threshold(probabilities: Numbers, precision: float, examples: Numbers, ceiling: float = _NEVER_SURE) -> float:
    """The lowest probability from which on `precision` of these conversations are right, if the probabilities are.

    They were learned from examples, whose own probabilities `examples` are. The fewer of these are above a threshold,
    the better the average above it has to look. `ceiling` is how sure anybody can be, whatever it looks like.
    """
    if not len(probabilities):
        return NEVER
    reached = np.sort(probabilities)[::-1]
    share = np.cumsum(reached) / np.arange(1, len(reached) + 1)
    above = len(examples) - np.searchsorted(np.sort(examples), reached)
    looks = np.minimum(share / max(ceiling, _SMALL), 1.0)
    doubt = _MARGIN * np.sqrt(looks * (1.0 - looks) / np.maximum(above, 1))
    is_last_of_equals = np.append(reached[1:] < reached[:-1], True)
    is_kept = (share >= precision) & (looks - doubt >= precision)
    places = np.flatnonzero(is_kept & (reached >= _LEAST) & is_last_of_equals)
    return float(reached[places[-1]]) if len(places) else NEVER
