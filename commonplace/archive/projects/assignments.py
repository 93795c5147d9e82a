"""Which conversation is in which project, on whose word, and what is only suggested.

One row per conversation, keyed by its id, so that it outlives a rebuild from the kept exports. A person's row is never
touched by a rule. What a person rejected is carried along in `evidence` under `rejected`, whatever is decided later.
`conversations.project_id` is refreshed in the transaction that writes the row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row, Select, and_, bindparam, case, func, literal, or_, select, true, update
from sqlalchemy.sql.elements import ColumnElement

from commonplace.archive.core import Archive
from commonplace.archive.rows import batched, from_json, put, to_json
from commonplace.archive.schema import assignments, conversations, projects
from commonplace.archive.verdicts.titles import shown_title
from commonplace.errors import NotThere
from commonplace.moments import now

Rule = Literal["person", "id", "title", "gpt", "similar", "source", "orphan"]
SURE = ("person", "id", "title", "gpt")
"""The rules whose assignments similarity learns from. It never learns from itself."""
OPEN = ("source", "orphan")
"""The rules whose word holds until there is a better one."""
REJECTED = "rejected"

_joined = and_(assignments.c.owner == conversations.c.owner, assignments.c.conversation_id == conversations.c.id)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says of one conversation. An orphan has no project, and perhaps a suggestion."""

    conversation_id: str
    content_hash: str
    rule: Rule
    project_id: str | None = None
    confidence: float = 1.0
    evidence: dict[str, Any] = msgspec.field(default_factory=dict)
    suggested_project_id: str | None = None
    suggestion_confidence: float | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that is in another project than before."""

    conversation_id: str
    before: str | None
    after: str | None
    rule: str


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that may belong to a project, for a person to accept or reject."""

    conversation_id: str
    title: str | None
    created_at: int | None
    project_id: str
    project_name: str
    confidence: float
    evidence: dict[str, Any]


def pending_clause(rules_hash: str, orphans_hash: str) -> ColumnElement[bool]:
    """True of conversations that have to be decided (again), in a query that joins `assignments`.

    Orphans, and what only its source has a project for, are asked about again when there is more to compare them with;
    what was assigned stays, or every import would move pages about.
    """
    wanted = case((assignments.c.rule.in_(OPEN), orphans_hash), else_=rules_hash)
    return or_(
        assignments.c.rule.is_(None),
        and_(
            assignments.c.rule != "person",
            or_(assignments.c.content_hash != conversations.c.content_hash, assignments.c.rules_hash != wanted),
        ),
    )


def pending(
    archive: Archive,
    rules_hash: str,
    orphans_hash: str,
    within: ColumnElement[bool] | None = None,
    *,
    limit: int | None = None,
    force: bool = False,
) -> Iterator[Row[Any]]:
    """What the rules look at, for each conversation that has to be decided; oldest first. `force`: for all others too,
    those that a person decided aside."""
    is_pending = pending_clause(rules_hash, orphans_hash)
    if force:
        is_pending = assignments.c.rule.is_distinct_from("person")
    table = conversations.c
    query = _with_assignment(
        table.id,
        table.content_hash,
        table.title,
        table.project_ref,
        table.gpt_ref,
        table.extra,
        table.project_id,
        assignments.c.rule,
        assignments.c.evidence,
    ).where(table.owner == archive.owner, within if within is not None else true())
    query = query.where(is_pending).order_by(table.updated_at.nulls_first(), table.id).limit(limit)
    with archive.read() as connection:
        yield from connection.execute(query.execution_options(yield_per=5000))


def _with_assignment(*columns: Any) -> Select[Any]:
    return select(*columns).select_from(conversations.outerjoin(assignments, _joined))


def record(archive: Archive, decisions: Sequence[Decision], rules_hash: str, orphans_hash: str) -> list[Change]:
    """Write what the rules decided. A person's word, and what a person rejected, stand whenever they were given."""
    hashes = {True: orphans_hash, False: rules_hash}
    changes: list[Change] = []
    for batch in batched(decisions):
        with archive.write() as connection:
            known = _rows_of(connection, archive.owner, [decision.conversation_id for decision in batch])
            rows = [
                _row(archive.owner, decision, hashes, _rejected(known.get(decision.conversation_id)))
                for decision in batch
                if not _is_persons(known.get(decision.conversation_id))
            ]
            changes += _write(connection, archive.owner, rows)
    return changes


def _row(owner: str, decision: Decision, hashes: Mapping[bool, str], rejected: list[str]) -> dict[str, Any]:
    evidence = {**decision.evidence, REJECTED: rejected} if rejected else decision.evidence
    is_refused = decision.project_id in rejected
    suggested = decision.suggested_project_id if decision.suggested_project_id not in rejected else None
    return {
        "owner": owner,
        "conversation_id": decision.conversation_id,
        "content_hash": decision.content_hash,
        "rules_hash": hashes[is_refused or decision.rule in OPEN],
        "project_id": None if is_refused else decision.project_id,
        "rule": "orphan" if is_refused else decision.rule,
        "confidence": 0.0 if is_refused else decision.confidence,
        "evidence": to_json(evidence),
        "suggested_project_id": suggested,
        "suggestion_confidence": decision.suggestion_confidence if suggested else None,
        "suggestion_state": "open" if suggested else None,
        "assigned_at": now(),
    }


