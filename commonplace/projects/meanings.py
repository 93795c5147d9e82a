"""What projects mean, in the space of the conversations' vectors: evidence beside their words, where there is any."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from commonplace.projects.similarity import Floats

ENOUGH = 0.9
"""The share of conversations that must have a vector before meaning is learned from."""


class Meanings(msgspec.Struct, frozen=True):
    """The direction of each project's conversations, seen from the centre of all: without that, every embedding is
    like every other."""

    centre: Floats
    directions: Floats

    @classmethod
    def of(cls, rows: Floats, owners: NDArray[np.int64], count: int) -> Meanings:
        """Of `count` projects; `owners` says whose each row is."""
        is_known = rows.any(axis=1)
        centre = rows[is_known].mean(axis=0) if is_known.any() else np.zeros(rows.shape[1], dtype=np.float32)
        sums = np.zeros((count, rows.shape[1]), dtype=np.float32)
        np.add.at(sums, owners[is_known], _unit(rows[is_known] - centre))
        return cls(centre.astype(np.float32), _unit(sums))

    def likeness(self, rows: Floats) -> Floats:
        """Of each row to each project: 1 is the same direction; 0 where either is not known."""
        if rows.shape[1] != len(self.centre):
            return np.zeros((len(rows), len(self.directions)), dtype=np.float32)
        seen = _unit(rows - self.centre) * np.any(rows, axis=1, keepdims=True)
        return np.asarray(seen @ self.directions.T, dtype=np.float32)


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units: Floats = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-6)
    return units
