"""Notes that a program adds: conversations of a source of their own, each with one message."""

from __future__ import annotations

from hashlib import blake2b
from uuid import uuid4

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.model import Conversation, Message
from commonplace.moments import now

SOURCE = "note"


def save_note(archive: Archive, title: str, text: str) -> str:
    """A new one; its id."""
    moment, id = now(), uuid4().hex
    seen = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    note = Message(id=f"{id}-note", role="user", text=text, digest=seen, created_at=moment)
    conversation = Conversation(
        source=SOURCE,
        external_id=id,
        title=title,
        created_at=moment,
        updated_at=moment,
        current_message_id=note.id,
        messages=[note],
    )
    merge(archive, None, [conversation])
    return conversation.id
