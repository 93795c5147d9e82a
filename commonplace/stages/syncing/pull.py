"""Edits come back: what a person changed at a destination becomes their word in the archive.

It wins over every judge and rule, teaches them, and is what the next write sends, so it is never overwritten. It runs
before a write. What cannot be taken over (a category that the taxonomy does not have) is told and left as it is there.
"""

from __future__ import annotations

import msgspec

from commonplace.archive.conversations.reading import has_conversation
from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.memory import recall, remember
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
    key = f"pulled:{destination.instance}"
    started, since = now(), recall(archive, key)
    for edit in source.pull(ArchiveLedger(archive, destination.instance), int(since) if since else None):
        if not has_conversation(archive, edit.conversation_id):
            continue  # forgotten here, and still there
        try:
            _take_over(archive, edit, taxonomy)
        except Refused as refusal:
            report.conflicts.append(f"{edit.conversation_id}: {edit.field}: {refusal.message}")
        else:
            report.taken += 1
    remember(archive, key, str(started))
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
