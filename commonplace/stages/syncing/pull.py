"""Edits come back: what a person changed at a destination becomes their word in the archive.

It wins over every judge and rule, teaches them, and is what the next write sends, so it is never overwritten. It runs
before a write. What cannot be taken over (a category that the taxonomy does not have) is told and left as it is there.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.schema import settings
from commonplace.archive.verdicts.verdicts import correct
from commonplace.categorize.contract import Taxonomy
from commonplace.destinations.contract import Destination, Edit, PullsEdits
from commonplace.errors import Refused
from commonplace.moments import now
from commonplace.stages.mapping import projects


class PullReport(msgspec.Struct, kw_only=True):
    """What came back."""

    taken: int = 0
    conflicts: list[str] = msgspec.field(default_factory=list)
    """Edits that could not be taken over, by conversation id and reason."""


def pull(archive: Archive, destination: Destination, taxonomy: Taxonomy) -> PullReport:
    """Take over what people changed since the last pull; nothing for destinations that cannot say."""
    report = PullReport()
    if not destination.capabilities.supports_pull:
        return report
    source: PullsEdits = destination  # type: ignore[assignment]  # its capabilities say so
    started, since = now(), _last_pull(archive, destination.instance)
    for edit in source.pull(ArchiveLedger(archive, destination.instance), since):
        try:
            _take_over(archive, edit, taxonomy)
        except Refused as refusal:
            report.conflicts.append(f"{edit.conversation_id}: {edit.field}: {refusal.message}")
        else:
            report.taken += 1
    _note_pull(archive, destination.instance, started)
    return report


def _take_over(archive: Archive, edit: Edit, taxonomy: Taxonomy) -> None:
    match edit.field:
        case "project":
            if edit.value:
                projects.assign(archive, str(edit.value), [edit.conversation_id], new=True)
            else:
                projects.unassign(archive, [edit.conversation_id])
        case "category" if edit.value and taxonomy.get(str(edit.value)) is None:
            raise Refused(f"{taxonomy.name} has no category of that name.")
        case "category" if not edit.value:
            raise Refused("A category cannot be taken away, only changed.")
        case _:
            correct(archive, edit.conversation_id, edit.field, edit.value, origin="destination", taxonomy=taxonomy.name)


def _last_pull(archive: Archive, instance: str) -> int | None:
    with archive.read() as connection:
        found = connection.execute(select(settings.c.value).where(settings.c.name == f"pulled:{instance}")).scalar()
    return int(found) if found else None


def _note_pull(archive: Archive, instance: str, moment: int) -> None:
    dialect = sqlite if archive.is_sqlite else postgresql
    insert = dialect.insert(settings).values(name=f"pulled:{instance}", value=str(moment))
    with archive.write() as connection:
        connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"value": str(moment)}))
