"""What conversations mean, for the local judge: their beginnings, embedded when asked and not kept.

No archive comes in with this: the process that teaches needs nothing else of the stages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from commonplace.categorize.contract import Directions, Subject
from commonplace.categorize.local.directions import ANSWERED, ASKED
from commonplace.categorize.local.fields import SAYING
from commonplace.meaning.contract import Embedder, Floats
from commonplace.meaning.passages import Said, passages
from commonplace.meaning.registry import free_embedder_of_its_own

READ = 2_000
"""Characters of what one side said that are cut into passages here."""
LOOKED_THROUGH = 100
"""Passages of each side."""
LENGTH = 256

Piece = tuple[str | None, int | None, Floats]
"""Who said it (nobody: the title), in which message, and where it points."""


class EmbeddedMeaning:
    """Of any conversations. In another process it has an embedder of its own, and whatever is asked is embedded."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return _of_its_own, ()

    @property
    def key(self) -> str:
        return self._embedder.key

    def of(self, subjects: Sequence[Subject]) -> Directions:
        return gathered(self.pieces(subjects))

    def pieces(self, subjects: Sequence[Subject]) -> Sequence[Iterable[Piece]]:
        """What each begins with, in order."""
        longest = self._embedder.longest
        cut = [[*_title(each, longest), *_beginning(each, longest)] for each in subjects]
        rows = iter(self._embedder.embed([text for pieces in cut for _, _, text in pieces]))
        return [[(role, message, next(rows)) for role, message, _ in pieces] for pieces in cut]


def _of_its_own() -> EmbeddedMeaning:
    return EmbeddedMeaning(free_embedder_of_its_own())


def gathered(found: Sequence[Iterable[Piece]]) -> Directions:
    """The directions of conversations from those of their passages, in order."""
    parts = Directions(*(np.zeros((len(found), LENGTH), dtype=np.float32) for _ in range(3)))
    for row, pieces in enumerate(found):
        first, said = None, {"user": 0, "assistant": 0}
        for role, message, direction in pieces:
            if role is None:
                parts.opening[row] += direction
                continue
            said[role] += 1
            if role == "assistant":
                parts.answered[row] += direction * (said[role] <= ANSWERED)
            elif said[role] <= ASKED:
                first = message if first is None else first
                parts.asked[row] += direction
                parts.opening[row] += direction * (message == first)
    return parts


def _title(subject: Subject, longest: int) -> Iterator[tuple[str | None, int | None, str]]:
    return ((None, None, passage.text) for passage in passages(subject.title, (), longest=longest))


def _beginning(subject: Subject, longest: int) -> Iterator[tuple[str | None, int | None, str]]:
    """The first passages of each side, as `beginnings` has those that are stored."""
    for role, most in (("user", ASKED), ("assistant", ANSWERED)):
        turns = ((place, turn) for place, turn in enumerate(subject.turns) if turn.role == role)
        said = (Said(place, turn.text[:READ]) for place, turn in turns)
        first = list(islice(passages(None, said, longest=longest), LOOKED_THROUGH))
        best = sorted(range(len(first)), key=lambda place: (len(first[place].text) < SAYING, place))[:most]
        for place in sorted(best):
            yield role, first[place].message_key, first[place].text
