"""What judges and people say of conversations, and what holds of it now.

Each judge's newest verdict on a conversation is kept; the newest of all holds, except where a person said otherwise
(current.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, select, true

from commonplace.archive.core import Archive
from commonplace.archive.rows import batched, put, to_json
from commonplace.archive.schema import conversations, corrections, verdicts
from commonplace.archive.scope import Scope
from commonplace.archive.verdicts.current import (
    FIELDS,
    Correction,
    Field,
    by_age,
    correction_from,
    corrections_of,
    newest_verdicts,
    refresh,
)
from commonplace.archive.verdicts.titles import shown_title
from commonplace.errors import Refused
from commonplace.model import Usage, Verdict
from commonplace.moments import now


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict that nobody is sure of, in the review queue."""

    id: str
    title: str | None
    category: str | None
    runner_up: str | None
    confidence: float
    evidence: list[str]
    tags: list[str]
    summary: str | None
    judge: str | None
    taxonomy: str | None
    updated_at: int | None


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict with the moment it was recorded."""

    verdict: Verdict
    judged_at: int


def record_verdicts(archive: Archive, found: Iterable[Verdict], *, review_below: float, at: int | None = None) -> int:
    """Keep verdicts and make them hold. Those of forgotten conversations are left out. How many were kept.

    What is less confident than `review_below` waits for a person.
    """
    moment = now() if at is None else at
    kept = 0
    for page in batched(found):
        with archive.write() as connection:
            there = _existing(connection, archive.owner, [verdict.conversation_id for verdict in page])
            # The last one of a key counts; one statement must not touch a row twice.
            rows = {(v.conversation_id, v.taxonomy, v.judge): v for v in page if v.conversation_id in there}
            put(connection, verdicts, [_row(archive.owner, v, moment) for v in rows.values()])
            refresh(connection, archive.owner, {v.conversation_id for v in rows.values()}, review_below=review_below)
            kept += len(rows)
    return kept


def correct(
    archive: Archive,
    conversation_id: str,
    field: Field,
    value: str | Sequence[str],
    *,
    origin: str,
    taxonomy: str | None = None,
    at: int | None = None,
) -> bool:
    """Put a person's word above every judge's. False when a newer word of a person is there already.

    `taxonomy` is the one whose category is meant; None: that of the verdict which holds.
    """
    if field not in FIELDS:
        raise Refused(f"{field!r} cannot be corrected.", hint=f"One of {', '.join(FIELDS)} can.")
    wanted = list(value) if field == "tags" and not isinstance(value, str) else value
    if isinstance(wanted, str) != (field != "tags") or (not wanted and field == "category"):
        raise Refused(f"That is not a valid {field}.")
    moment = now() if at is None else at
    with archive.write() as connection:
        if not _existing(connection, archive.owner, [conversation_id]):
            raise Refused(f"There is no conversation {conversation_id}.")
        known = corrections_of(connection, archive.owner, [conversation_id]).get(conversation_id, {}).get(field)
        if known is not None and known.corrected_at > moment:
            return False
        newest = newest_verdicts(connection, archive.owner, [conversation_id]).get(conversation_id)
        row = {
            "owner": archive.owner,
            "conversation_id": conversation_id,
            "field": field,
            "value": to_json(wanted),
            "taxonomy": taxonomy if taxonomy is not None else (newest.taxonomy if newest else ""),
            "origin": origin,
            "corrected_at": moment,
        }
        put(connection, corrections, [row])
        refresh(connection, archive.owner, [conversation_id])
    return True


def withdraw(
    archive: Archive, conversation_id: str, fields: Collection[Field] = FIELDS, *, review_below: float
) -> list[Field]:
    """Take a person's words back: the judge's hold again, and wait for review where they did. Which there were."""
    word = corrections.c
    meant = (word.owner == archive.owner) & (word.conversation_id == conversation_id) & word.field.in_(fields)
    with archive.write() as connection:
        gone = connection.execute(delete(corrections).where(meant).returning(word.field)).scalars().all()
        if gone:
            refresh(connection, archive.owner, [conversation_id], review_below=review_below)
    return [field for field in FIELDS if field in gone]


def list_corrections(archive: Archive, field: Field = "category", *, taxonomy: str | None = None) -> list[Correction]:
    """What people said, oldest first; of one taxonomy where one is named."""
    query = select(corrections).where(corrections.c.owner == archive.owner, corrections.c.field == field)
    if taxonomy is not None:
        query = query.where(corrections.c.taxonomy.in_(["", taxonomy]))
    with archive.read() as connection:
        rows = connection.execute(query.order_by(corrections.c.corrected_at, corrections.c.conversation_id))
        return [correction_from(row) for row in rows]


def review_queue(
    archive: Archive, scope: Scope = Scope(), *, limit: int | None = 50, offset: int = 0, only: str | None = None
) -> list[Waiting]:
    """What waits for a person, the least confident first; `only` this one, if it does."""
    table = conversations.c
    names = ("id", "category", "confidence", "tags", "summary", "updated_at")
    query = (
        select(shown_title(), *(table[name] for name in names))
        .where(scope.clause(archive), _waits(archive.owner), true() if only is None else table.id == only)
        .order_by(table.confidence, table.id)
        .limit(limit)
        .offset(offset)
    )
    with archive.read() as connection:
        rows = connection.execute(query).all()
        newest = newest_verdicts(connection, archive.owner, [row.id for row in rows])
    return [_waiting(row, newest.get(row.id)) for row in rows]


def count_waiting(archive: Archive, scope: Scope = Scope()) -> int:
    """How long the review queue is."""
    query = select(func.count()).select_from(conversations).where(scope.clause(archive), _waits(archive.owner))
    with archive.read() as connection:
        return int(connection.execute(query).scalar_one())


def history(archive: Archive, conversation_id: str) -> list[Judged]:
    """Every judge's newest verdict on a conversation, the one that holds first."""
    with archive.read() as connection:
        return verdicts_on(connection, archive.owner, conversation_id)


