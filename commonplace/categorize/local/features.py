"""From fields of text to numbers: hashed words, word pairs and character runs by their rarity, lexicon groups, hints.

Written by hand rather than taken from scikit-learn because a word's features never change: they are computed once and
looked up afterwards, which is several times faster, and the whole state is one array that any version can read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
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
Parts = npt.NDArray[np.int8]

WORD_BITS, RUN_BITS, FEATURE_BITS, FIELD_BITS = 18, 19, 20, 2
WORDS, RUNS = 1 << WORD_BITS, 1 << RUN_BITS
HASHED = WORDS + RUNS
RUN_LENGTHS = range(2, 5)
SHARE_OF_LEXICON = 0.2
"""How the lexicon's numbers weigh against the words' own; the same below for the hints."""
SHARE_OF_HINTS = 0.1
FIELDS = 1 << FIELD_BITS
TOGETHER = 32
"""Documents that are counted at once: NumPy takes as long to be called as to count a short one. Keys of 32 bits have
room for 512."""
_REMEMBERED = 50_000
"""Words, at half a kilobyte each."""
_LONGEST_WORD = 40


class Word(msgspec.Struct, frozen=True):
    """What a word contributes, wherever it stands."""

    hashed: bytes
    """Its features, as an array has them: those of many words are joined at once."""
    groups: tuple[tuple[int, ...], ...]
    root: str
    """As phrases of the lexicon have it."""
    said: bytes
    before: int
    """The checksum of the word and a space, which that of a pair goes on from."""


class Vector(msgspec.Struct, frozen=True):
    """A document: hashed features (not yet weighed by rarity), the lexicon's groups, then its numbers and the hints."""

    hashed: Ints
    """Ascending. What several fields have stands there for each."""
    parts: Parts
    """Of each, in which field it is and whether it is a run: 0 a word of the first, 1 a run of the first, and so on."""
    counts: Floats
    """How much each counts in its field."""
    groups: Floats
    """How much there is of each."""
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
        self._known: dict[str, Word] = {}
        self._sets = sorted(set(self._lexicon.sets))
        belongs = [[float(name == one) for one in self._sets] for name in self._lexicon.sets]
        self._to_sets = np.array(belongs, dtype=np.float32)
        self._silence = np.zeros(self.dense_size, dtype=np.float32)

    @property
    def dense_size(self) -> int:
        return (FIELDS + 2) * len(self._lexicon.groups) + 2 * len(self._sets) + hints.COUNT

    def vector(self, fields: Fields) -> Vector:
        return self._together([fields])[0]

    def vectors(self, many: Sequence[Fields]) -> Iterator[Sequence[Vector]]:
        """Of many documents, some at a time."""
        return (self._together(many[start : start + TOGETHER]) for start in range(0, len(many), TOGETHER))

    def _together(self, many: Sequence[Fields]) -> list[Vector]:
        texts = [text for fields in many for text in (fields.title, fields.first, fields.later, fields.answers)]
        told = [[self.of(word) for word in words_of(text)] for text in texts]
        groups = np.array([self._groups(words) for words in told], dtype=np.float32).reshape(len(many), FIELDS, -1)
        seen = np.stack([hints.hints_of(fields) for fields in many]) * np.float32(SHARE_OF_HINTS)
        total = groups.sum(axis=1)
        dense = np.concatenate([self._dense(groups, total), seen], axis=1)
        return list(map(Vector, *zip(*_counted(told), strict=True), total, dense))

    def plain(self, text: str) -> Vector:
        """A text that is no conversation: it fills one field, and the lexicon says nothing of it."""
        told = [self.of(word) for word in words_of(text)]
        [counted] = _counted([told, *[[]] * (FIELDS - 1)])
        return Vector(*counted, self._silence[: len(self._lexicon.groups)], self._silence)

    def by_mention(self, dense: Floats, pull: Floats) -> Floats:
        """What each mention of a lexicon group adds, where `pull` is what each dense number does; a row for each
        document."""
        parts, groups = FIELDS + 2, len(self._lexicon.groups)
        told, pulled = (numbers[:, : parts * groups].reshape(-1, parts, groups) for numbers in (dense, dense * pull))
        mentions = np.expm1(told[:, FIELDS] / np.float32(SHARE_OF_LEXICON))
        found: Floats = pulled.sum(axis=1) / np.maximum(mentions, np.float32(1e-9))
        return found

    def of(self, word: str) -> Word:
        """What a folded word contributes."""
        known = self._known.get(word)
        if known is None:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            known = self._known[word] = self._learn(word)
        return known

    def _groups(self, told: Sequence[Word]) -> list[float]:
        """How much of each group some words in a row mention."""
        mentions = [found for word in told for found in word.groups]
        mentions += self._lexicon.of_phrases([word.root for word in told])
        amounts = [0.0] * len(self._lexicon.groups)
        for found in mentions:
            for group in found:
                amounts[group] += 1 / len(found)
        return amounts

    def _learn(self, word: str) -> Word:
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
        words = [crc32(piece.encode()) % WORDS for piece in [*pieces, *signs, *forms]]
        said = word.encode()
        return Word(
            hashed=np.array([*words, *(WORDS + crc32(run.encode()) % RUNS for run in runs)], dtype=np.int32).tobytes(),
            groups=tuple(groups),
            root=root,
            said=said,
            before=crc32(said + b" "),
        )

    def _dense(self, groups: Floats, total: Floats) -> Floats:
        amount = np.maximum(total.sum(axis=1, keepdims=True), np.float32(1))
        by_set = total @ self._to_sets
        # by_mention reads them in this order
        parts = [np.log1p(groups).reshape(len(groups), -1), np.log1p(total), total / amount]
        parts += [np.log1p(by_set), by_set / amount]
        return np.concatenate(parts, axis=1) * np.float32(SHARE_OF_LEXICON)


