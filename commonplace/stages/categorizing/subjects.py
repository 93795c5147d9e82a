"""What judges get to see: conversations out of the archive, shortened where they are long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

import msgspec
from sqlalchemy import case, func, select

from commonplace.archive.core import Archive
from commonplace.archive.rows import batched
from commonplace.archive.schema import conversations, messages
from commonplace.archive.verdicts.verdicts import list_corrections
from commonplace.categorize.contract import Lesson, Subject, Turn

LONGEST_TURN = 12_000
"""Characters; what is longer loses its middle before it leaves the database."""
_HEAD, _TAIL = 8_000, 3_000
_AT_ONCE = 200
_GAP = "\n[…]\n"


class Heading(msgspec.Struct, frozen=True):
    """A conversation without its words."""

    conversation_id: str
    content_hash: str


def headings(archive: Archive, conversation_ids: Sequence[str]) -> list[Heading]:
    """Those that exist, as they are now."""
    table = conversations.c
    found: list[Heading] = []
    with archive.read() as connection:
        for chunk in batched(conversation_ids, _AT_ONCE):
            query = select(table.id, table.content_hash).where(table.owner == archive.owner, table.id.in_(chunk))
            found += (Heading(row.id, row.content_hash) for row in connection.execute(query))
    return found


def categories_of(archive: Archive, conversation_ids: Sequence[str]) -> dict[str, str | None]:
    """Where each is sorted now."""
    table = conversations.c
    found: dict[str, str | None] = {}
    with archive.read() as connection:
        for chunk in batched(conversation_ids, _AT_ONCE):
            query = select(table.id, table.category).where(table.owner == archive.owner, table.id.in_(chunk))
            found.update((row.id, row.category) for row in connection.execute(query))
    return found


def subjects(archive: Archive, conversation_ids: Sequence[str]) -> list[Subject]:
    """Those that exist, in the order asked for. Turns are the visible ones of the active path that have a text."""
    found: dict[str, Subject] = {}
    for chunk in batched(conversation_ids, _AT_ONCE):
        found.update((subject.conversation_id, subject) for subject in _read(archive, chunk))
    return [found[id] for id in conversation_ids if id in found]


def lessons(archive: Archive, taxonomy: str, *, newest: int | None = None) -> list[Lesson]:
    """What people corrected in a taxonomy, as examples; the newest so many."""
    words = list_corrections(archive, "category", taxonomy=taxonomy)
    said = {word.conversation_id: str(word.value) for word in (words[-newest:] if newest else words)}
    return [Lesson(subject=seen, category=said[seen.conversation_id]) for seen in subjects(archive, list(said))]


def _read(archive: Archive, ids: Sequence[str]) -> Iterator[Subject]:
    table, said = conversations.c, messages.c
    heads = select(table.key, table.id, table.content_hash, table.title, table.created_at, table.language).where(
        table.owner == archive.owner, table.id.in_(ids)
    )
    size = func.length(said.text)
    short = case(
        (size <= LONGEST_TURN, said.text),
        else_=func.substr(said.text, 1, _HEAD) + _GAP + func.substr(said.text, size - _TAIL + 1, _TAIL),
    )
    with archive.read() as connection:
        rows = {row.key: row for row in connection.execute(heads)}
        turns = (
            select(said.conversation_key, said.role, short.label("text"))
            .where(
                said.conversation_key.in_(list(rows)),
                said.role.in_(["user", "assistant"]),
                said.is_active.is_(True),
                said.is_hidden.is_(False),
                size > 0,
            )
            .order_by(said.conversation_key, said.position)
        )
        spoken = {
            key: tuple(Turn(role, text) for _, role, text in group)
            for key, group in groupby(connection.execute(turns).all(), key=itemgetter(0))
        }
    for key, row in rows.items():
        yield Subject(
            conversation_id=row.id,
            content_hash=row.content_hash,
            title=row.title,
            turns=spoken.get(key, ()),
            created_at=row.created_at,
            language=row.language,
        )
