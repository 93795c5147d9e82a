"""Pieces of conversations that are still going on: they wait for the whole, which stands for all of them.

When no whole arrives they are assembled, and that gives way when the whole arrives after all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import select

from commonplace.archive.conversations import records
from commonplace.archive.core import Archive
from commonplace.archive.inbox import Entry
from commonplace.archive.rows import batched
from commonplace.archive.schema import conversations
from commonplace.model import Conversation
from commonplace.moments import DAY, HOUR
from commonplace.sources.contract import Event, NotAConversation, Sender
from commonplace.stages.forgetting import forget

WAIT = HOUR
"""So long after the last piece, the whole is not expected any more."""
_LONGEST = DAY


def event(entry: Entry) -> Event:
    return Event(kind=entry.kind, uid=entry.uid, body=entry.body, received_at=entry.received_at, session=entry.session)


def sittings(sending: Sender, entries: Sequence[Entry]) -> list[list[Entry]]:
    """Pieces of one uid, together by the conversation they are of. One that nobody can read is a sitting by itself."""
    readable: list[Entry] = []
    odd: list[list[Entry]] = []
    for entry in entries:
        try:
            sending.sittings([event(entry)])
        except NotAConversation:
            odd.append([entry])
        else:
            readable.append(entry)
    waiting = iter(readable)
    found = sending.sittings([event(entry) for entry in readable]) if readable else []
    return [*([next(waiting) for _ in sitting] for sitting in found), *odd]


def whole_of(archive: Archive, sending: Sender, uid: str, sitting: Sequence[Entry]) -> str | None:
    """The id of a whole conversation in the archive that these pieces are of."""
    first, last = sitting[0].received_at, sitting[-1].received_at
    for conversation in _begun_between(archive, sending, first - _LONGEST, last + HOUR):
        span = sending.covers(conversation)
        if span and conversation.extra.get("uid") == uid and span[0] <= first and last <= span[1]:
            return conversation.id
    return None


def give_way(archive: Archive, home: Path, sending: Sender, wholes: Sequence[Conversation]) -> int:
    """Forget what was assembled of pieces before one of these arrived, for good; how many there were."""
    spans = [(span, whole.extra.get("uid")) for whole in wholes if (span := sending.covers(whole))]
    if not spans:
        return 0
    first, last = min(span[0] for span, _ in spans), max(span[1] for span, _ in spans)
    found = {
        one.id
        for one in _begun_between(archive, sending, first, last, is_wanted=sending.is_assembled)
        for (begun_at, ended_at), uid in spans
        if one.extra.get("uid") == uid and begun_at <= (one.created_at or 0) and (one.updated_at or 0) <= ended_at
    }
    if found:
        forget(archive, home, ids=found)
    return len(found)


def _begun_between(
    archive: Archive, sending: Sender, since: int, until: int, *, is_wanted: Callable[[str], bool] = bool
) -> list[Conversation]:
    """The owner's conversations from this sender, without their messages; of ids that are not wanted, none is read."""
    table = conversations.c
    begun = table.owner == archive.owner, table.source == sending.name, table.created_at.between(since, until)
    with archive.read() as connection:
        ids = [id for id in connection.execute(select(table.id).where(*begun)).scalars() if is_wanted(id)]
        return [
            records.conversation_from(row, [])
            for some in batched(ids)
            for row in connection.execute(select(conversations).where(*begun, table.id.in_(some)))
        ]
