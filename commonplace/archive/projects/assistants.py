"""Assistants: who answers questions about a project, and how. A record here, kept nowhere else.

A project without one has the assistant that its own instructions make. `history.set_assistant` changes it.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, select

from commonplace.archive.core import Archive
from commonplace.archive.rows import put
from commonplace.archive.schema import settings
from commonplace.errors import Refused
from commonplace.model import Project

LONGEST = 20_000
WARMEST = 2.0


class Assistant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is set for a project; empty where the settings and our own rules do."""

    model: str = ""
    instructions: str = ""
    temperature: float | None = None

    def __post_init__(self) -> None:
        if self.temperature is not None and not 0 <= self.temperature <= WARMEST:
            raise Refused(f"A temperature is between 0 and {WARMEST:g}.")
        if len(self.instructions) > LONGEST:
            raise Refused(f"Instructions have at most {LONGEST:,} characters.")


def assistant_of(archive: Archive, project: Project) -> Assistant:
    """The one that a person made, or the one that the project's own instructions make."""
    with archive.read() as connection:
        kept = kept_for(connection, archive.owner, project.id)
    if kept is None:
        return Assistant(instructions=(project.instructions or "")[:LONGEST])
    return msgspec.json.decode(kept, type=Assistant)


def kept_for(connection: Connection, owner: str, project_id: str) -> str | None:
    """The record of a project's assistant, as it is kept."""
    return connection.execute(select(settings.c.value).where(settings.c.name == _name(owner, project_id))).scalar()


def keep(connection: Connection, owner: str, project_id: str, record: str | None) -> None:
    """Keep this record, or none."""
    name = _name(owner, project_id)
    if record is None:
        connection.execute(delete(settings).where(settings.c.name == name))
    else:
        put(connection, settings, [{"name": name, "value": record}])


def _name(owner: str, project_id: str) -> str:
    return f"assistant:{owner}:{project_id}"