def _counted(texts: Sequence[Sequence[Word]]) -> Iterator[tuple[Ints, Parts, Floats]]:
    """Of each document, to which so many texts belong as there are fields: its distinct features, their parts, and
    sublinear counts, since a word said ten times tells little more than one said thrice."""
    place = np.arange(len(texts), dtype=np.int32)
    begins = place // FIELDS << FEATURE_BITS + FIELD_BITS | place % FIELDS
    pairs = [[crc32(other.said, one.before) % WORDS for one, other in pairwise(words)] for words in texts]
    alone = [b"".join([word.hashed for word in words]) for words in texts]
    every = np.fromiter(chain.from_iterable(pairs), dtype=np.int32)
    every = np.concatenate([every, np.frombuffer(b"".join(alone), dtype=np.int32)]) << FIELD_BITS
    every |= np.repeat([begins, begins], [*map(len, pairs), *(len(each) // every.itemsize for each in alone)])
    every.sort()
    edges = _edges(every)
    first = every[edges[:-1]]
    hashed = first >> FIELD_BITS & (1 << FEATURE_BITS) - 1
    parts = ((first & FIELDS - 1) << 1 | (hashed >= WORDS)).astype(np.int8)
    times = np.diff(edges)
    sublinear = (1 + np.log(np.arange(1, times.max(initial=1) + 1))).astype(np.float32)
    found = hashed, parts, sublinear.take(times - 1)
    ends = np.searchsorted(first, [*begins[::FIELDS], np.iinfo(np.int32).max])
    return (tuple(numbers[start:end] for numbers in found) for start, end in pairwise(ends.tolist()))


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
            texts += len(np.unique(vector.parts)) // 2
            np.add.at(frequency, vector.hashed, 1)
        kept = np.flatnonzero(frequency >= at_least)
        place = np.full(HASHED, -1, dtype=np.int32)
        place[kept] = np.arange(len(kept), dtype=np.int32)
        rarity = np.log((1 + texts) / (1 + frequency[kept])) + 1
        return cls(place, rarity.astype(np.float32))

    def extended(self, vectors: Iterable[Vector]) -> Space:
        """With columns behind the others for features that are new to it, each as rare as the rarest that it knows."""
        seen = np.zeros(HASHED, dtype=bool)
        for vector in vectors:
            seen[vector.hashed] = True
        new = np.flatnonzero(seen & (self.place < 0))
        place = self.place.copy()
        place[new] = np.arange(self.size, self.size + len(new), dtype=np.int32)
        rarest = self.rarity.max(initial=1.0)
        return Space(place, np.concatenate([self.rarity, np.full(len(new), rarest, dtype=np.float32)]))

    @property
    def size(self) -> int:
        return len(self.rarity)

    def weigh(self, vector: Vector) -> Weighed:
        """The words of its fields, each of length one, and together of length one; and the runs likewise."""
        return self.weigh_each([vector])[0]

    def weigh_each(self, vectors: Sequence[Vector]) -> list[Weighed]:
        """Of several at once, which is several times as fast."""
        columns, weights, ends = self._weighed(vectors)
        parts = [slice(*each) for each in pairwise(ends.tolist())]
        return [Weighed(columns[at], weights[at], v.dense) for at, v in zip(parts, vectors, strict=True)]

    def weigh_all(self, vectors: Sequence[Vector]) -> Any:
        """The words and runs of many at once, a sparse row for each."""
        from scipy.sparse import csr_array  # type: ignore[import-untyped]

        columns, weights, ends = self._weighed(vectors)
        return csr_array((weights, columns, ends), shape=(len(vectors), self.size))

    def _weighed(self, vectors: Sequence[Vector]) -> tuple[Ints, Floats, Ints]:
        """Columns, weights, and where those of each document begin and end."""
        at = self.place.take(np.concatenate([vector.hashed for vector in vectors]))
        known = np.flatnonzero(at >= 0)
        at = at.take(known)
        how = np.concatenate([vector.counts for vector in vectors]).take(known) * self.rarity.take(at)
        parts = np.concatenate([vector.parts for vector in vectors]).take(known)
        whose = np.repeat(np.arange(len(vectors)), [len(vector.hashed) for vector in vectors]).take(known)
        how = _of_length_one(how, 2 * FIELDS * whose + parts)
        first = np.flatnonzero(np.diff(at, prepend=-1) | np.diff(whose, prepend=-1))  # fields that share one adjoin
        summed = np.add.reduceat(how, first) if len(first) else how
        summed = _of_length_one(summed, 2 * whose[first] + parts[first] % 2)
        ends = np.searchsorted(whose[first], np.arange(len(vectors) + 1))
        return at[first], summed, ends.astype(np.int32)


def _of_length_one(weights: Floats, groups: Any) -> Floats:
    """The weights of each group as a vector of length one."""
    lengths = np.sqrt(np.bincount(groups, weights.astype(np.float64) ** 2))
    found: Floats = weights / lengths.astype(np.float32).take(groups)
    return found
