"""What conversations mean, for the local judge: read from what was embedded, else embedded now and not kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any

import numpy as np

from commonplace.archive.core import Archive
from commonplace.archive.search import passages as stored
from commonplace.categorize.contract import Directions, Meaning, Subject
from commonplace.categorize.local.directions import ANSWERED, ASKED
from commonplace.errors import CommonplaceError
from commonplace.meaning.contract import Embedder, Floats
from commonplace.meaning.passages import Said, passages
from commonplace.meaning.registry import free_embedder, free_embedder_of_its_own
from commonplace.session import Session

log = logging.getLogger(__name__)
READ = 2_000
"""Characters of what one side said that are cut into passages here."""
LENGTH = 256

Piece = tuple[str | None, int | None, Floats]
"""Who said it (nobody: the title), in which message, and where it points."""


class StoredMeaning:
    """Of conversations of an archive; of those that have not been embedded the beginning is embedded when asked."""

    def __init__(self, embedder: Embedder, archive: Archive | None = None) -> None:
        self._embedder = embedder
        self._archive = archive
        self._kind = stored.kind_named(archive, embedder.key) if archive is not None else None

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        """In another process there is no archive: what is asked about there is embedded."""
        return _of_texts_alone, ()

    @property
    def key(self) -> str:
        return self._embedder.key

    def of(self, subjects: Sequence[Subject]) -> Directions:
        known = self._stored(subjects)
        left = [subject for subject in subjects if subject.conversation_id not in known]
        made = dict(zip(map(id, left), self._embedded(left), strict=True))
        return gathered([known.get(each.conversation_id) or made.get(id(each), []) for each in subjects])

    def _stored(self, subjects: Sequence[Subject]) -> dict[str, list[Piece]]:
        if self._archive is None or self._kind is None:
            return {}
        hashes = {subject.conversation_id: subject.content_hash for subject in subjects}
        found: dict[str, list[Piece]] = {}
        for name, places, rows in stored.beginnings(self._archive, self._kind, hashes, most=ASKED):
            found[name] = [(place.role, place.message_key, row) for place, row in zip(places, rows, strict=True)]
        return found

    def _embedded(self, subjects: Sequence[Subject]) -> list[list[Piece]]:
        longest = self._embedder.longest
        cut = [[*_title(each, longest), *_beginning(each, longest)] for each in subjects]
        rows = iter(self._embedder.embed([text for pieces in cut for _, _, text in pieces]))
        return [[(role, message, next(rows)) for role, message, _ in pieces] for pieces in cut]


def _of_texts_alone() -> StoredMeaning:
    return StoredMeaning(free_embedder_of_its_own())


def meaning_for(session: Session) -> Meaning | None:
    """None where the settings want words alone, or the model is not there: then the judge goes by words, and it is
    logged why."""
    if not session.settings.meaning.model:
        return None
    embedder = _usable()
    return StoredMeaning(embedder, session.archive) if embedder is not None else None


@cache
def _usable() -> Embedder | None:
    try:
        return free_embedder()
    except CommonplaceError as error:
        log.warning("Conversations are sorted by their words alone: %s", error)
        return None


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
    """The first passages of each side."""
    for role, most in (("user", ASKED), ("assistant", ANSWERED)):
        turns = ((place, turn) for place, turn in enumerate(subject.turns) if turn.role == role)
        said = (Said(place, turn.text[:READ]) for place, turn in turns)
        for passage in islice(passages(None, said, longest=longest), most):
            yield role, passage.message_key, passage.text
