"""One hash for what a reader would see of a conversation, as raw text.

Every stage keys its work on it, so it must change when, and only when, the content does: the same for every era of the
export (full or trimmed), for every order of its keys and for every version of our rendering. That is why it is made of
the messages' digests, which their source makes of the raw text, and of each visible message's nearest visible parent:
messages that nobody sees come and go between exports.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from commonplace.archive.conversations.tree import visible_parents
from commonplace.model import Conversation

VERSION = "c1"

Node = tuple[str, str | None, bytes, bool]
"""Of one message: id, parent's id, digest, is active."""


def content_hash(conversation: Conversation) -> str:
    """The hash of a conversation whose messages are arranged."""
    nodes = [(message.id, message.parent_id, message.digest, message.is_active) for message in conversation.messages]
    return hash_nodes(conversation.title, conversation.project_ref, nodes)


def hash_nodes(title: str | None, project_ref: str | None, nodes: Iterable[Node]) -> str:
    """The same, for who has the nodes without their texts."""
    nodes = list(nodes)
    parents = visible_parents([(id, parent, bool(digest)) for id, parent, digest, _ in nodes])
    seen = sorted((id, parents[id], digest, active) for id, _, digest, active in nodes if digest)
    content = msgspec.msgpack.encode((title or "", project_ref or "", seen))
    return f"{VERSION}:{blake2b(content, digest_size=16).hexdigest()}"
