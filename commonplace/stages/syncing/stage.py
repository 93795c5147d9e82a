"""Write what the archive holds to a destination: only what is not there yet as it is now.

What has to be written is a join of the conversations with the destination's ledger, on a key that names everything a
page is made of (content, verdict, project, how and with which settings it is rendered). Nothing is rendered to find
out, and a run that finds nothing to do sends nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, func, literal, select

from commonplace.archive.conversations import reading
from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.schema import conversations, ledger, projects
from commonplace.archive.verdicts.verdicts import titles_of
from commonplace.categorize.contract import Taxonomy
from commonplace.destinations.contract import Destination, Document
from commonplace.model import Outcome
from commonplace.stages.selection import Selection
from commonplace.stages.syncing.pull import PullReport, pull


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which conversations a destination gets at all."""

    categories: tuple[str, ...] = ()
    exclude_categories: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    exclude_projects: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    minimum_messages: int = 1
    archived: bool = True
    """Also what was archived in ChatGPT."""

    def clause(self) -> ColumnElement[bool]:
        table = conversations.c
        project = func.coalesce(projects.c.name, "")
        parts: list[ColumnElement[bool]] = [table.message_count >= self.minimum_messages]
        if self.categories:
            parts.append(table.category.in_(self.categories))
        if self.exclude_categories:  # what nobody has judged yet may be of an excluded one
            parts.append(and_(table.category.is_not(None), table.category.not_in(self.exclude_categories)))
        if self.projects:
            parts.append(project.in_(self.projects))
        if self.exclude_projects:
            parts.append(project.not_in(self.exclude_projects))
        if self.sources:
            parts.append(table.source.in_(self.sources))
        if not self.archived:
            parts.append(func.coalesce(table.is_archived, False).is_(False))
        return and_(*parts)


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation that has to be written, and why."""

    conversation_id: str
    title: str | None
    input_hash: str
    state: str
    """`new`, `changed`, or what the ledger says of an earlier attempt."""


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
    """Edits of people that came back from the destination."""
    seconds: float = 0.0
    problems: list[Outcome] = msgspec.field(default_factory=list)

    def include(self, pulled: PullReport) -> None:
        """Edits that came back before the write; those that could not be taken over are conflicts."""
        self.pulled += pulled.taken
        self.conflicts += len(pulled.conflicts)
        for conflict in pulled.conflicts:
            identity, _, reason = conflict.partition(": ")
            self.problems.append(Outcome(conversation_id=identity, state="conflict", reason=reason))

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
                case _:
                    self.unchanged += 1
            if outcome.state in {"failed", "uncertain", "conflict"}:
                self.problems.append(outcome)


def input_hash(destination: Destination) -> ColumnElement[str]:
    """Everything a page is made of, as one value the database computes."""
    fixed = f"{destination.capabilities.renderer_version}:{destination.settings_hash}"
    table = conversations.c
    return (
        table.content_hash
        + literal(":")
        + func.coalesce(table.verdict_hash, "")
        + literal(":")
        + func.coalesce(projects.c.name, "")
        + literal(f":{fixed}")
    )


def pending(
    archive: Archive,
    destination: Destination,
    selection: Selection = Selection(),
    rules: Rules = Rules(),
    *,
    retry_failed: bool = False,
) -> list[Pending]:
    """What is not at the destination as it is now, oldest first."""
    wanted = input_hash(destination)
    query = _in_scope(archive, destination, selection, rules, wanted)
    if not selection.force:
        settled = ["done", "conflict"] if retry_failed else ["done", "conflict", "failed"]
        is_settled = and_(ledger.c.state.in_(settled), ledger.c.input_hash == wanted)
        query = query.where(~func.coalesce(is_settled, False))
    if selection.limit is not None:
        query = query.limit(selection.limit)
    with archive.read() as connection:
        return [
            Pending(conversation_id=row.id, title=row.title, input_hash=row.wanted, state=_why(row.state))
            for row in connection.execute(query)
        ]


def count_in_scope(archive: Archive, destination: Destination, selection: Selection, rules: Rules) -> int:
    """How many conversations the destination should hold of those asked about."""
    query = _in_scope(archive, destination, selection, rules, input_hash(destination)).order_by(None)
    with archive.read() as connection:
        return int(connection.execute(select(func.count()).select_from(query.subquery())).scalar_one())


def _in_scope(
    archive: Archive, destination: Destination, selection: Selection, rules: Rules, wanted: ColumnElement[str]
) -> Any:
    table = conversations.c
    joined = conversations.outerjoin(
        projects, and_(projects.c.owner == table.owner, projects.c.id == table.project_id)
    ).outerjoin(
        ledger,
        and_(
            ledger.c.owner == table.owner,
            ledger.c.destination == destination.instance,
            ledger.c.conversation_id == table.id,
        ),
    )
    return (
        select(table.id, table.title, wanted.label("wanted"), ledger.c.state)
        .select_from(joined)
        .where(selection.clause(archive.owner), rules.clause())
        .order_by(table.updated_at, table.id)
    )


def _why(state: str | None) -> str:
    return {None: "new", "done": "changed"}.get(state, state or "new")


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
    titles = titles_of(archive, chunk)
    documents = [
        _document(filed, known[filed.conversation.id], titles.get(filed.conversation.id), taxonomy, force)
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


def finish(archive: Archive, destination: Destination) -> None:
    """After the last chunk: index pages and the like."""
    destination.finish(ArchiveLedger(archive, destination.instance))


def sync(
    archive: Archive,
    destination: Destination,
    selection: Selection = Selection(),
    rules: Rules = Rules(),
    *,
    retry_failed: bool = False,
    taxonomy: Taxonomy | None = None,
) -> SyncReport:
    """The whole stage in this process, without any orchestration: `commonplace sync --direct`."""
    started = time.monotonic()
    report = SyncReport(destination=destination.instance)
    if taxonomy is not None:
        report.include(pull(archive, destination, taxonomy))
    waiting = pending(archive, destination, selection, rules, retry_failed=retry_failed)
    report.unchanged = count_in_scope(archive, destination, selection, rules) - len(waiting)
    hashes = {item.conversation_id: item.input_hash for item in waiting}
    ids = list(hashes)
    size = destination.capabilities.preferred_batch
    for start in range(0, len(ids), size):
        chunk = ids[start : start + size]
        report.add(write_chunk(archive, destination, chunk, hashes, taxonomy=taxonomy, force=selection.force))
    finish(archive, destination)
    report.requests = destination.requests_sent
    report.seconds = round(time.monotonic() - started, 3)
    return report


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync would do."""

    destination: str
    pending: int
    unchanged: int
    conversations: list[Pending]
    estimate: str = ""
    """What it would take, where the destination can tell."""


def preview(
    archive: Archive,
    destination: Destination,
    selection: Selection = Selection(),
    rules: Rules = Rules(),
    *,
    retry_failed: bool = False,
) -> Plan:
    """What a sync would write, and nothing written."""
    waiting = pending(archive, destination, selection, rules, retry_failed=retry_failed)
    return Plan(
        destination=destination.instance,
        pending=len(waiting),
        unchanged=count_in_scope(archive, destination, selection, rules) - len(waiting),
        conversations=waiting,
        estimate=destination.estimate(sum(item.state == "new" for item in waiting), len(waiting)),
    )
