"""Conversations for tests, in a line or two."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from sqlalchemy import select

from commonplace.archive import schema
from commonplace.archive.core import Archive
from commonplace.archive.files.files import path_of
from commonplace.model import Conversation, Message, Role


def message(
    id: str,
    text: str = "",
    *,
    parent: str | None = None,
    role: Role = "user",
    hidden: bool = False,
    at: int | None = None,
    **fields: Any,
) -> Message:
    """A message as a source makes it: its digest is of the role and the raw text, and empty if nobody sees it."""
    said = text or f"text of {id}"
    digest = b"" if hidden else blake2b(f"{role}:{said}".encode(), digest_size=16).digest()
    return Message(
        id=id, role=role, text=said, digest=digest, parent_id=parent, is_hidden=hidden, created_at=at, **fields
    )


def chat(id: str, messages: Sequence[Message] = (), *, updated: int | None = 100, **fields: Any) -> Conversation:
    """A conversation whose messages, unless they say otherwise, answer one another in a row."""
    before = None
    for position, said in enumerate(messages):
        if said.parent_id is None:
            said.parent_id = before
        said.position = position
        before = said.id
    return Conversation(source="chatgpt", external_id=id, updated_at=updated, messages=list(messages), **fields)


def simple_chat(id: str, *texts: str, updated: int | None = 100, **fields: Any) -> Conversation:
    """Question, answer, question, ..."""
    roles: tuple[Role, Role] = ("user", "assistant")
    messages = [message(f"{id}-{n}", text, role=roles[n % 2], at=n + 1) for n, text in enumerate(texts)]
    return chat(id, messages, updated=updated, **fields)


def bytes_of(archive: Archive, sha256: str) -> bytes:
    """Of a file that has to be in the files location."""
    path = path_of(archive, sha256)
    assert path is not None
    return path.read_bytes()


def contents(archive: Archive) -> dict[str, Any]:
    """All that imports made for an owner, without surrogate keys and times of import: what must come out equal."""
    left_out = {"key", "conversation_key", "owner", "imported_at"}
    heads = schema.conversations
    with archive.read() as connection:
        ids = {row.key: row.id for row in connection.execute(select(heads).where(heads.c.owner == archive.owner))}
        found: dict[str, Any] = {}
        for table, key in (
            (heads, "key"),
            (schema.messages, "conversation_key"),
            (schema.attachments, "conversation_key"),
        ):
            found[table.name] = sorted(
                (ids[row._mapping[key]], repr([pair for pair in row._mapping.items() if pair[0] not in left_out]))
                for row in connection.execute(select(table))
                if row._mapping[key] in ids
            )
    return found
