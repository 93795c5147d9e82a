"""Texts as the numbers of word pieces: what SentencePiece's unigram model does, for this model's vocabulary.

No piece reaches over a space, so each word is cut by itself, and the commonest are remembered.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import chain

import numpy as np

UNKNOWN, BEGIN, END = 0, 1, 2
_SPACE = "\u2581"
_REMEMBERED = 30_000
_IMPOSSIBLE = -1e38
_LESS_LIKELY = 10.0
"""By how much the logarithm of an unknown character's likelihood lies below the rarest piece's."""


class Pieces:
    """A vocabulary and how likely each of its pieces is."""

    def __init__(self, model: bytes) -> None:
        pieces, self._likelihood = _read(model)
        self._number = {piece: number for number, piece in enumerate(pieces)}
        self._longest = {piece[:1]: len(piece) for piece in sorted(pieces, key=len)}
        """By first character, the length of the longest piece that begins with it."""
        self._unlikely = min(self._likelihood) - _LESS_LIKELY
        self._word = lru_cache(_REMEMBERED)(self._cut)

    def __call__(self, text: str) -> list[int]:
        """The pieces of a text that have the greatest likelihood together, between marks of its beginning and end."""
        words = unicodedata.normalize("NFKC", text).split()
        inside = chain.from_iterable(self._word(_SPACE + word) for word in words) if words else (UNKNOWN,)
        return [BEGIN, *inside, END]

    def _cut(self, word: str) -> list[int]:
        """Viterbi's algorithm: the best way to reach each place in the word, from left to right."""
        size = len(word)
        best, came_from, by = [0.0] + [_IMPOSSIBLE] * size, [0] * (size + 1), [UNKNOWN] * (size + 1)
        for start in range(size):
            so_far = best[start]
            for stop in range(start + 1, min(size, start + self._longest.get(word[start], 0)) + 1):
                piece = self._number.get(word[start:stop])
                if piece is not None and so_far + self._likelihood[piece] > best[stop]:
                    best[stop], came_from[stop], by[stop] = so_far + self._likelihood[piece], start, piece
            if word[start] not in self._number and so_far + self._unlikely > best[start + 1]:
                best[start + 1], came_from[start + 1], by[start + 1] = so_far + self._unlikely, start, UNKNOWN
        found, at = [], size
        while at:
            found.append(by[at])
            at = came_from[at]
        return found[::-1]


def unknown(pieces: list[int]) -> float:
    """The share of a text's pieces that the vocabulary does not have."""
    return pieces.count(UNKNOWN) / max(1, len(pieces) - 2)


def _read(model: bytes) -> tuple[list[str], list[float]]:
    """The pieces of a SentencePiece model and their likelihoods: a protobuf message whose field 1 repeats (1: piece,
    2: log-likelihood). The likelihoods are read all at once: there are 128,000 of them, and every first question waits.
    """
    pieces: list[str] = []
    scores: list[int] = []
    at, size = 0, len(model)
    while at < size and model[at] == 0x0A and (length := model[at + 1]) < 0x80:
        score = at + 4 + model[at + 3]
        pieces.append(model[at + 4 : score].decode())
        at += 2 + length
        scores.append(score if score < at and model[score] == 0x15 else -1)
    places = np.array(scores)
    signs = np.frombuffer(model + bytes(5), dtype=np.uint8)[places[:, None] + np.arange(1, 5)]
    likelihoods = np.where(places < 0, 0.0, np.ascontiguousarray(signs).view("<f4")[:, 0])
    return pieces, likelihoods.tolist()
