"""The events of a workspace's logs: which of them tells a message, and of which conversation.

No schema is published: an event is an envelope (who, when, of which kind) around what it tells, under one key or
another. What it tells is found by its shape, and what tells no message is counted by its kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from commonplace.sources.fields import dicts, first_text, mapping

Record = dict[str, Any]
KIND = ("event_type", "type", "action", "object")
_DEEPEST = 4


def messages_of(event: Record) -> Iterator[tuple[str, Record, Record]]:
    """Each message that an event tells: the id of its conversation, what is told of that, and the message."""
    for holder in _holders(event):
        told = holder.get("messages")
        several = [*dicts(mapping(told).get("data"))] if isinstance(told, dict) else [*dicts(told)]
        conversation = _conversation_id(holder, is_one=bool(several))
        if several:
            own = conversation or next((id for one in several if (id := first_text(one, "conversation_id"))), None)
            if own:
                yield from ((own, holder, message) for message in several)
                return
        message = holder.get("message")
        message = message if isinstance(message, dict) else holder if _is_message(holder) else None
        conversation = conversation or first_text(mapping(message), "conversation_id")
        if conversation and message is not None:
            yield conversation, holder, message
            return


def _holders(event: Record) -> Iterator[Record]:
    """The event and the objects in it, what is near to its surface first."""
    level: list[Record] = [event]
    for _ in range(_DEEPEST):
        yield from level
        level = [value for holder in level for value in holder.values() if isinstance(value, dict)]


def _conversation_id(holder: Record, *, is_one: bool) -> str | None:
    told = mapping(holder.get("conversation"))
    return (
        first_text(holder, "conversation_id", "thread_id")
        or first_text(told, "id", "conversation_id")
        or (first_text(holder, "id") if is_one else None)
    )


def _is_message(holder: Record) -> bool:
    return "content" in holder and any(key in holder for key in ("author", "role", "sender"))


def kind_of(event: Record) -> str:
    return first_text(event, *KIND) or "event"
