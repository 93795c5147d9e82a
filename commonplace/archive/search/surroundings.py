"""What stands around a message that was found: enough of it, and of its neighbour, to be understood by itself."""

from __future__ import annotations

import msgspec
from sqlalchemy import func, select

from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations, messages

BEFORE, AFTER = 300, 900
"""Characters of a message that are read before and after where something was found in it."""
NEIGHBOUR = 600
"""Characters of the answer to a question, or of the question before an answer."""
_READ = 20_000


class Found(msgspec.Struct, frozen=True):
    """A message of a conversation, and where in it something was found; its beginning where nobody says."""

    conversation_id: str
    message_id: str
    place: tuple[int, int] | None = None


def read(archive: Archive, found: Found) -> str:
    """The piece and its neighbour, in their order, each after who said it. Empty where there is no such message."""
    table, head = messages.c, conversations.c
    of = (
        select(head.key, table.position, table.role)
        .join(messages, table.conversation_key == head.key)
        .where(head.owner == archive.owner, head.id == found.conversation_id, table.id == found.message_id)
    )
    with archive.read() as connection:
        row = connection.execute(of).first()
        if row is None:
            return ""
        beside = table.position > row.position if row.role == "user" else table.position < row.position
        order = table.position.asc() if row.role == "user" else table.position.desc()
        text = func.substr(table.text, 1, _READ).label("text")
        shown = select(table.position, table.role, text).where(
            table.conversation_key == row.key, table.is_active.is_(True), table.is_hidden.is_(False)
        )
        own = connection.execute(shown.where(table.id == found.message_id)).first()
        other_role = "assistant" if row.role == "user" else "user"
        other = connection.execute(shown.where(beside, table.role == other_role).order_by(order).limit(1)).first()
    if own is None:
        return ""
    parts = [(own.position, own.role, _around(own.text, found.place))]
    if other is not None:
        parts.append((other.position, other.role, other.text[:NEIGHBOUR]))
    return "\n".join(f"{role}: {said.strip()}" for _, role, said in sorted(parts) if said.strip())


def _around(text: str, place: tuple[int, int] | None) -> str:
    start, stop = place or (0, 0)
    return text[max(0, start - BEFORE) : stop + AFTER]
