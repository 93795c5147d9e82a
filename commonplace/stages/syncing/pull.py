"""What happened at a destination comes back, before anything is written there.

What a person changed becomes their word in the archive: it wins over every judge and rule, teaches them, and is what
the next write sends, so it is never overwritten. What cannot be taken over (a category that the taxonomy does not have)
is told and left as it is there. What was said there becomes a part of its conversation, as if a source had brought it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import msgspec

from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import has_conversation, load_conversation
from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.memory import recall, remember
from commonplace.archive.verdicts.proposals import give_up, propose
from commonplace.archive.verdicts.verdicts import correct
from commonplace.categorize.contract import Taxonomy
from commonplace.destinations.contract import Continuation, Destination, Edit, PullsEdits, PullsMessages, Remark
from commonplace.errors import Refused
from commonplace.model import Conversation
from commonplace.moments import now
from commonplace.stages.mapping import projects
from commonplace.stages.syncing.words import words_of


class PullReport(msgspec.Struct, kw_only=True):
    """What came back."""

    taken: int = 0
    """Edits that are now the person's word here."""
    messages: int = 0
    requests: int = 0
    conflicts: list[str] = msgspec.field(default_factory=list)
    """Edits that could not be taken over, by conversation id and reason."""


def pulled_at(archive: Archive, destination: Destination) -> int | None:
    """When what happened there was last taken in."""
    known = recall(archive, _key(archive, destination))
    return int(known) if known else None


def _key(archive: Archive, destination: Destination) -> str:
    return f"pulled:{archive.owner}:{destination.instance}"


def can_pull(destination: Destination) -> bool:
    return destination.capabilities.supports_pull or destination.capabilities.supports_message_pull


def pull(archive: Archive, destination: Destination, taxonomy: Taxonomy) -> PullReport:
    """Take over what happened there since the last pull; nothing for destinations that cannot say."""
    report = PullReport()
    if not can_pull(destination):
        return report
    key, before = _key(archive, destination), destination.requests_sent
    started, known = now(), recall(archive, key)
    since = int(known) if known else None
    if destination.capabilities.supports_pull:
        _pull_edits(archive, cast(PullsEdits, destination), since, taxonomy, report)
    if destination.capabilities.supports_message_pull:
        _pull_messages(archive, cast(PullsMessages, destination), since, report)
    remember(archive, key, str(started))
    report.requests = destination.requests_sent - before
    return report


def _pull_edits(
    archive: Archive, destination: PullsEdits, since: int | None, taxonomy: Taxonomy, report: PullReport
) -> None:
    for edit in destination.pull(ArchiveLedger(archive, destination.instance), since):
        if not has_conversation(archive, edit.conversation_id):
            continue  # forgotten here, and still there
        if isinstance(edit, Remark):
            report.conflicts.append(f"{edit.conversation_id}: {edit.reason}")
            continue
        try:
            report.taken += _take_over(archive, edit, taxonomy)
        except Refused as refusal:
            edit.is_refused = True
            report.conflicts.append(f"{edit.conversation_id}: {edit.field}: {refusal}")


def _pull_messages(archive: Archive, destination: PullsMessages, since: int | None, report: PullReport) -> None:
    continuations = destination.pull_messages(ArchiveLedger(archive, destination.instance), since)
    report.messages += take_in(archive, continuations)


def take_in(archive: Archive, continuations: Iterable[Continuation]) -> int:
    """How many messages were new. What is there already changes nothing, so the same may come as often as it likes."""
    return sum(_add(archive, continuation) for continuation in continuations)


def _add(archive: Archive, continuation: Continuation) -> int:
    conversation = load_conversation(archive, continuation.conversation_id)
    if conversation is None:  # forgotten here
        return 0
    known = {message.id for message in conversation.messages}
    new = [message for message in continuation.messages if message.id not in known]
    if new:
        arriving = Conversation(
            source=conversation.source,
            external_id=conversation.external_id,
            account=conversation.account,
            updated_at=max(new[-1].created_at or 0, conversation.updated_at or 0),
            messages=new,
            current_message_id=new[-1].id,
        )
        merge(archive, None, [arriving])
    return len(new)


def _take_over(archive: Archive, edit: Edit, taxonomy: Taxonomy) -> bool:
    """Whether it is the person's word now. False: they gave a newer one here, and that is what is sent there."""
    ids, value, at = [edit.conversation_id], edit.value, edit.edited_at
    here = words_of(archive, ids)[edit.conversation_id].get(edit.field)
    if here is not None and here.at > at:
        if here.value != edit.before:
            return False
        at = here.at  # it was there when they changed it, so theirs is newer, whatever the clocks say
    match edit.field:
        case "project" if value:
            projects.assign(archive, str(value), ids, new=True)
            return True
        case "project":
            projects.unassign(archive, ids)
            return True
        case "category":
            value = _category(archive, str(value or ""), taxonomy, edit.conversation_id)
    return correct(archive, ids[0], edit.field, value, origin="destination", taxonomy=taxonomy.name, at=at)


def _category(archive: Archive, name: str, taxonomy: Taxonomy, conversation_id: str) -> str:
    """The taxonomy's own name of what a person typed. What it does not have is offered to them as a new one."""
    if not name:
        raise Refused("A category cannot be taken away, only changed.")
    found = taxonomy.get(name)
    if found is None:
        propose(archive, taxonomy.name, name, conversation_id)
        hint = "`commonplace review` offers it as a new one."
        raise Refused(f"{taxonomy.name} has no category of that name.", hint=hint)
    give_up(archive, taxonomy.name, conversation_id)
    return found.name
