"""What programs read with: one person's archive, and the searcher over it, whose models are loaded once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from commonplace import whose
from commonplace.archive.conversations.reading import has_conversation
from commonplace.archive.search.filters import Filters
from commonplace.archive.search.search import Result
from commonplace.lent import with_borrowed
from commonplace.secret_keys import SecretKeys
from commonplace.session import Session
from commonplace.stages import answering, asking
from commonplace.stages.asking import Answer
from commonplace.stages.searching import Searcher
from commonplace.web.errors import Problem, not_found


class Reader(NamedTuple):
    """One person's."""

    session: Session
    searcher: Searcher
    keys: SecretKeys

    def ask(self, question: str, *, project: str | None = None) -> Answer:
        """An answer with its sources, whole. Nothing is kept of it: whoever may ask may not write."""
        told = self.tell(question, Filters(project=project), is_kept=False)
        if told.error:
            raise Problem(503, "unavailable", told.error)
        return told

    def similar(self, id: str, *, limit: int) -> list[Result]:
        """The conversations nearest to one of this person's."""
        if not has_conversation(self.session.archive, id):
            raise not_found("conversation")
        return self.searcher.similar(id, limit=limit).results

    def borrowing(self) -> Session:
        """What this person works with, and the key that they lent if any is."""
        return with_borrowed(self.session, self.keys)

    def tell(
        self,
        question: str,
        filters: Filters,
        *,
        heard: Callable[[str], object] = lambda piece: None,
        is_kept: bool = True,
    ) -> Answer:
        """An answer by whoever answers here, with the key that this person lent if any is; `heard` is given its pieces.
        It may have broken off."""
        session = self.borrowing()
        model = answering.model_for(session, None, filters.project)
        if not model:
            return asking.quote(session, self.searcher, question, filters=filters)
        with answering.open_answering(session, model, project=filters.project) as using:
            return answering.answer(
                session, self.searcher, using, question, filters=filters, heard=heard, is_kept=is_kept
            )


class Readers:
    """Everybody's, each made when it is first needed."""

    def __init__(self, session: Session, keys: SecretKeys) -> None:
        self._session = session
        self._keys = keys
        self._making = threading.Lock()
        self._by_owner: dict[str, Reader] = {}

    def of(self, owner: str) -> Reader:
        with self._making:
            if owner not in self._by_owner:
                session = whose.of(self._session, owner)
                self._by_owner[owner] = Reader(session, Searcher(session), self._keys)
            return self._by_owner[owner]

    def close(self) -> None:
        for reader in self._by_owner.values():
            reader.searcher.close()
