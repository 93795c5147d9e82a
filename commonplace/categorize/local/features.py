"""From fields of text to numbers: hashed words, word pairs and character runs by their rarity, lexicon groups, hints.

Written by hand rather than taken from scikit-learn because a word's features never change: they are computed once and
looked up afterwards, which is several times faster, and the whole state is one array that any version can read.
"""

from __future__ import annotations

from array import array
from collections import Counter as Occurrences
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from commonplace.categorize.local import hints
from commonplace.categorize.local.fields import Fields
from commonplace.categorize.local.forms import IDEOGRAMS, beginnings, pieces_of, plain, stem, words_of
from commonplace.categorize.local.lexicon import Lexicon, lexicon

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Counts = tuple[Ints, Floats]
"""Hashed features, ascending, and how much each counts."""

WORD_BITS, RUN_BITS = 18, 19
WORDS, RUNS = 1 << WORD_BITS, 1 << RUN_BITS
HASHED = WORDS + RUNS
RUN_LENGTHS = range(2, 5)
SHARE_OF_LEXICON = 0.2
"""How the lexicon's numbers weigh against the words' own; the same below for the hints."""
SHARE_OF_HINTS = 0.1
_REMEMBERED = 50_000
"""Words, at half a kilobyte each."""
_INT = "i"
_LONGEST_WORD = 40
_SHORT = 100
"""Fewer features than this are counted faster one by one."""


class _Word(msgspec.Struct, frozen=True):
    """What a word contributes, wherever it stands."""

    words: array[int]
    runs: array[int]
    groups: tuple[tuple[int, ...], ...]
    root: str
    """As phrases of the lexicon have it."""


class Counted(msgspec.Struct, frozen=True):
    """How often each hashed feature occurs in one text, and how much of each lexicon group."""

    words: Counts
    runs: Counts
    groups: Floats


class Vector(msgspec.Struct, frozen=True):
    """A document: hashed features (not yet weighed by rarity) per field, then the lexicon's numbers and the hints."""

    fields: tuple[Counted, ...]
    dense: Floats


class Weighed(NamedTuple):
    """A document as a model sees it: its columns in a space and their weights, and the dense numbers."""

    columns: Ints
    weights: Floats
    dense: Floats


class Document(msgspec.Struct, frozen=True):
    """One text to learn from. Texts of a group tell much the same, so they are held out together."""

    vector: Vector
    category: int
    weight: float
    group: str = ""
    """Empty: background, which is never held out."""
    direction: Floats | None = None
    """What it means; None where nobody knows, zeros where it says nothing."""


