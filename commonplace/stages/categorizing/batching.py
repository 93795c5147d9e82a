"""Judging by a judge that answers later: conversations are sent, and what came back is brought in another time.

Nobody sits and waits. `submit` sends what is pending and not under way; `collect` records what has come back. Both are
recorded before they matter, so that a crash in between neither loses nor buys anything twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from commonplace.archive import leases
from commonplace.archive.core import Archive
from commonplace.archive.verdicts.batches import ArchiveBatches
from commonplace.archive.verdicts.verdicts import record_verdicts
from commonplace.categorize.contract import BatchJudge, Collected, Submitted
from commonplace.model import Verdict
from commonplace.session import Session
from commonplace.stages.categorizing.judges import Judging, open_batches
from commonplace.stages.categorizing.pending import pending
from commonplace.stages.categorizing.report import CollectReport
from commonplace.stages.categorizing.subjects import subjects
from commonplace.stages.selection import Selection
from commonplace.stages.work import IN_PROCESS, Work, leased, telling


def collect_batches(session: Session, *, judge: str | None = None, work: Work = IN_PROCESS) -> CollectReport:
    """Bring in what has come back. Nobody is asked where nothing is open: no key is needed then."""
    report = CollectReport()
    with telling(report), leased(session, leases.collecting(session.archive.owner)) as ours:
        if _are_open(ours.archive):
            with open_batches(ours, judge=judge) as using:
                report.add(work.do(collect, using))
    return report


def submit(using: Judging[BatchJudge], *, selection: dict[str, Any], upgrade: bool) -> Submitted:
    """Send what is pending and not under way; what went out, in counts. What was answered before is recorded."""
    chosen = msgspec.convert(selection, Selection)
    waiting = pending(
        using.archive, using.judge.key, using.taxonomy, chosen, upgrade=upgrade, review_below=using.review_below
    )
    seen = [s for s in subjects(using.archive, [item.conversation_id for item in waiting]) if s.turns or s.title]
    known = {} if chosen.force else using.answers.find(seen, using.taxonomy, using.judge.key)
    record_verdicts(using.archive, known.values(), review_below=using.review_below)
    return using.judge.submit([s for s in seen if s.conversation_id not in known], using.taxonomy)


def collect(using: Judging[BatchJudge]) -> Collected:
    """Record what has come back, in counts."""

    def record(verdicts: Sequence[Verdict]) -> None:
        using.answers.keep(verdicts)
        record_verdicts(using.archive, verdicts, review_below=using.review_below)

    return using.judge.collect(record)


def _are_open(archive: Archive) -> bool:
    return any(row["finished_at"] is None for row in ArchiveBatches(archive).rows())
