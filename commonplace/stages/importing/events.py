"""What came in by webhook, out of the inbox and into the archive: in order, each once, and nothing of it lost.

A delivery is settled after the transaction that merged it. Killed in between, it is merged again: that changes nothing.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import BinaryIO

import msgspec

from commonplace import whose
from commonplace.archive import leases
from commonplace.archive.access import users
from commonplace.archive.conversations import imports
from commonplace.archive.conversations.reading import load_conversation
from commonplace.archive.core import Archive
from commonplace.archive.inbox import Inbox, has_inbox, open_inbox
from commonplace.errors import Defect, Refused
from commonplace.model import Conversation
from commonplace.moments import DAY, now
from commonplace.session import Session
from commonplace.sources.contract import Item, NotAConversation, Received, Sender
from commonplace.sources.registry import SENDERS, sender
from commonplace.stages.importing import pieces
from commonplace.stages.importing.intake import Intake, TextIndex
from commonplace.stages.importing.pieces import event
from commonplace.stages.importing.recognising import recognise
from commonplace.stages.importing.report import Tally
from commonplace.stages.work import leased

MOST_AT_ONCE = 100
MOST_BYTES_OF_FILES = 32 << 20
REPEATS_KNOWN = 30 * DAY
FEW = 25
"""So many conversations are sorted in moments."""


class EventsReport(Tally, kw_only=True):
    """What came of the deliveries."""

    replaced: int = 0
    """Conversations that were assembled from pieces and gave way to the whole."""
    waiting: int = 0
    """Pieces that wait for the whole, and what is left for the next time."""
    unclaimed: list[str] = msgspec.field(default_factory=list)
    """Uids that are nobody's: what came for them is in quarantine."""
    busy: list[str] = msgspec.field(default_factory=list)
    """Owners for whom an import is running: theirs is left for the next time."""
    came: dict[str, list[str]] = msgspec.field(default_factory=dict)
    """By owner, the first of the conversations that were taken in: few enough to be seen to in the same run."""
    seconds: float = 0.0


def receive(session: Session) -> EventsReport:
    """Take in what waits in the inbox, owner by owner."""
    started = time.monotonic()
    report = EventsReport()
    if has_inbox(session.archive):
        with open_inbox(session.archive) as inbox:
            for name in SENDERS:
                for owner, uids in _by_owner(session.archive, inbox, sender(name), report).items():
                    try:
                        _Receiving(session, session.archive.of(owner), inbox, sender(name), uids, report).run()
                    except leases.AlreadyRunning:
                        report.busy.append(owner)
            inbox.forget_done(now() - REPEATS_KNOWN)
            report.waiting = inbox.counts()["waiting"]
    report.seconds = round(time.monotonic() - started, 3)
    return report


def _by_owner(archive: Archive, inbox: Inbox, sending: Sender, report: EventsReport) -> dict[str, list[str]]:
    """For whom there is something to do. The first uid of all is taken for the archive's owner's."""
    found: dict[str, list[str]] = {}
    due = {*inbox.uids(sending.name, sending.wholes)}
    due |= {*inbox.uids(sending.name, sending.pieces, before=now() - pieces.WAIT)}
    for uid in sorted(due):
        owner = users.owner_of_uid(archive, uid)
        if owner is None and not users.is_any_uid_claimed(archive):
            owner = archive.owner
            users.claim_uid(archive, owner, uid)
        if owner is None:
            report.unclaimed.append(uid)
            ids = [entry.id for entry in inbox.waiting(sending.name, [uid], [*sending.wholes, *sending.pieces])]
            inbox.hold_back(ids, f"No user has claimed this uid: commonplace users claim-uid NAME {uid}")
        else:
            found.setdefault(owner, []).append(uid)
    return found