class Counter:
    """Counts features. Remembers words; several threads may share one."""

    def __init__(self, words: Lexicon | None = None) -> None:
        self._lexicon = words or lexicon()
        self._known: dict[str, _Word] = {}
        self._sets = sorted(set(self._lexicon.sets))
        belongs = [[float(name == one) for one in self._sets] for name in self._lexicon.sets]
        self._to_sets = np.array(belongs, dtype=np.float32)
        self._silence = np.zeros(self.dense_size, dtype=np.float32)
        nothing = _counts(array(_INT))
        self._nothing = Counted(nothing, nothing, np.zeros(len(self._lexicon.groups), dtype=np.float32))

    @property
    def dense_size(self) -> int:
        return 6 * len(self._lexicon.groups) + 2 * len(self._sets) + hints.COUNT

    def vector(self, fields: Fields) -> Vector:
        texts = (fields.title, fields.first, fields.later, fields.answers)
        counted = tuple(self.count(text) for text in texts)
        told = self._dense([field.groups for field in counted])
        seen = hints.hints_of(fields) * np.float32(SHARE_OF_HINTS)
        return Vector(counted, np.concatenate([told, seen]))

    def plain(self, text: str) -> Vector:
        """A text that is no conversation: it fills one field, and the lexicon says nothing of it."""
        words = words_of(text)
        return Vector((Counted(*self._hashed(words, map(self._of, words)), self._nothing.groups),), self._silence)

    def extend(self, hashed: array[int], word: str) -> tuple[tuple[int, ...], ...]:
        """Add the hashed features that a word has wherever it stands; its groups of the lexicon."""
        known = self._of(word)
        hashed.extend(known.words)
        hashed.extend(known.runs)
        return known.groups

    def by_mention(self, dense: Floats, pull: Floats) -> Floats:
        """What each mention of a lexicon group adds, where `pull` is what each dense number does."""
        parts, groups = 6, len(self._lexicon.groups)
        told, pulled = (numbers[: parts * groups].reshape(parts, groups) for numbers in (dense, dense * pull))
        mentions = np.expm1(told[4] / np.float32(SHARE_OF_LEXICON))
        found: Floats = pulled.sum(axis=0) / np.maximum(mentions, np.float32(1e-9))
        return found

    def count(self, text: str) -> Counted:
        if not text:
            return self._nothing
        words = words_of(text)
        told = [self._of(word) for word in words]
        mentions = [found for word in told for found in word.groups]
        mentions += self._lexicon.of_phrases([word.root for word in told])
        groups = np.zeros_like(self._nothing.groups)
        for found, times in Occurrences(mentions).items():
            groups[list(found)] += times / len(found)
        return Counted(*self._hashed(words, told), groups)

    def _hashed(self, words: Sequence[str], told: Iterable[_Word]) -> tuple[Counts, Counts]:
        """How often each word or pair of them, and each run of characters, occurs."""
        hashed = array(_INT, [crc32(f"{one} {other}".encode()) % WORDS for one, other in pairwise(words)])
        runs = array(_INT)
        for word in told:
            hashed.extend(word.words)
            runs.extend(word.runs)
        return _counts(hashed), _counts(runs)

    def _of(self, word: str) -> _Word:
        known = self._known.get(word)
        if known is None:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            known = self._known[word] = self._learn(word)
        return known

    def _learn(self, word: str) -> _Word:
        pieces = pieces_of(word)
        groups = [found for piece in pieces for found in self._lexicon.of_word(piece)]
        signs: list[str] = []
        for run in IDEOGRAMS.findall(word):
            found = self._lexicon.of_signs(run)
            groups += [belongs for _, belongs in found]
            signs += [sign for sign, _ in found]
        root = stem(plain(word))
        forms = [] if IDEOGRAMS.search(word) else [*([root] if root != word else []), *beginnings(root)]
        short = word[:_LONGEST_WORD]
        padded = f" {short} "
        runs = [padded[at : at + size] for size in RUN_LENGTHS for at in range(len(padded) - size + 1)]
        return _Word(
            words=array(_INT, [crc32(piece.encode()) % WORDS for piece in [*pieces, *signs, *forms]]),
            runs=array(_INT, [WORDS + crc32(run.encode()) % RUNS for run in runs]),
            groups=tuple(groups),
            root=root,
        )

    def _dense(self, fields: Sequence[Floats]) -> Floats:
        total = np.sum(fields, axis=0)
        amount = max(1.0, float(total.sum()))
        by_set = total @ self._to_sets
        # by_mention reads them in this order
        parts = [*map(np.log1p, fields), np.log1p(total), total / amount, np.log1p(by_set), by_set / amount]
        return np.concatenate(parts).astype(np.float32) * np.float32(SHARE_OF_LEXICON)


def _counts(hashed: array[int]) -> Counts:
    """Distinct features with sublinear counts: a word said ten times tells little more than one said thrice."""
    if not hashed:
        return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)
    if len(hashed) < _SHORT:
        seen = Occurrences(hashed)
        ascending = sorted(seen)
        often = np.array([seen[feature] for feature in ascending], dtype=np.float32)
        return np.array(ascending, dtype=np.int32), 1 + np.log(often)
    every = np.sort(np.frombuffer(hashed, dtype=np.intc))
    edges = _edges(every)
    return every[edges[:-1]].astype(np.int32, copy=False), (1 + np.log(np.diff(edges))).astype(np.float32)


def _edges(ascending: Ints) -> Any:
    """Where each distinct number begins, and where the last one ends. NumPy's `unique` takes twice as long."""
    is_edge = np.ones(len(ascending) + 1, dtype=bool)
    np.not_equal(ascending[1:], ascending[:-1], out=is_edge[1:-1])
    return np.flatnonzero(is_edge)


