"""How a destination writes exactly once to a service that forgets to answer: the reference, in its shortest form."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from commonplace.destinations.contract import Capabilities, Document, Ledger
from commonplace.destinations.fake.service import FakeService
from commonplace.destinations.fake.settings import RENDERER_VERSION, FakeSettings
from commonplace.errors import Halt, Permanent, Retryable
from commonplace.model import LedgerEntry, Outcome

ABSENT_AT = "absent_at"
REFUSED = "refused"
"""In an intent: the service said no, so nothing is there and nothing has to be looked up."""


class FakeDestination:
    """Writes to a `FakeService`. Another destination with the same service is the next process."""

    def __init__(
        self, settings: FakeSettings, service: FakeService, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.capabilities = Capabilities(renderer_version=RENDERER_VERSION, supports_lookup=settings.supports_lookup)
        self.instance = f"fake:{settings.name}"
        self.settings_hash = "none"
        self.requests_sent = 0
        self.location: str | None = None
        self.service = service
        self._settings = settings
        self._clock = clock

    def check(self) -> list[str]:
        """Always ready."""
        return []

    def write(self, batch: Sequence[Document], ledger: Ledger) -> list[Outcome]:
        before = len(self.service.requests)
        entries = ledger.get([document.conversation.id for document in batch])
        try:
            return [self._write(document, entries.get(document.conversation.id), ledger) for document in batch]
        finally:
            self.requests_sent += len(self.service.requests) - before

    def finish(self, ledger: Ledger) -> None:
        """There is nothing besides the pages."""

    def estimate(self, new: int, pending: int) -> str:
        return f"{pending} requests, {new} of them for new pages"

    def close(self) -> None:
        """Nothing is open."""

    def _write(self, document: Document, entry: LedgerEntry | None, ledger: Ledger) -> Outcome:
        id, input_hash = document.conversation.id, document.input_hash
        page_id = entry.remote_id if entry else None
        if page_id is None and entry and entry.state in ("intent", "uncertain") and REFUSED not in entry.detail:
            found = self.service.find(id) if self._settings.supports_lookup else []
            if not found and not self._may_repeat(entry):
                return self._uncertain(document, ledger, "It is not known whether it was created.", looked=True)
            page_id = next(iter(found), None)
        elif entry and entry.state == "done" and entry.input_hash == input_hash and not document.is_forced:
            return Outcome(conversation_id=id, state="unchanged", remote_id=page_id)
        content = document.conversation.title or ""
        ledger.check()
        ledger.intend(id, input_hash, {})
        try:
            if page_id is None:
                page_id, state = self.service.create(id, content), "created"
            else:
                self.service.update(page_id, content)
                state = "updated"
        except TimeoutError:
            return self._uncertain(document, ledger, "The service did not answer.", looked=False)
        except Permanent as exc:
            ledger.fail(id, input_hash, exc.message)
            return Outcome(conversation_id=id, state="failed", reason=exc.message)
        except (Retryable, Halt):
            if page_id is None:
                ledger.intend(id, input_hash, {REFUSED: True})
            raise
        ledger.done(id, input_hash, page_id)
        return Outcome(conversation_id=id, state="created" if state == "created" else "updated", remote_id=page_id)

    def _may_repeat(self, entry: LedgerEntry) -> bool:
        """Absent now and absent a while ago: it was never carried out."""
        absent_at = entry.detail.get(ABSENT_AT)
        waited = self._clock() - absent_at if isinstance(absent_at, int | float) else -1.0
        return self._settings.supports_lookup and waited >= self._settings.lookup_interval_seconds

    def _uncertain(self, document: Document, ledger: Ledger, reason: str, *, looked: bool) -> Outcome:
        id = document.conversation.id
        known = ledger.get([id]).get(id)
        detail = dict(known.detail) if known else {}
        if looked and self._settings.supports_lookup:
            detail.setdefault(ABSENT_AT, self._clock())
        ledger.uncertain(id, document.input_hash, reason, detail)
        return Outcome(conversation_id=id, state="uncertain", reason=reason)


def open_fake(settings: FakeSettings) -> FakeDestination:
    """A destination with a service of its own, which fails as the settings script it."""
    return FakeDestination(settings, FakeService(settings.failures))
