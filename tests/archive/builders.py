"""Conversations for tests, in a line or two."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from sqlalchemy import select

from commonplace.archive import schema
from commonplace.archive.core import Archive
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


def contents(archive: Archive) -> dict[str, Any]:
    """Everything that imports made, without surrogate keys and without when it was done: what must come out equal."""
    left_out = {"key", "conversation_key", "imported_at"}
    with archive.read() as connection:
        keys = connection.execute(select(schema.conversations.c.key, schema.conversations.c.id))
        ids = {key: id for key, id in keys}  # noqa: C416
        found: dict[str, Any] = {}
        for table in (schema.conversations, schema.messages, schema.attachments):
            found[table.name] = sorted(
                (
                    ids.get(row._mapping.get("conversation_key", -1), ""),
                    tuple((name, repr(value)) for name, value in row._mapping.items() if name not in left_out),
                )
                for row in connection.execute(select(table))
            )
    return found
