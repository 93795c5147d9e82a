"""The same conversation told in two ways: a webhook says more of it than an API does, or the other way round."""

from __future__ import annotations

from commonplace.archive.conversations.reading import load_conversation
from commonplace.archive.core import Archive
from commonplace.model import Message
from commonplace.sources.contract import Received


def recognise(archive: Archive, received: Received) -> None:
    """Messages without an id of their own are those of the archive that say the same at the same time, and whoever the
    archive knows to have spoken did."""
    stored = load_conversation(archive, received.conversation.id)
    if stored is None:
        return
    known = {message.id: message for message in stored.messages}
    alike = {(message.text, message.created_at): message for message in reversed(stored.messages)}
    renamed: dict[str, str] = {}
    for message in received.conversation.messages:
        made_up = message.id
        if made_up in received.unnamed and (same := alike.pop((message.text, message.created_at), None)):
            renamed[made_up] = message.id = same.id
        message.parent_id = renamed.get(message.parent_id or "", message.parent_id)
        if made_up in received.unattributed and (before := known.get(message.id)):
            _attribute(message, before)


def _attribute(message: Message, before: Message) -> None:
    message.author = before.author
    message.extra = before.extra | message.extra
