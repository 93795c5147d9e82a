"""Write what the archive holds to a destination: only what is not there yet as it is now (pending.py)."""

from __future__ import annotations

from itertools import islice
from typing import Any, cast

import msgspec

from commonplace.archive import leases
from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations.contract import Previews
from commonplace.errors import Refused
from commonplace.model import Outcome
from commonplace.session import Session
from commonplace.stages.selection import Selection, slices
from commonplace.stages.syncing.beginning import begin, foresee
from commonplace.stages.syncing.pending import Pending, Wishes
from commonplace.stages.syncing.pull import can_pull
from commonplace.stages.syncing.report import Plan, SyncReport
from commonplace.stages.syncing.writing import (
    Syncing,
    Written,
    documents_of,
    finish,
    open_syncing,
    pull_changes,
    write_chunk,
)
from commonplace.stages.work import IN_PROCESS, Chunk, Work, leased, telling, through

MOST_SHOWN = 50
"""Messages of a preview."""


def sync(
    session: Session,
    destination: str,
    selection: Selection = Selection(),
    wishes: Wishes = Wishes(),
    *,
    work: Work = IN_PROCESS,
) -> SyncReport:
    """Bring conversations to a destination, by its name in the settings."""
    report = SyncReport(destination=destination)
    with (
        telling(report),
        open_syncing(session, destination) as opened,
        leased(session, leases.syncing(session.archive.owner, opened.destination.instance)) as ours,
    ):
        using = msgspec.structs.replace(opened, archive=ours.archive)
        write_pending(using, report, selection, wishes, work=work)
    return report


def write_pending(
    using: Syncing,
    report: SyncReport,
    selection: Selection = Selection(),
    wishes: Wishes = Wishes(),
    *,
    work: Work = IN_PROCESS,
) -> None:
    """What people changed there comes back, before anything is written over it; then everything that is pending."""
    if wishes.adopt:
        ArchiveLedger(using.archive, using.destination.instance).adopt(wishes.adopt)
    if can_pull(using.destination):
        pulled = work.do(pull_changes, using)
        report.requests += pulled.requests
        report.include(pulled)
    if wishes.pull_only:
        return
    beginning = begin(using.archive, using.destination, selection, using.rules, wishes)
    report.start(beginning)
    _require_word(using, len(beginning.waiting), wishes)
    outcomes: list[Outcome] = []

    def add(_: Chunk, written: Written | None) -> None:
        if written is not None:
            outcomes.extend(written.outcomes)
            report.add(written.outcomes)
            report.requests += written.requests
            report.count(written.figures)

    chunks = _chunks(beginning.waiting, using.destination.capabilities.writers)
    label = f"sync-{report.destination}"
    try:
        through(work, write_chunk, using, chunks, label=label, on_end=add, errors=report.errors, force=selection.force)
        if not beginning.is_idle:
            add([], work.do(finish, using, outcomes=_plain(outcomes)))
    finally:
        if report.created or report.updated:
            report.location = using.destination.location


def _chunks(waiting: list[Pending], writers: int) -> list[list[str]]:
    """Oldest first; for several writers the longest first, so that those of a chunk are done at about the same time."""
    ordered = sorted(waiting, key=lambda item: -item.messages) if writers > 1 else waiting
    return slices([item.conversation_id for item in ordered], rounds_of=writers)


def _require_word(using: Syncing, waiting: int, wishes: Wishes) -> None:
    """Refused where each would be a message to somebody who did not expect so many."""
    most = using.destination.capabilities.most_at_once
    if most is not None and waiting > most and not wishes.agreed:
        raise Refused(
            f"That would be {waiting:,} messages, and more than {most:,} are sent only if you say so.",
            hint="Look with --dry-run, then add --yes; or send some of them with --limit.",
        )


def _plain(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    plain: list[dict[str, Any]] = msgspec.to_builtins(outcomes)
    return plain


def preview(session: Session, destination: str, selection: Selection = Selection(), wishes: Wishes = Wishes()) -> Plan:
    """What a sync would write, and nothing written."""
    with open_syncing(session, destination) as using:
        return plan(using, selection, wishes)


def plan(using: Syncing, selection: Selection = Selection(), wishes: Wishes = Wishes()) -> Plan:
    """The same of a destination that is open."""
    beginning = foresee(using.archive, using.destination, selection, using.rules, wishes)
    waiting = beginning.waiting
    messages: list[str] = []
    if using.destination.capabilities.supports_preview:
        chunks = slices([item.conversation_id for item in waiting])
        documents = (document for ids in chunks for document in documents_of(using, ids, force=selection.force))
        known = ArchiveLedger(using.archive, using.destination.instance)
        messages = list(islice(cast(Previews, using.destination).preview(documents, known), MOST_SHOWN))
    return Plan(
        destination=using.destination.instance,
        pending=len(waiting),
        unchanged=beginning.unchanged,
        baseline=beginning.baseline,
        conversations=waiting,
        messages=messages,
        estimate=using.destination.estimate(sum(item.state == "new" for item in waiting), len(waiting)),
    )
