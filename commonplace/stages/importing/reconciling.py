"""What OMI has, against what came in: what its webhooks lost and what was edited there since comes in as well.

OMI drops events while it takes this server for broken, and tells nobody of edits. So its conversations are read again,
window by window, into the inbox, from where everything goes the way of a delivery: merged by `updated_at`, each once.
Where it got to is remembered after each window; the next run goes on from there, and looks back a while.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import msgspec

from commonplace.archive import leases
from commonplace.archive.access import users
from commonplace.archive.care.forget import is_forgotten
from commonplace.archive.conversations.reading import has_conversation
from commonplace.archive.core import Archive
from commonplace.archive.inbox import Delivery, Inbox, open_inbox
from commonplace.archive.memory import recall, remember
from commonplace.archive.rows import batched
from commonplace.config import Environment
from commonplace.errors import CommonplaceError
from commonplace.moments import DAY, HOUR, now, parse, to_iso
from commonplace.omi_api import URL, Account, Listed, OmiApi
from commonplace.session import Session
from commonplace.sources.contract import Event, NotAConversation, Sender
from commonplace.sources.registry import sender
from commonplace.stages.importing import events
from commonplace.stages.importing.events import EventsReport
from commonplace.stages.work import Work, leased

SOURCE, KIND = "omi", "memory"
WINDOW = 30 * DAY
OVERLAP = HOUR
LOOK_BACK = 30 * DAY
FIRST = parse("2024-01-01T00:00:00Z")
"""Before any of OMI's devices."""
AT_ONCE = 20


class ReconcileReport(EventsReport, kw_only=True):
    """What came of it, in the keys of `receive` and these."""

    fetched: int = 0
    """Conversations that OMI showed."""
    until: str = ""
    """Up to when everything was read."""
    stopped: str | None = None
    hint: str | None = None
    errors: list[str] = msgspec.field(default_factory=list)


def account_of(environment: Environment) -> Account:
    """Whose conversations are read."""
    return Account(
        key=environment.get("OMI_API_KEY") or "",
        base_url=environment.get("OMI_BASE_URL") or URL,
        recovery_key=environment.get("OMI_RECOVERY_KEY") or "",
    )


def reconcile(session: Session, *, work: Work, since: int | None = None, until: int | None = None) -> ReconcileReport:
    """Take in what OMI has that is missing here or older. What was read before it had to stop comes in too."""
    started = time.monotonic()
    told = ReconcileReport()
    with leased(session, leases.reconciling(session.archive.owner)) as ours:
        try:
            with OmiApi(account_of(session.environment)) as api, open_inbox(session.archive) as inbox:
                _Reconciling(ours.archive, api, inbox, told).run(work, since, until)
        except CommonplaceError as error:
            told.stopped, told.hint = error.message, error.hint
    received = msgspec.structs.asdict(events.receive(session))
    own = {name: getattr(told, name) for name in ("fetched", "until", "stopped", "hint", "errors")}
    return ReconcileReport(**received | own | {"seconds": round(time.monotonic() - started, 3)})


def windows(since: int, until: int) -> Iterator[tuple[int, int]]:
    """The same ones whenever they are asked for, so that what is read again is asked for in the same words."""
    start = since - since % WINDOW
    while start < until:
        yield start, start + WINDOW
        start += WINDOW


class _Reconciling:
    """One owner's conversations."""

    def __init__(self, archive: Archive, api: OmiApi, inbox: Inbox, report: ReconcileReport) -> None:
        self._archive, self._api, self._inbox, self._report = archive, api, inbox, report
        self._sender: Sender = sender(SOURCE)
        self._uid = _uid_of(archive)
        self._mark = f"{SOURCE}-reconciled:{archive.owner}"

    def run(self, work: Work, since: int | None, until: int | None) -> None:
        known = int(recall(self._archive, self._mark) or FIRST)
        begin = since if since is not None else max(FIRST, min(known, now()) - LOOK_BACK)
        end = min(until or now(), now())
        planned = list(windows(begin, end))
        for done, (start, stop) in enumerate(planned):
            work.show("months", done, len(planned))
            self._read(start - OVERLAP, stop)
            reached = min(stop, end)
            self._report.until = to_iso(reached) or ""
            if begin <= known < reached:
                known = reached
                remember(self._archive, self._mark, str(reached))
        work.show("months", len(planned), len(planned))

    def _read(self, start: int, stop: int) -> None:
        for batch in batched(self._api.conversations(start, stop), AT_ONCE):
            self._store(batch)

    def _store(self, batch: Sequence[Listed]) -> None:
        """Into the inbox, which knows what it has had; what the archive lost meanwhile comes in again all the same."""
        moment = now()
        deliveries = [
            Delivery(source=SOURCE, kind=KIND, uid=self._uid, body=listed.body, received_at=moment) for listed in batch
        ]
        self._inbox.put(deliveries)
        self._inbox.put_again([delivery for delivery in deliveries if self._is_missing(delivery)])
        self._report.fetched += len(batch)

    def _is_missing(self, delivery: Delivery) -> bool:
        event = Event(kind=KIND, uid=delivery.uid, body=delivery.body, received_at=delivery.received_at)
        try:
            told = self._sender.read(event, keep_location=False).conversation
        except NotAConversation:
            return False
        return not has_conversation(self._archive, told.id) and not is_forgotten(self._archive, told.id)


def _uid_of(archive: Archive) -> str:
    """The owner's, as its webhooks name it; before any did, one that stands for it and that no webhook can name."""
    if known := users.uids_of(archive, archive.owner):
        return sorted(known)[0]
    uid = f"{users.OF_API}{archive.owner}"
    users.claim_uid(archive, archive.owner, uid)
    return uid
