"""The model's forward pass: averaged word pieces and what their neighbours add to them, in numpy.

Each piece's vector of 512 numbers is joined by three of 256, made by two convolutions each over 2, 3 and 5 neighbours;
their sum over a text, divided by the root of its length, goes through a small network. Many texts are computed at
once, one after the other in one matrix with rows of zeros between them, so that no text sees its neighbour.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from commonplace.meaning.contract import Floats, unit

DIMENSIONS = 512
_PARTS, _ROWS, _WIDTH = 17, 7530, 256
"""The table of pieces is stored in parts, each with a scale of its own: piece n is row n // 17 of part n % 17."""
_NEIGHBOURS = ((2, 0), (3, 1), (5, 2))
"""How many are looked at together, and how many of these are to the left."""
_GAP = 2
"""Rows of zeros between texts: as far as a convolution looks."""


class Network:
    """The weights. A part of the table, 4 MB, is unpacked when a piece of it is first seen."""

    def __init__(self, path: Path) -> None:
        self._file = np.load(path, allow_pickle=False)
        self._lock = threading.Lock()
        self._table = np.empty((_PARTS, _ROWS, DIMENSIONS), dtype=np.uint8)
        self._is_there = np.zeros(_PARTS, dtype=bool)
        get = self._file
        self._scale, self._lowest = get["scale"], get["lo"]
        self._epsilon = np.float32(get["eps"])
        beside = [n for n, _ in _NEIGHBOURS]
        self._narrow, self._narrow_bias, self._gain, self._shift = (
            np.concatenate([get[f"{name}{n}"] for n in beside], axis=-1) for name in ("proj", "proj_b", "ln_g", "ln_b")
        )
        self._convolutions = {n: [(get[f"w{k}_{n}"], get[f"b{k}_{n}"]) for k in (1, 2)] for n in beside}
        self._all_gain, self._all_shift = get["ln_g"], get["ln_b"]
        self._sum, self._sum_bias = get["cnn_W"], get["cnn_b"]
        self._d0, self._d1, self._d2, self._d3, self._p1, self._p3 = (
            get[name] for name in ("d0", "d1", "d2", "d3", "p1", "p3")
        )

    def __call__(self, texts: Sequence[Sequence[int]]) -> Floats:
        """A row of length one for each text, given as its pieces; no text is empty."""
        lengths = np.array([len(pieces) for pieces in texts])
        flat = np.concatenate([np.asarray(pieces, dtype=np.int64) for pieces in texts])
        rows = np.arange(len(flat)) + np.repeat(np.arange(len(texts)) * _GAP, lengths)
        pieces = self._vectors(flat)
        narrow = self._normal(pieces @ self._narrow + self._narrow_bias, self._gain, self._shift)
        spaced = np.zeros((len(flat) + _GAP * len(texts), narrow.shape[1]), dtype=np.float32)
        spaced[rows] = narrow
        is_text = np.zeros((len(spaced), 1), dtype=np.float32)
        is_text[rows] = 1
        parts = [pieces]
        for place, (count, left) in enumerate(_NEIGHBOURS):
            beside = spaced[:, place * _WIDTH : (place + 1) * _WIDTH]
            for weights, bias in self._convolutions[count]:
                beside = (beside + _relu(_convolved(beside, weights, left) + bias)) * is_text
            parts.append(beside[rows])
        seen = self._normal(np.concatenate(parts, axis=1), self._all_gain, self._all_shift)
        return self._joined(np.add.reduceat(seen, np.cumsum(lengths) - lengths, axis=0), lengths)

    def _vectors(self, pieces: NDArray[np.int64]) -> Floats:
        part, row = pieces % _PARTS, pieces // _PARTS
        if not self._is_there[part].all():
            with self._lock:
                for missing in np.unique(part[~self._is_there[part]]):
                    self._table[missing] = self._file[f"q{missing + 1}"]
                    self._is_there[missing] = True
        vectors: Floats = self._table[part, row].astype(np.float32)
        vectors *= self._scale[part, None]
        vectors += self._lowest[part, None]
        return vectors

    def _normal(self, rows: Floats, gain: Floats, shift: Floats) -> Floats:
        """Each row with a mean of 0 and a variance of 1, then scaled as was learned."""
        rows -= rows.mean(axis=1, keepdims=True)
        variance = np.einsum("ij,ij->i", rows, rows) / np.float32(rows.shape[1])
        rows *= (1 / np.sqrt(variance + self._epsilon))[:, None]
        rows *= gain
        rows += shift
        return rows

    def _joined(self, sums: Floats, lengths: NDArray[np.int64]) -> Floats:
        count = lengths.astype(np.float32)[:, None]
        text = (sums @ self._sum + count * self._sum_bias) / np.sqrt(count)
        once = _relu(text @ self._p1 + _relu(text @ self._d0) @ self._d1)
        return unit(np.tanh(once @ self._p3 + _relu(once @ self._d2) @ self._d3))


def _convolved(rows: Floats, weights: Floats, left: int) -> Floats:
    """For each row the sum over its neighbours, each multiplied by the weights of its place."""
    count = len(weights) // _WIDTH
    padded = np.zeros((len(rows) + count - 1, _WIDTH), dtype=np.float32)
    padded[left : left + len(rows)] = rows
    total = padded[: len(rows)] @ weights[:_WIDTH]
    for place in range(1, count):
        total += padded[place : place + len(rows)] @ weights[place * _WIDTH : (place + 1) * _WIDTH]
    return total


def _relu(rows: Floats) -> Floats:
    return np.maximum(rows, 0, out=rows)
