"""From scores to probabilities, and from held-out probabilities to the threshold that keeps a promised precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

NEVER = 2.0
"""A threshold that nothing reaches: no assignments yet, only suggestions."""
_STEPS = 40
_PULL = 0.5


def fit(inputs: Numbers, is_right: NDArray[np.bool_], expected: Numbers, weight: Numbers | None = None) -> Numbers:
    """Coefficients (the first is constant) of a logistic model, drawn to `expected` where there is little to learn."""
    coefficients = expected.astype(np.float64).copy()
    columns = with_constant(inputs)
    counted = np.ones(len(columns)) if weight is None else weight
    for _ in range(_STEPS):
        predicted = sigmoid(columns @ coefficients)
        slope = columns.T @ (counted * (is_right - predicted)) - _PULL * (coefficients - expected)
        curve = (columns * (counted * predicted * (1.0 - predicted))[:, None]).T @ columns
        step = np.linalg.solve(curve + _PULL * np.eye(len(coefficients)), slope)
        coefficients += np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-6:
            break
    return coefficients


def with_constant(inputs: Numbers) -> Numbers:
    return np.concatenate((np.ones((*inputs.shape[:-1], 1)), inputs), axis=-1)


def sigmoid(values: Numbers) -> Numbers:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -40.0, 40.0))), dtype=np.float64)


def logit(share: float) -> float:
    bounded = min(max(share, 1e-6), 1.0 - 1e-6)
    return float(np.log(bounded / (1.0 - bounded)))


def share_among(logits: Numbers, taught_share: float) -> float:
    """The share of a kind among conversations that nobody has sorted (Saerens, Latinne and Decaestecker, 2002).

    `logits` say how likely each is of the kind, as learned where `taught_share` were.
    """
    share = taught_share
    for _ in range(200 if len(logits) else 0):
        after = float(sigmoid(logits + logit(share) - logit(taught_share)).mean())
        if abs(after - share) < 1e-5:
            break
        share = after
    return min(max(share, 0.01), 0.99)


def threshold(probabilities: Numbers, is_right: NDArray[np.bool_], weight: Numbers, precision: float) -> float:
    """The lowest probability from which on `precision` of all are right, each counted with its weight.

    What counts is a cautious reading of the held-out ones (the lower end of Wilson's interval, one standard error), so
    few examples promise little: below nine in a row that are right, 0.9 is never promised.
    """
    if not len(probabilities):
        return NEVER
    order = np.argsort(-probabilities, kind="stable")
    reached, ordered = probabilities[order], weight[order]
    total = np.cumsum(ordered)
    right = np.cumsum(np.where(is_right[order], ordered, 0.0))
    counted = total**2 / np.cumsum(ordered**2)
    is_enough = lower_bound(right / total, counted) >= precision
    is_last_of_equals = np.append(reached[1:] < reached[:-1], True)
    places = np.flatnonzero(is_enough & is_last_of_equals)
    return float(reached[places[-1]]) if len(places) else NEVER


def lower_bound(share: Numbers, count: Numbers) -> Numbers:
    """The lower end of Wilson's interval, one standard error wide."""
    middle = share + 0.5 / count
    spread = np.sqrt(share * (1.0 - share) / count + 0.25 / count**2)
    return np.asarray((middle - spread) / (1.0 + 1.0 / count), dtype=np.float64)
