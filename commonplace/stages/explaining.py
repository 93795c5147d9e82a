"""Why a conversation is where it is: who said what of it, which rule found its project, and where it was written."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, and_, select

from commonplace.archive.core import Archive
from commonplace.archive.rows import from_json
from commonplace.archive.schema import assignments, ledger, projects
from commonplace.archive.verdicts.current import Correction, corrections_of
from commonplace.archive.verdicts.verdicts import Judged, verdicts_on


class Assigned(msgspec.Struct, frozen=True, kw_only=True):
    """How its project was found, or what is suggested."""

    rule: str
    project: str | None
    confidence: float
    evidence: dict[str, Any]
    assigned_at: int
    suggested: str | None = None
    suggestion_confidence: float | None = None


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it at a destination."""

    destination: str
    state: str
    url: str | None
    reason: str | None
    updated_at: int


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """All of it: what people said, the newest first; what judges say, what holds first."""

    said: list[Correction]
    judged: list[Judged]
    assigned: Assigned | None
    copies: list[Copy]


def why(archive: Archive, conversation_id: str) -> Why:
    """What there is to say of one conversation."""
    owner = archive.owner
    with archive.read() as connection:
        said = corrections_of(connection, owner, [conversation_id]).get(conversation_id, {})
        return Why(
            said=sorted(said.values(), key=lambda word: -word.corrected_at),
            judged=verdicts_on(connection, owner, conversation_id),
            assigned=_assigned(connection, owner, conversation_id),
            copies=_copies(connection, owner, conversation_id),
        )


def _assigned(connection: Connection, owner: str, conversation_id: str) -> Assigned | None:
    found, suggested = projects.alias(), projects.alias()
    table = assignments.c
    query = (
        select(assignments, found.c.name.label("project"), suggested.c.name.label("suggested"))
        .select_from(
            assignments.outerjoin(found, and_(found.c.owner == table.owner, found.c.id == table.project_id)).outerjoin(
                suggested,
                and_(
                    suggested.c.owner == table.owner,
                    suggested.c.id == table.suggested_project_id,
                    table.suggestion_state == "open",
                ),
            )
        )
        .where(table.owner == owner, table.conversation_id == conversation_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Assigned(
        rule=row.rule,
        project=row.project or row.project_id,
        confidence=row.confidence,
        evidence=from_json(row.evidence) or {},
        assigned_at=row.assigned_at,
        suggested=row.suggested,
        suggestion_confidence=row.suggestion_confidence if row.suggested else None,
    )


def _copies(connection: Connection, owner: str, conversation_id: str) -> list[Copy]:
    known = ledger.c
    query = select(known.destination, known.state, known.remote_url, known.reason, known.updated_at).where(
        known.owner == owner, known.conversation_id == conversation_id
    )
    rows = connection.execute(query.order_by(known.destination))
    return [
        Copy(
            destination=row.destination,
            state=row.state,
            url=row.remote_url,
            reason=row.reason,
            updated_at=row.updated_at,
        )
        for row in rows
    ]
