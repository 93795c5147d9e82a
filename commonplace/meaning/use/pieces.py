"""Texts as the numbers of word pieces: what SentencePiece's unigram model does, for this model's vocabulary.

No piece reaches over a space, so each word is cut by itself, and the commonest are remembered.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain

UNKNOWN, BEGIN, END = 0, 1, 2
_SPACE = "\u2581"
_REMEMBERED = 30_000
_IMPOSSIBLE = -1e38
_LESS_LIKELY = 10.0
"""By how much the logarithm of an unknown character's likelihood lies below the rarest piece's."""


class Pieces:
    """A vocabulary and how likely each of its pieces is."""

    def __init__(self, model: bytes) -> None:
        self._number: dict[str, int] = {}
        self._likelihood: list[float] = []
        self._longest: dict[str, int] = {}
        """By first character, the length of the longest piece that begins with it."""
        for piece, likelihood in _read(model):
            self._number[piece] = len(self._likelihood)
            self._likelihood.append(likelihood)
            self._longest[piece[:1]] = max(len(piece), self._longest.get(piece[:1], 0))
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


def _read(model: bytes) -> Iterator[tuple[str, float]]:
    """The pieces of a SentencePiece model: a protobuf message whose field 1 repeats (1: piece, 2: log-likelihood)."""
    at = 0
    while at < len(model) and model[at] == 0x0A and model[at + 1] < 0x80:
        stop, length = at + 2 + model[at + 1], model[at + 3]
        piece = model[at + 4 : at + 4 + length].decode()
        score = at + 4 + length
        yield piece, struct.unpack_from("<f", model, score + 1)[0] if score < stop and model[score] == 0x15 else 0.0
        at = stop