def assign(archive: Archive, wanted: Mapping[str, str | None]) -> list[Change]:
    """A person's word: each conversation is in this project, or in none. No rule changes it."""
    changes: list[Change] = []
    for ids in batched(wanted):
        with archive.write() as connection:
            hashes = _content_hashes(connection, archive.owner, ids)
            known = _rows_of(connection, archive.owner, ids)
            rows = [_persons_row(archive.owner, id, hashes[id], wanted[id], known.get(id)) for id in ids]
            changes += _write(connection, archive.owner, rows)
    return changes


def _persons_row(
    owner: str, conversation_id: str, content_hash: str, project_id: str | None, row: Row[Any] | None
) -> dict[str, Any]:
    is_accepted = row is not None and row.suggested_project_id is not None and row.suggested_project_id == project_id
    before = None if row is None or row.rule == "person" else {"rule": row.rule, "project_id": row.project_id}
    evidence: dict[str, Any] = {"before": before} if before else {}
    rejected = [id for id in _rejected(row) if id != project_id]
    if rejected:
        evidence[REJECTED] = rejected
    return {
        "owner": owner,
        "conversation_id": conversation_id,
        "content_hash": content_hash,
        "rules_hash": "person",
        "project_id": project_id,
        "rule": "person",
        "confidence": 1.0,
        "evidence": to_json(evidence),
        "suggested_project_id": project_id if is_accepted else None,
        "suggestion_confidence": row.suggestion_confidence if is_accepted and row is not None else None,
        "suggestion_state": "accepted" if is_accepted else None,
        "assigned_at": now(),
    }


def assigned_since(archive: Archive, ids: Sequence[str], at: int) -> set[str]:
    """Those of them that somebody has put into a project, or into none, since then."""
    table, found = assignments.c, set[str]()
    since = (table.owner == archive.owner) & (table.rule == "person") & (table.assigned_at > at)
    with archive.read() as connection:
        for some in batched(ids):
            query = select(table.conversation_id).where(since, table.conversation_id.in_(some))
            found.update(connection.execute(query).scalars())
    return found


def release(archive: Archive, ids: Collection[str]) -> list[Change]:
    """Take a person's word back: the next mapping decides by the rules again."""
    return _open_again(archive, ids, reject=False)


def reject(archive: Archive, ids: Collection[str]) -> list[Change]:
    """Not this project: neither the one suggested nor the one a rule assigned, whatever the rules say later."""
    return _open_again(archive, ids, reject=True)


def _open_again(archive: Archive, ids: Collection[str], *, reject: bool) -> list[Change]:
    changes: list[Change] = []
    for batch in batched(sorted(set(ids))):
        with archive.write() as connection:
            _content_hashes(connection, archive.owner, batch)
            known = _rows_of(connection, archive.owner, batch)
            rows = []
            for id in batch:
                row = known.get(id)
                refused = None if row is None or not reject else row.project_id or row.suggested_project_id
                if row is None or (reject and refused is None):
                    continue
                rows.append(_opened_row(archive.owner, row, refused))
            changes += _write(connection, archive.owner, rows)
    return changes


def _opened_row(owner: str, row: Row[Any], refused: str | None) -> dict[str, Any]:
    rejected = list(dict.fromkeys([*_rejected(row), *([refused] if refused else [])]))
    return {
        "owner": owner,
        "conversation_id": row.conversation_id,
        "content_hash": row.content_hash,
        "rules_hash": "",
        "project_id": None,
        "rule": "orphan",
        "confidence": 0.0,
        "evidence": to_json({REJECTED: rejected} if rejected else {}),
        "suggested_project_id": refused,
        "suggestion_confidence": row.suggestion_confidence if refused else None,
        "suggestion_state": "rejected" if refused else None,
        "assigned_at": now(),
    }


def _write(connection: Connection, owner: str, rows: Sequence[dict[str, Any]]) -> list[Change]:
    """Upsert rows and let the conversations say what holds now; which of them moved."""
    if not rows:
        return []
    table = conversations.c
    ids = [row["conversation_id"] for row in rows]
    before = {
        row.id: row.project_id
        for row in connection.execute(select(table.id, table.project_id).where(table.owner == owner, table.id.in_(ids)))
    }
    put(connection, assignments, rows)
    moved = [
        row for row in rows if row["conversation_id"] in before and before[row["conversation_id"]] != row["project_id"]
    ]
    set_project(connection, owner, {row["conversation_id"]: row["project_id"] for row in moved})
    return [
        Change(
            conversation_id=row["conversation_id"],
            before=before[row["conversation_id"]],
            after=row["project_id"],
            rule=row["rule"],
        )
        for row in moved
    ]