class Space(msgspec.Struct, frozen=True):
    """Which hashed features count, where they stand, and how much each weighs: learned from texts."""

    place: Ints
    """For each hashed feature its column, or -1."""
    rarity: Floats

    @classmethod
    def learned(cls, vectors: Iterable[Vector], *, at_least: int = 2) -> Space:
        """Features that occur in enough texts; the rarer, the heavier."""
        frequency = np.zeros(HASHED, dtype=np.int32)
        texts = 0
        for vector in vectors:
            for field in vector.fields:
                if len(field.words[0]):
                    texts += 1
                    frequency[field.words[0]] += 1
                    frequency[field.runs[0]] += 1
        kept = np.flatnonzero(frequency >= at_least)
        place = np.full(HASHED, -1, dtype=np.int32)
        place[kept] = np.arange(len(kept), dtype=np.int32)
        rarity = np.log((1 + texts) / (1 + frequency[kept])) + 1
        return cls(place, rarity.astype(np.float32))

    def extended(self, vectors: Iterable[Vector]) -> Space:
        """With columns behind the others for features that are new to it, each as rare as the rarest that it knows."""
        seen = np.zeros(HASHED, dtype=bool)
        for vector in vectors:
            for field in vector.fields:
                seen[field.words[0]] = seen[field.runs[0]] = True
        new = np.flatnonzero(seen & (self.place < 0))
        place = self.place.copy()
        place[new] = np.arange(self.size, self.size + len(new), dtype=np.int32)
        rarest = self.rarity.max(initial=1.0)
        return Space(place, np.concatenate([self.rarity, np.full(len(new), rarest, dtype=np.float32)]))

    @property
    def size(self) -> int:
        return len(self.rarity)

    def weigh(self, vector: Vector) -> Weighed:
        """Words and runs each of length one."""
        columns, weights = [], []
        for kind in ("words", "runs"):
            at, how = self._sum([getattr(field, kind) for field in vector.fields])
            columns.append(at)
            weights.append(how)
        return Weighed(np.concatenate(columns), np.concatenate(weights), vector.dense)

    def weigh_all(self, vectors: Sequence[Vector]) -> Any:
        """The words and runs of many at once, a sparse row for each: one by one would take ten times as long."""
        return self._rows("words", vectors) + self._rows("runs", vectors)

    def _rows(self, kind: str, vectors: Sequence[Vector]) -> Any:
        from scipy.sparse import csr_array  # type: ignore[import-untyped]

        counted: list[Counts] = [getattr(field, kind) for vector in vectors for field in vector.fields]
        at = self.place[np.concatenate([hashed for hashed, _ in counted])]
        known = at >= 0
        how = np.concatenate([counts for _, counts in counted])[known] * self.rarity[at[known]]
        ends = _ends(known)[_ends([len(hashed) for hashed, _ in counted])]
        fields = csr_array((how, at[known], ends), shape=(len(counted), self.size))
        whose = _ends([len(vector.fields) for vector in vectors])
        together = csr_array((np.ones(len(counted), np.float32), np.arange(len(counted), dtype=np.int32), whose))
        return _of_length_one(together @ _of_length_one(fields))

    def _sum(self, fields: Sequence[Counts]) -> Counts:
        """The fields' unit vectors added up, as a unit vector."""
        columns, weights = [], []
        for hashed, counts in fields:
            at = self.place[hashed]
            known = at >= 0
            at, how = at[known], counts[known] * self.rarity[at[known]]
            length = float(np.sqrt(how @ how))
            if length > 0:
                columns.append(at)
                weights.append(how / length)
        if not columns:
            return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)
        if len(columns) == 1:
            return columns[0], weights[0]
        every = np.concatenate(columns)
        ascending = every.argsort(kind="stable")
        every = every[ascending]
        first = _edges(every)[:-1]
        summed: Floats = np.add.reduceat(np.concatenate(weights)[ascending], first)
        return every[first], summed / np.float32(np.sqrt(summed @ summed))


def _ends(lengths: npt.ArrayLike) -> Ints:
    """Where each begins and ends that lies behind the others."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)


def _of_length_one(rows: Any) -> Any:
    """Sparse rows; empty ones stay empty."""
    squares = np.concatenate([[0.0], np.cumsum(rows.data.astype(np.float64) ** 2)])[rows.indptr]
    rows.data /= np.repeat(np.sqrt(np.diff(squares)), np.diff(rows.indptr)).astype(np.float32)
    return rows
