"""How a destination writes exactly once to a service that forgets to answer: the reference, in its shortest form."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from commonplace.destinations.contract import Capabilities, Continuation, Document, Edit, Ledger
from commonplace.destinations.fake import digest, parts
from commonplace.destinations.fake.service import FakeService
from commonplace.destinations.fake.settings import RENDERER_VERSION, FakeSettings
from commonplace.errors import Halt, Permanent, Retryable
from commonplace.model import LedgerEntry, Message, Outcome
from commonplace.moments import now

ABSENT_AT = "absent_at"


class FakeDestination:
    """Writes to a `FakeService`. Another destination with the same service is the next process."""

    def __init__(
        self, settings: FakeSettings, service: FakeService, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.capabilities = Capabilities(
            renderer_version=RENDERER_VERSION,
            supports_lookup=settings.supports_lookup,
            changes=settings.changes,
            starts_from_baseline=settings.starts_from_baseline,
            supports_pull=True,
            supports_message_pull=True,
            supports_removal=not settings.together,
        )
        self.instance = f"fake:{settings.name}"
        self.settings_hash = "none"
        self.requests_sent = 0
        self.location: str | None = None
        self.service = service
        self._settings = settings
        self._clock = clock

    def check(self, ledger: Ledger) -> list[str]:
        """Always ready."""
        return []

    def estimate(self, new: int, pending: int) -> str:
        return f"{pending} requests, {new} of them for new pages"

    def write(self, batch: Sequence[Document], ledger: Ledger) -> list[Outcome]:
        before = len(self.service.requests)
        entries = ledger.get([document.conversation.id for document in batch])
        one = digest.queue if self._settings.together else self._write
        try:
            return [one(document, entries.get(document.conversation.id), ledger) for document in batch]
        finally:
            self.requests_sent += len(self.service.requests) - before

    def finish(self, outcomes: Sequence[Outcome], ledger: Ledger) -> list[Outcome]:
        before = len(self.service.requests)
        try:
            return digest.send(self.service, ledger) if self._settings.together else []
        finally:
            self.requests_sent += len(self.service.requests) - before

    def pull(self, ledger: Ledger, since: int | None) -> Iterator[Edit]:
        """The titles that people gave to pages."""
        for conversation_id, entry in ledger.remote_ids():
            page = self.service.pages.get(entry.remote_id or "")
            if page and page.edited_title and page.edited_title != entry.detail.get("pulled"):
                yield Edit(conversation_id=conversation_id, field="title", value=page.edited_title, edited_at=now())
                detail = {**entry.detail, "pulled": page.edited_title}
                ledger.done(conversation_id, entry.input_hash, entry.remote_id or "", detail=detail)

    def pull_messages(self, ledger: Ledger, since: int | None) -> Iterator[Continuation]:
        """What is on a page and not of ours, behind what it follows there."""
        for conversation_id, entry in ledger.remote_ids():
            page = self.service.pages.get(entry.remote_id or "")
            ours = {item.remote_id: item.id for item in ledger.items(conversation_id)}
            before: str | None = None
            said: list[Message] = []
            for part in page.parts if page else []:
                id = ours.get(part.id) or f"fake:{part.id}"
                if part.id not in ours:
                    message = Message(id=id, role="user", text=part.text, parent_id=before, created_at=now())
                    said.append(parts.with_digest(message))
                before = id
            if said:
                yield Continuation(conversation_id=conversation_id, messages=said)

    def remove(self, conversation_ids: Sequence[str], ledger: Ledger) -> list[Outcome]:
        outcomes = []
        for conversation_id, entry in ledger.get(conversation_ids).items():
            if entry.remote_id:
                self.service.remove(entry.remote_id)
            ledger.removed(conversation_id)
            outcomes.append(Outcome(conversation_id=conversation_id, state="removed", remote_id=entry.remote_id))
        return outcomes

    def close(self) -> None:
        """Nothing is open."""

    def _write(self, document: Document, entry: LedgerEntry | None, ledger: Ledger) -> Outcome:
        id, can_ask = document.conversation.id, self._settings.supports_lookup
        page_id = entry.remote_id if entry else None
        if entry and entry.state in ("intent", "uncertain"):
            if not can_ask:
                return self._uncertain(document, ledger, "It is not known whether it arrived.", looked=False)
            page_id = page_id or next(iter(self.service.find(id)), None)
            if page_id is None and not self._may_repeat(entry):
                return self._uncertain(document, ledger, "It is not known whether it was created.", looked=True)
        is_there = entry is not None and entry.state == "done" and entry.input_hash == document.input_hash
        if is_there and not (document.is_forced and can_ask):
            return Outcome(conversation_id=id, state="unchanged", remote_id=page_id)
        return self._send(document, page_id, ledger)

    def _send(self, document: Document, page_id: str | None, ledger: Ledger) -> Outcome:
        """Creating is announced, because it cannot be repeated; changing a page can."""
        id, input_hash, is_new = document.conversation.id, document.input_hash, page_id is None
        ledger.check()
        if is_new:
            ledger.intend(id, input_hash, {})
        try:
            page_id = self._bring(document, page_id, ledger)
        except TimeoutError:
            reason = "The service did not answer."
            if is_new:
                return self._uncertain(document, ledger, reason, looked=False)
            return Outcome(conversation_id=id, state="uncertain", remote_id=page_id, reason=reason)
        except Permanent as exc:
            ledger.fail(id, input_hash, exc.message)
            return Outcome(conversation_id=id, state="failed", reason=exc.message)
        except (Retryable, Halt):
            if is_new:
                ledger.refused(id)
            raise
        ledger.done(id, input_hash, page_id)
        return Outcome(conversation_id=id, state="created" if is_new else "updated", remote_id=page_id)

    def _bring(self, document: Document, page_id: str | None, ledger: Ledger) -> str:
        id, content = document.conversation.id, document.conversation.title or ""
        if page_id is None:
            page_id = self.service.create(id, content)
        else:
            self.service.update(page_id, content)
        if self._settings.in_parts:
            parts.bring(self.service, page_id, document.conversation, ledger)
        return page_id

    def _may_repeat(self, entry: LedgerEntry) -> bool:
        """Absent now and absent a while ago: it was never carried out."""
        absent_at = entry.detail.get(ABSENT_AT)
        waited = self._clock() - absent_at if isinstance(absent_at, int | float) else -1.0
        return waited >= self._settings.lookup_interval_seconds

    def _uncertain(self, document: Document, ledger: Ledger, reason: str, *, looked: bool) -> Outcome:
        id = document.conversation.id
        known = ledger.get([id]).get(id)
        detail = dict(known.detail) if known else {}
        if looked:
            detail.setdefault(ABSENT_AT, self._clock())
        ledger.uncertain(id, document.input_hash, reason, detail)
        return Outcome(conversation_id=id, state="uncertain", reason=reason)


def open_fake(settings: FakeSettings) -> FakeDestination:
    """A destination with a service of its own, which fails as the settings script it."""
    return FakeDestination(settings, FakeService(settings.failures))
