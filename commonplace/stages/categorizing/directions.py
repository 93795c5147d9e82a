"""What conversations mean, for the local judge, as far as they were embedded: judging works with what is there.

To embed ten passages of each that were not would take thirty times as long as judging it does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import cache

from commonplace.archive.core import Archive
from commonplace.archive.search import passages as stored
from commonplace.categorize.contract import Meaning, Subject
from commonplace.categorize.local.directions import ASKED
from commonplace.categorize.local.fields import SAYING
from commonplace.errors import CommonplaceError
from commonplace.meaning.contract import Embedder
from commonplace.meaning.registry import free_embedder
from commonplace.session import Session
from commonplace.stages.categorizing.embedded import EmbeddedMeaning, Piece

log = logging.getLogger(__name__)


class StoredMeaning(EmbeddedMeaning):
    """Of conversations of an archive that were embedded as they are now. Texts that are in no archive are embedded."""

    def __init__(self, embedder: Embedder, archive: Archive) -> None:
        super().__init__(embedder)
        self._archive = archive
        self._kind = stored.kind_named(archive, embedder.key)

    def pieces(self, subjects: Sequence[Subject]) -> Sequence[Iterable[Piece]]:
        known = self._stored([subject for subject in subjects if subject.conversation_id])
        texts = iter(super().pieces([subject for subject in subjects if not subject.conversation_id]))
        return [known.get(each.conversation_id, []) if each.conversation_id else next(texts) for each in subjects]

    def _stored(self, subjects: Sequence[Subject]) -> dict[str, list[Piece]]:
        if self._kind is None or not subjects:
            return {}
        hashes = {subject.conversation_id: subject.content_hash for subject in subjects}
        found: dict[str, list[Piece]] = {}
        for name, places, rows in stored.beginnings(self._archive, self._kind, hashes, most=ASKED, long=SAYING):
            found[name] = [(place.role, place.message_key, row) for place, row in zip(places, rows, strict=True)]
        return found


def meaning_for(session: Session) -> Meaning | None:
    """None where the settings want words alone, or the model is not there: then the judge goes by words, and it is
    logged why."""
    if not session.settings.meaning.model:
        return None
    embedder = _usable()
    return StoredMeaning(embedder, session.archive) if embedder is not None else None


def embedder_for(session: Session) -> Embedder | None:
    """Who knows what words mean: nobody where nothing was embedded yet."""
    embedder = _usable() if session.settings.meaning.model else None
    is_used = embedder is not None and stored.kind_named(session.archive, embedder.key) is not None
    return embedder if is_used else None


@cache
def _usable() -> Embedder | None:
    try:
        return free_embedder()
    except CommonplaceError as error:
        log.warning("Conversations are sorted by their words alone: %s", error)
        return None
