"""What stands around a message that was found: enough of it, and of its neighbour, to be understood by itself."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from sqlalchemy import func, select

from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations, messages

BEFORE, AFTER = 300, 900
"""Characters of a message that are read before and after where something was found in it."""
NEIGHBOUR = 600
"""Characters of the answer to a question, or of the question before an answer."""
_READ = 20_000
_CUT = "…"
_LONGEST_WORD = 40


class Found(msgspec.Struct, frozen=True):
    """A message of a conversation, and where in it something was found; its beginning where nobody says."""

    conversation_id: str
    message_id: str
    place: tuple[int, int] | None = None


class Part(NamedTuple):
    """What one side said of a piece."""

    role: str
    text: str


def read(archive: Archive, found: Found) -> list[Part]:
    """The piece and its neighbour, in their order. Nothing where there is no such message."""
    table, head = messages.c, conversations.c
    of = (
        select(head.key, table.position, table.role)
        .join(messages, table.conversation_key == head.key)
        .where(head.owner == archive.owner, head.id == found.conversation_id, table.id == found.message_id)
    )
    with archive.read() as connection:
        row = connection.execute(of).first()
        if row is None:
            return []
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
        return []
    start, stop = found.place or (0, 0)
    parts = [(own.position, Part(own.role, _between(own.text, start - BEFORE, stop + AFTER)))]
    if other is not None:
        parts.append((other.position, Part(other.role, _between(other.text, 0, NEIGHBOUR))))
    return [part for _, part in sorted(parts) if part.text]


def _between(text: str, start: int, stop: int) -> str:
    """A piece of a text from one word to another, marked where it leaves something out."""
    before, piece, after = text[: max(0, start)], text[max(0, start) : stop], text[stop:]
    if before:
        piece = piece[_first_space(piece) :]
    if after:
        piece = piece[: len(piece) - _first_space(piece[::-1])]
    piece = piece.strip()
    return f"{_CUT + ' ' if before else ''}{piece}{' ' + _CUT if after else ''}" if piece else ""


def _first_space(text: str) -> int:
    """Where the word ends that was cut; where it began, if that is no word but a script without spaces."""
    return next((place for place, sign in enumerate(text[:_LONGEST_WORD]) if sign.isspace()), 0)