def set_project(connection: Connection, owner: str, wanted: Mapping[str, str | None]) -> None:
    """Let the conversations say which project they are in now."""
    if wanted:
        where = (conversations.c.owner == owner) & (conversations.c.id == bindparam("at"))
        statement = update(conversations).where(where).values(project_id=bindparam("into"))
        connection.execute(statement, [{"at": id, "into": project_id} for id, project_id in wanted.items()])


def settle(archive: Archive) -> int:
    """Let every conversation say what its assignment says, after a rebuild from exports; how many did not."""
    differs = conversations.c.project_id.is_distinct_from(assignments.c.project_id)
    query = _with_assignment(conversations.c.id, assignments.c.project_id).where(
        conversations.c.owner == archive.owner, assignments.c.rule.is_not(None), differs
    )
    with archive.read() as connection:
        if connection.execute(query.limit(1)).first() is None:
            return 0
    with archive.write() as connection:
        wanted = {row.id: row.project_id for row in connection.execute(query)}
        set_project(connection, archive.owner, wanted)
    return len(wanted)


def tally(archive: Archive, within: ColumnElement[bool] | None = None) -> dict[str, int]:
    """How many conversations each rule assigned, and `suggested`, `orphans` and `undecided`: they add up to all."""
    kind = case(
        (assignments.c.rule.is_(None), literal("undecided")),
        (assignments.c.project_id.is_not(None), assignments.c.rule),
        (assignments.c.suggestion_state == "open", literal("suggested")),
        else_=literal("orphans"),
    ).label("kind")
    query = _with_assignment(kind, func.count().label("total")).where(conversations.c.owner == archive.owner)
    if within is not None:
        query = query.where(within)
    with archive.read() as connection:
        return {row.kind: row.total for row in connection.execute(query.group_by(kind))}


def count_suggestions(archive: Archive) -> int:
    """How many wait for a person."""
    open_ones = (assignments.c.owner == archive.owner) & (assignments.c.suggestion_state == "open")
    with archive.read() as connection:
        return int(connection.execute(select(func.count()).select_from(assignments).where(open_ones)).scalar_one())


def suggestions(
    archive: Archive, *, project_id: str | None = None, above: float = 0.0, limit: int | None = None
) -> list[Suggestion]:
    """What waits for a person, the surest first."""
    table = assignments.c
    query = (
        select(
            table.conversation_id,
            shown_title(),
            conversations.c.created_at,
            table.suggested_project_id,
            projects.c.name,
            table.suggestion_confidence,
            table.evidence,
        )
        .select_from(
            assignments.join(conversations, _joined).join(
                projects, and_(projects.c.owner == table.owner, projects.c.id == table.suggested_project_id)
            )
        )
        .where(table.owner == archive.owner, table.suggestion_state == "open", table.suggestion_confidence >= above)
        .order_by(table.suggestion_confidence.desc(), table.conversation_id)
        .limit(limit)
    )
    if project_id is not None:
        query = query.where(table.suggested_project_id == project_id)
    with archive.read() as connection:
        return [
            Suggestion(
                conversation_id=row.conversation_id,
                title=row.title,
                created_at=row.created_at,
                project_id=row.suggested_project_id,
                project_name=row.name,
                confidence=row.suggestion_confidence,
                evidence=from_json(row.evidence),
            )
            for row in connection.execute(query)
        ]


def suggested_by_title(archive: Archive) -> dict[str, str]:
    """The open suggestions that rest on a title alone: the ref that it names, by conversation."""
    table = assignments.c
    query = select(table.conversation_id, table.evidence).where(
        table.owner == archive.owner, table.suggestion_state == "open", table.evidence.like('%"said_by":"title"%')
    )
    with archive.read() as connection:
        return {row.conversation_id: str(from_json(row.evidence).get("ref")) for row in connection.execute(query)}


def rejected_in(evidence: str | None) -> list[str]:
    """The projects that a person rejected for a conversation, as its row's evidence says."""
    return list(from_json(evidence).get(REJECTED, [])) if evidence and REJECTED in evidence else []


def _rejected(row: Row[Any] | None) -> list[str]:
    return [] if row is None else rejected_in(row.evidence)


def _is_persons(row: Row[Any] | None) -> bool:
    return row is not None and row.rule == "person"


def _rows_of(connection: Connection, owner: str, ids: Sequence[str]) -> dict[str, Row[Any]]:
    table = assignments.c
    query = select(assignments).where(table.owner == owner, table.conversation_id.in_(ids))
    return {row.conversation_id: row for row in connection.execute(query)}


def _content_hashes(connection: Connection, owner: str, ids: Sequence[str]) -> dict[str, str]:
    table = conversations.c
    query = select(table.id, table.content_hash).where(table.owner == owner, table.id.in_(ids))
    found = {row.id: row.content_hash for row in connection.execute(query)}
    missing = [id for id in ids if id not in found]
    if missing:
        raise NotThere(f"There is no conversation {missing[0]!r}.", hint="`commonplace search` shows ids.")
    return found
