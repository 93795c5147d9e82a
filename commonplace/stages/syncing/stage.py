"""Write what the archive holds to a destination: only what is not there yet as it is now (`pending`)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import msgspec

from commonplace.archive.conversations import reading
from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.verdicts.verdicts import titles_of
from commonplace.categorize.contract import Taxonomy
from commonplace.destinations.contract import Destination, Document
from commonplace.model import Outcome
from commonplace.stages.selection import Selection
from commonplace.stages.syncing.beginning import Beginning, begin, foresee
from commonplace.stages.syncing.pending import Pending, Rules, Wishes, pending
from commonplace.stages.syncing.pull import PullReport, pull
from commonplace.stages.syncing.words import words_of


class SyncReport(msgspec.Struct, kw_only=True):
    """What a sync did, in the keys that `commonplace sync --json` prints."""

    destination: str
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    uncertain: int = 0
    conflicts: int = 0
    requests: int = 0
    pulled: int = 0
    """Edits of people, and messages, that came back from the destination."""
    undecided: int = 0
    """What may have arrived or not, at a destination that cannot be asked: a person decides."""
    baseline: int = 0
    """What was in the archive before the first run and is not sent."""
    left_behind: int = 0
    """What is there although the rules let it through no longer."""
    seconds: float = 0.0
    problems: list[Outcome] = msgspec.field(default_factory=list)

    def include(self, pulled: PullReport) -> None:
        """Edits that came back before the write; those that could not be taken over are conflicts."""
        self.pulled += pulled.taken + pulled.messages
        self.conflicts += len(pulled.conflicts)
        for conflict in pulled.conflicts:
            identity, _, reason = conflict.partition(": ")
            self.problems.append(Outcome(conversation_id=identity, state="conflict", reason=reason))

    def start(self, beginning: Beginning) -> None:
        """How things stood before the first write."""
        self.unchanged = beginning.unchanged
        self.uncertain += beginning.settled
        self.undecided = len(beginning.undecided)
        self.baseline = beginning.baseline
        self.left_behind = beginning.left_behind
        self.problems += beginning.undecided

    def add(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            match outcome.state:
                case "created":
                    self.created += 1
                case "updated":
                    self.updated += 1
                case "failed":
                    self.failed += 1
                case "uncertain":
                    self.uncertain += 1
                case "conflict":
                    self.conflicts += 1
                case "unchanged" | "skipped":
                    self.unchanged += 1
                case "queued" | "removed":  # `finish` says what became of it; removing has a report of its own
                    pass
            if outcome.state in {"failed", "uncertain", "conflict"}:
                self.problems.append(outcome)


def write_chunk(
    archive: Archive,
    destination: Destination,
    chunk: Sequence[str],
    hashes: dict[str, str] | None = None,
    *,
    taxonomy: Taxonomy | None = None,
    force: bool = False,
) -> list[Outcome]:
    """Write one chunk of conversations. What became unnecessary or disappeared meanwhile is left out."""
    known = hashes if hashes is not None else _hashes(archive, destination, chunk)
    titles, words = titles_of(archive, chunk), words_of(archive, chunk)
    documents = [
        msgspec.structs.replace(
            _document(filed, known[filed.conversation.id], titles.get(filed.conversation.id), taxonomy, force),
            persons=frozenset(words[filed.conversation.id]),
        )
        for filed in reading.load_filed(archive, chunk)
        if filed.conversation.id in known
    ]
    return destination.write(documents, ArchiveLedger(archive, destination.instance))


def _hashes(archive: Archive, destination: Destination, chunk: Sequence[str]) -> dict[str, str]:
    selection = Selection(ids=tuple(chunk), force=True)
    return {
        item.conversation_id: item.input_hash
        for item in pending(archive, destination, selection, Rules(minimum_messages=0))
    }


def _document(
    filed: reading.Filed, input_hash: str, title: str | None, taxonomy: Taxonomy | None, force: bool
) -> Document:
    conversation = filed.conversation
    look = taxonomy.get(filed.category) if taxonomy and filed.category else None
    return Document(
        conversation=msgspec.structs.replace(conversation, title=title) if title else conversation,
        category_colour=look.colour if look and look.colour != "default" else None,
        category_emoji=look.emoji if look else None,
        input_hash=input_hash,
        category=filed.category,
        tags=filed.tags,
        summary=filed.summary,
        language=filed.language,
        confidence=filed.confidence,
        insights=filed.insights,
        project_id=filed.project_id,
        project_name=filed.project_name,
        is_forced=force,
    )


def finish(archive: Archive, destination: Destination, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """After the last chunk: what was queued is sent, and index pages are brought up to date."""
    return destination.finish(outcomes, ArchiveLedger(archive, destination.instance))


def sync(
    archive: Archive,
    destination: Destination,
    selection: Selection = Selection(),
    rules: Rules = Rules(),
    wishes: Wishes = Wishes(),
    *,
    taxonomy: Taxonomy | None = None,
) -> SyncReport:
    """The whole stage in this process, without any orchestration: `commonplace sync --direct`."""
    started = time.monotonic()
    report = SyncReport(destination=destination.instance)
    if taxonomy is not None:
        report.include(pull(archive, destination, taxonomy))
    beginning = begin(archive, destination, selection, rules, wishes)
    report.start(beginning)
    hashes = {item.conversation_id: item.input_hash for item in beginning.waiting}
    ids = list(hashes)
    size = destination.capabilities.preferred_batch
    outcomes: list[Outcome] = []
    for start in range(0, len(ids), size):
        chunk = ids[start : start + size]
        written = write_chunk(archive, destination, chunk, hashes, taxonomy=taxonomy, force=selection.force)
        report.add(written)
        outcomes += written
    if not beginning.is_idle:
        report.add(finish(archive, destination, outcomes))
    report.requests = destination.requests_sent
    report.seconds = round(time.monotonic() - started, 3)
    return report


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync would do."""

    destination: str
    pending: int
    unchanged: int
    conversations: list[Pending]
    baseline: int = 0
    """What a first run would take as known and not send."""
    estimate: str = ""
    """What it would take, where the destination can tell."""


def preview(
    archive: Archive,
    destination: Destination,
    selection: Selection = Selection(),
    rules: Rules = Rules(),
    wishes: Wishes = Wishes(),
) -> Plan:
    """What a sync would write, and nothing written."""
    beginning = foresee(archive, destination, selection, rules, wishes)
    waiting = beginning.waiting
    return Plan(
        destination=destination.instance,
        pending=len(waiting),
        unchanged=beginning.unchanged,
        baseline=beginning.baseline,
        conversations=waiting,
        estimate=destination.estimate(sum(item.state == "new" for item in waiting), len(waiting)),
    )