class _Receiving:
    """What waits for one owner."""

    def __init__(
        self,
        session: Session,
        archive: Archive,
        inbox: Inbox,
        sending: Sender,
        uids: Sequence[str],
        report: EventsReport,
    ) -> None:
        self._session = session
        self._archive = archive
        self._inbox = inbox
        self._sender = sending
        self._uids = uids
        self._report = report
        self._batch = Tally()
        self._all = Tally()
        self._under_way: list[tuple[list[int], Conversation]] = []
        self._files: dict[str, bytes] = {}
        self._wholes: list[Conversation] = []

    def run(self) -> None:
        owner, name = self._archive, self._sender.name
        with leased(self._session._replace(archive=owner), leases.importing(owner.owner)) as ours:
            self._archive = ours.archive
            imports.mark_interrupted(self._archive)
            import_id = imports.start(self._archive, name=self._sender.title, signature=f"{name}:{now()}")
            try:
                self._take_in(import_id)
            except BaseException:
                with suppress(Exception):
                    self._finish(import_id, "failed")
                raise
            self._finish(import_id, "completed")
        home = whose.of(self._session, owner.owner).settings.home
        self._report.replaced += pieces.give_way(owner, home, self._sender, self._wholes)

    def _take_in(self, import_id: str) -> None:
        with TextIndex(self._archive) as index:
            intake = Intake(
                self._archive,
                name=self._sender.title,
                import_id=import_id,
                index=index,
                tally=self._batch,
                open_member=self._open,
            )
            for waiting in (self._whole_ones(), self._of_pieces()):
                for first in waiting:
                    intake.run(chain([first], self._until_full(waiting)), self._settle)

    def _finish(self, import_id: str, status: imports.Status) -> None:
        counts = imports.Counts(**{name: getattr(self._all, name) for name in imports.Counts.__struct_fields__})
        imports.finish(
            self._archive, import_id, counts, source=self._sender.name, defects=self._all.defects, status=status
        )
        self._report.include(self._all)

    def _whole_ones(self) -> Iterator[Item]:
        keep_location = self._session.settings.omi.keep_location
        for entry in self._inbox.waiting(self._sender.name, self._uids, self._sender.wholes):
            try:
                received = self._sender.read(event(entry), keep_location=keep_location)
            except NotAConversation as exc:
                yield self._unusable([entry.id], f"{entry.kind} {entry.id}", exc)
                continue
            if received.is_withdrawn:
                self._withdraw(received)
            elif received.unnamed or received.unattributed:
                recognise(self._archive, received)
            yield self._taken([entry.id], entry.uid, received)
            self._wholes.append(msgspec.structs.replace(received.conversation, messages=[]))

    def _of_pieces(self) -> Iterator[Item]:
        """Those that a whole stands for are done with; those for which none has come are assembled after a while."""
        for uid in self._uids:
            entries = list(self._inbox.waiting(self._sender.name, [uid], self._sender.pieces))
            for sitting in pieces.sittings(self._sender, entries):
                ids = [entry.id for entry in sitting]
                whole = pieces.whole_of(self._archive, self._sender, uid, sitting)
                if whole is not None:
                    self._inbox.settle(dict.fromkeys(ids, whole))
                elif now() - sitting[-1].received_at >= pieces.WAIT:
                    try:
                        yield self._taken(ids, uid, self._sender.assemble([event(entry) for entry in sitting]))
                    except NotAConversation as exc:
                        yield self._unusable(ids, f"{sitting[0].kind} {ids[0]}", exc)

    def _until_full(self, waiting: Iterator[Item]) -> Iterator[Item]:
        """Some of these, so that pictures do not fill the memory, and what is done stays done whatever comes next."""
        for item in islice(waiting, MOST_AT_ONCE):
            yield item
            if sum(map(len, self._files.values())) > MOST_BYTES_OF_FILES:
                return

    def _withdraw(self, received: Received) -> None:
        """Of what the archive does not have it takes in nothing; what it has is marked."""
        told = received.conversation
        stored = load_conversation(self._archive, told.id)
        if stored is None:
            told.messages = []
        elif not told.messages:
            told.messages = stored.messages

    def _taken(self, ids: list[int], uid: str, received: Received) -> Conversation:
        received.conversation.extra["uid"] = uid
        self._files.update(received.files)
        self._under_way.append((ids, received.conversation))
        return received.conversation

    def _unusable(self, ids: list[int], item: str, reason: NotAConversation) -> Defect:
        self._inbox.fail(dict.fromkeys(ids, str(reason)))
        return Defect(self._sender.title, item, str(reason))

    def _settle(self) -> None:
        """Everything that was handed on so far is in the archive, or among the defects."""
        wrong = {defect.item: defect.reason for defect in self._batch.defects}
        failed, settled = dict[int, str](), dict[int, str]()
        for ids, conversation in self._under_way:
            if conversation.id in wrong:
                failed |= dict.fromkeys(ids, wrong[conversation.id])
            elif not self._batch.more_defects:  # else it might be one of those: then it waits for the next time
                settled |= dict.fromkeys(ids, conversation.id)
        self._inbox.fail(failed)
        self._inbox.settle(settled)
        if settled:
            came = [*self._report.came.get(self._archive.owner, ()), *settled.values()]
            self._report.came[self._archive.owner] = list(dict.fromkeys(came))[:FEW]
        self._all.include(self._batch)
        self._batch.clear()
        self._under_way.clear()
        self._files.clear()

    def _open(self, member: str) -> BinaryIO:
        if member not in self._files:
            raise Refused("Its bytes did not come with it.")
        return io.BytesIO(self._files[member])