def verdicts_on(connection: Connection, owner: str, conversation_id: str) -> list[Judged]:
    """The same, of an open connection."""
    ours = (verdicts.c.owner == owner) & (verdicts.c.conversation_id == conversation_id)
    rows = connection.execute(select(verdicts).where(ours)).all()
    return [Judged(verdict=_verdict(row), judged_at=row.judged_at) for row in sorted(rows, key=by_age, reverse=True)]


def insights_of(archive: Archive, conversation_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The insights that hold, of those conversations that have some."""
    found: dict[str, dict[str, Any]] = {}
    with archive.read() as connection:
        for page in batched(conversation_ids):
            for id, row in newest_verdicts(connection, archive.owner, page).items():
                if row.insights:
                    found[id] = msgspec.json.decode(row.insights)
    return found


def _existing(connection: Connection, owner: str, ids: Sequence[str]) -> set[str]:
    table = conversations.c
    return set(connection.execute(select(table.id).where(table.owner == owner, table.id.in_(ids))).scalars())


def _waits(owner: str) -> ColumnElement[bool]:
    return and_(conversations.c.owner == owner, conversations.c.needs_review.is_(True))


def _row(owner: str, verdict: Verdict, moment: int) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(verdict, name) for name in verdict.__struct_fields__ if name != "usage"}
    return row | {
        "owner": owner,
        "tags": to_json(verdict.tags),
        "insights": to_json(verdict.insights) if verdict.insights else None,
        "evidence": to_json(verdict.evidence),
        **msgspec.structs.asdict(verdict.usage),
        "judged_at": moment,
    }


def _verdict(row: Row[Any]) -> Verdict:
    plain = {name: row._mapping[name] for name in Verdict.__struct_fields__ if name != "usage"}
    usage = Usage(**{name: row._mapping[name] for name in Usage.__struct_fields__})
    lists = {name: msgspec.json.decode(row._mapping[name], type=list[str]) for name in ("tags", "evidence")}
    insights = msgspec.json.decode(row.insights) if row.insights else None
    return Verdict(**plain | lists | {"insights": insights}, usage=usage)


def _waiting(row: Row[Any], judged: Row[Any] | None) -> Waiting:
    return Waiting(
        id=row.id,
        title=row.title,
        category=row.category,
        runner_up=judged.runner_up if judged else None,
        confidence=row.confidence or 0.0,
        evidence=msgspec.json.decode(judged.evidence, type=list[str]) if judged else [],
        tags=msgspec.json.decode(row.tags, type=list[str]),
        summary=row.summary,
        judge=judged.judge if judged else None,
        taxonomy=judged.taxonomy if judged else None,
        updated_at=row.updated_at,
    )
