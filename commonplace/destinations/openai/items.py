"""From messages to items of the Conversations API, and back.

An item has no moment, no metadata and an id that the service gives it. So what an item is to us (which message, with
which words) is kept in the ledger; what is in no ledger was said there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Literal

import msgspec

from commonplace.destinations.contract import Document
from commonplace.destinations.sendable import sendable
from commonplace.model import SAID_AT, Attachment, Message, Role, digest_of
from commonplace.moments import now, to_iso

AT_ONCE = 20
LONGEST = 500_000
"""Characters of one item; a longer message becomes several."""
THERE = "openai:"
"""How the ids of messages begin that were said there."""
METADATA_VALUE = 512
OWNER = "commonplace"

Speaker = Literal["user", "assistant", "system", "developer"]
_SPEAKERS: Mapping[Role, Speaker] = {
    "user": "user", "assistant": "assistant", "system": "developer", "tool": "developer",
}  # fmt: skip
_ROLES: Mapping[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
_THOUGHTS = frozenset({"thoughts", "reasoning_recap"})


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A message, or a part of a long one, as it is said there."""

    id: str
    role: Speaker
    text: str

    @property
    def hash(self) -> str:
        return hash_of(self.role, self.text)

    def body(self) -> dict[str, str]:
        return {"type": "message", "role": self.role, "content": self.text}


def pieces_of(document: Document, *, asides: bool) -> list[Piece]:
    """The active path, in its order. What was said there is on it as well, whatever it is."""
    return [
        piece
        for message in document.conversation.messages
        if message.is_active and (message.id.startswith(THERE) or _is_shown(message, asides=asides))
        for piece in _pieces(message)
    ]


def message_of(item: Mapping[str, Any], parent_id: str | None, project: str | None = None) -> Message:
    """What somebody said there. What is no message (a call of a tool, a thought) is kept as a hidden one."""
    role, text = _ROLES.get(str(item.get("role")), "tool"), text_of(item)
    is_message = item.get("type") == "message" and role != "tool"
    return Message(
        id=f"{THERE}{item['id']}",
        role=role,
        text=text,
        digest=digest_of(role, text) if is_message and text else b"",
        parent_id=parent_id,
        created_at=now(),
        is_hidden=not is_message,
        content_type="text" if is_message else str(item.get("type") or "unknown"),
        extra={SAID_AT: "openai"} | ({"phase": item["phase"]} if item.get("phase") else {}),
    )


def hash_of_item(item: Mapping[str, Any]) -> str:
    return hash_of(str(item.get("role")), text_of(item))


def hash_of(role: str, text: str) -> str:
    return blake2b(f"{role}\n{text}".encode(), digest_size=8).hexdigest()


def text_of(item: Mapping[str, Any]) -> str:
    """What can be read of an item."""
    content = item.get("content")
    if isinstance(content, str):
        return sendable(content)
    parts = [part for part in content or () if isinstance(part, Mapping)] if isinstance(content, list) else []
    said = [str(part.get("text") or part.get("refusal") or f"[{part.get('type')}]") for part in parts]
    return sendable("\n\n".join(said) if said else f"[{item.get('type')}]")


def message_id(piece_id: str) -> str:
    """The message that a piece is of."""
    return piece_id.partition("#")[0]


def metadata_of(document: Document) -> dict[str, str]:
    """At most 16 values of 512 characters."""
    conversation = document.conversation
    told = {
        "owner": OWNER,
        "source_id": conversation.id,
        "title": conversation.title,
        "project": document.project_name,
        "category": document.category,
        "created_at": to_iso(conversation.created_at),
        "url": conversation.url,
    }
    return {key: sendable(value)[:METADATA_VALUE] for key, value in told.items() if value}


def _is_shown(message: Message, *, asides: bool) -> bool:
    is_aside = message.role not in ("user", "assistant") or message.content_type in _THOUGHTS
    return not message.is_hidden and (asides or not is_aside)


def _pieces(message: Message) -> Iterator[Piece]:
    text = sendable("\n\n".join(filter(None, [message.text.strip("\n"), *map(_line, message.attachments)])))
    role: Speaker = "assistant" if message.content_type in _THOUGHTS else _SPEAKERS[message.role]
    if message.id.startswith(THERE):
        text = sendable(message.text)
        yield Piece(id=message.id, role=role, text=text)
        return
    for number, start in enumerate(range(0, len(text), LONGEST), 1):
        id = message.id if number == 1 else f"{message.id}#{number}"
        yield Piece(id=id, role=role, text=text[start : start + LONGEST])


def _line(attachment: Attachment) -> str:
    return f"[{attachment.kind.capitalize()}: {attachment.name or attachment.id}]"
