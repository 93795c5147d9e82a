"""Searching with whatever is there: words always, meaning where something is embedded and the model can be asked."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from commonplace.archive.schema import vector_kinds
from commonplace.archive.search import search as found
from commonplace.archive.search.search import Mode, SearchResult
from commonplace.errors import CommonplaceError, Refused
from commonplace.session import Session

if TYPE_CHECKING:
    from commonplace.archive.search.passages import Floats, Kind
    from commonplace.meaning.contract import Embedder

COVERED = 0.9
"""The share of conversations that a new kind of vectors must have before it takes the place of an older one."""


class Searcher:
    """Searches one session's archive, for any number of threads. The model is loaded by the first who needs it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._opening = threading.Lock()
        self._embedders: dict[str, Embedder] = {}

    def search(self, text: str, *, mode: Mode = "hybrid", **asked: Any) -> SearchResult:
        """As `archive.search`, in every mode. What cannot be looked for by meaning is looked for by words, and told."""
        notes: list[str] = []

        def direction(said: str) -> tuple[Kind, Floats] | None:
            try:
                return self.direction(said)
            except CommonplaceError as error:
                notes.append(f"Nothing was looked for by meaning: {error}")
                return None

        result = found.search(self._session.archive, text, mode=mode, direction=direction, **asked)
        return msgspec.structs.replace(result, note=" ".join(notes))

    def get_ready(self) -> None:
        """Load the model beside whatever goes on, if there is one, so that the first search need not."""
        if not self._embedders:
            threading.Thread(target=self._load, name="get ready", daemon=True).start()

    def similar(self, id: str, **asked: Any) -> SearchResult:
        """The conversations nearest to one."""
        served = self._serving()
        if served is None:
            raise Refused("Nothing has been embedded yet.", hint="Run `commonplace embed`.")
        return found.similar(self._session.archive, served[0], id, **asked)

    def direction(self, text: str) -> tuple[Kind, Floats] | None:
        """Where a text points, in the kind of vectors that is searched; None where there is none, or no direction."""
        served = self._serving()
        if served is None:
            return None
        kind, embedder = served
        from commonplace.meaning.questions import direction_of

        row = direction_of(embedder, text)
        return (kind, row) if row.any() else None

    def close(self) -> None:
        for embedder in self._embedders.values():
            embedder.close()

    def _load(self) -> None:
        with suppress(CommonplaceError):
            self.direction("a")

    def _serving(self) -> tuple[Kind, Embedder] | None:
        """The kind that is searched: that of the settings, once it covers enough, else the one that covers most."""
        archive, model = self._session.archive, self._session.settings.meaning.model
        with archive.look() as connection:
            query = select(vector_kinds.c.key).where(vector_kinds.c.owner == archive.owner).limit(1)
            if not model or connection.execute(query).first() is None:
                return None
        from commonplace.archive.search.passages import coverage, kinds

        wanted = self._embedder(model)
        there = kinds(archive)
        covered = {kind.kind: coverage(archive, kind) if len(there) > 1 else 1.0 for kind in there}
        there.sort(key=lambda kind: (kind.kind == wanted.key and covered[kind.kind] >= COVERED, covered[kind.kind]))
        for kind in reversed(there):
            embedder = wanted if kind.kind == wanted.key else self._embedder_of(kind.kind)
            if embedder is not None:
                return kind, embedder
        return None

    def _embedder_of(self, kind: str) -> Embedder | None:
        """The model that made a kind of vectors, if it is still to be had."""
        from commonplace.meaning.registry import model_of

        embedder = self._embedder(model_of(kind))
        return embedder if embedder.key == kind else None

    def _embedder(self, model: str) -> Embedder:
        from commonplace.meaning.registry import open_embedder

        with self._opening:
            if model not in self._embedders:
                self._embedders[model] = open_embedder(model, self._session.settings, self._session.environment)
            return self._embedders[model]
