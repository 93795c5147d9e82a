"""What people said of conversations in the archive: their word, and when they gave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import and_, select

from commonplace.archive.core import Archive
from commonplace.archive.rows import batched
from commonplace.archive.schema import assignments, projects
from commonplace.archive.verdicts.current import corrections_of
from commonplace.destinations.contract import Field

FIELDS: tuple[Field, ...] = ("category", "tags", "title")


class Word(msgspec.Struct, frozen=True):
    value: Any
    at: int


def words_of(archive: Archive, ids: Sequence[str]) -> dict[str, dict[Field, Word]]:
    """By conversation, the fields that a person decided."""
    found: dict[str, dict[Field, Word]] = {id: {} for id in ids}
    table = assignments.c
    named = assignments.outerjoin(projects, and_(projects.c.owner == table.owner, projects.c.id == table.project_id))
    decided = select(table.conversation_id, table.assigned_at, projects.c.name).select_from(named)
    with archive.read() as connection:
        for some in batched(ids):
            for id, said in corrections_of(connection, archive.owner, some).items():
                found[id] |= {
                    field: Word(said[field].value, said[field].corrected_at) for field in FIELDS if field in said
                }
            ours = table.owner == archive.owner, table.rule == "person", table.conversation_id.in_(some)
            for row in connection.execute(decided.where(*ours)):
                found[row.conversation_id]["project"] = Word(row.name, row.assigned_at)
    return found
