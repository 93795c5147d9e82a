"""Conversations of a workspace's compliance logs, put together from the events of all files.

An event tells one message, and a conversation goes on for days: a folder is read as a whole, so that what was asked on
one day and answered on the next is one conversation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from commonplace.errors import Defect
from commonplace.model import Conversation, Message
from commonplace.sources.chatgpt_compliance.events import Record, kind_of, messages_of
from commonplace.sources.chatgpt_compliance.gathering import Gathered
from commonplace.sources.containers import Unreadable
from commonplace.sources.contents import Contents
from commonplace.sources.contract import Item, Known
from commonplace.sources.decoding import Undecodable, decode, storable
from commonplace.sources.fields import count as number
from commonplace.sources.fields import dicts, first_text, mapping, moment, text
from commonplace.sources.listed import Kind, Listed, ListedExport
from commonplace.sources.shapes import COMPLIANCE
from commonplace.sources.splitting import Flaw, split
from commonplace.sources.turns import (
    Around,
    Turn,
    arrange,
    first_moment,
    in_turn,
    last_moment,
    newest_model,
    role_of,
    title_of,
)
from commonplace.sources.unfamiliar import count, name_of

_NO_MESSAGES = "events"
"""What tells no message is one empty conversation, however much it is, so that the counts balance."""
_MESSAGE = frozenset(
    {
        *("id", "message_id", "object", "conversation_id", "workspace_id", "author", "role", "sender", "content"),
        *("created_at", "create_time", "updated_at", "update_time", "timestamp", "status", "end_turn", "weight"),
        *("parent", "parent_id", "parent_message_id", "model", "model_slug", "files", "attachments", "recipient"),
        *("gpt_id", "gpt_name", "gizmo_id", "project_id", "user_id", "user_email", "channel", "metadata", "actor"),
        *("text", "event_id", "event_type", "type", "action", "principal", "principal_id", "payload"),
    }
)
_CONTENT = frozenset({"content_type", "type", "parts", "value", "text", "language"})
_TIMES = ("created_at", "create_time", "timestamp", "occurred_at", "time")
_PARENT = ("parent_id", "parent_message_id", "parent")
_FILES = ("files", "attachments")


def _conversation(events: Any, around: Around) -> Conversation:
    told = [(id, holder, message, event) for event in dicts(events) for id, holder, message in messages_of(event)]
    if not told:
        return Conversation(source="chatgpt_compliance", external_id=_NO_MESSAGES)
    external_id = told[0][0]
    by_id: dict[str, Message] = {}
    for place, (_, holder, message, event) in enumerate(told):
        read = _message(message, holder, event, f"{external_id}-{place}", around)
        by_id.pop(read.id, None)  # edited: the newest words count
        by_id[read.id] = read
    ordered = sorted(by_id.values(), key=lambda message: message.created_at or 0)
    if all(message.parent_id is None for message in ordered):
        in_turn(ordered)
    messages, current = arrange(ordered)
    about = _about(told)
    return Conversation(
        source="chatgpt_compliance",
        external_id=external_id,
        title=first_text(about, "title", "conversation_title") or title_of(messages),
        created_at=first_moment(messages),
        updated_at=last_moment(messages),
        messages=messages,
        current_message_id=current,
        project_ref=first_text(about, "project_id"),
        gpt_ref=first_text(about, "gpt_id", "gizmo_id"),
        model=newest_model(messages),
        url=f"https://chatgpt.com/c/{external_id}",
        extra={
            key: storable(value)
            for key, value in {
                "account": first_text(about, "user_email", "user_id"),
                "workspace": first_text(about, "workspace_id"),
            }.items()
            if value
        },
    )


def _about(told: list[tuple[str, Record, Record, Record]]) -> Record:
    """What events say of the conversation, the newest word for each key."""
    found: Record = {}
    for _, holder, message, event in told:
        for part in (event, mapping(event.get("actor")), holder, mapping(holder.get("conversation")), message):
            found |= {key: value for key, value in part.items() if isinstance(value, str) and value}
        actor = mapping(event.get("actor")) or mapping(holder.get("actor"))
        found |= {f"user_{key}": actor[key] for key in ("id", "email") if text(actor.get(key))}
    return found


def _message(message: Record, holder: Record, event: Record, spare_id: str, around: Around) -> Message:
    turn = Turn(around)
    author = message.get("author") or message.get("role") or message.get("sender")
    role = role_of(author if isinstance(author, str) else first_text(mapping(author), "role", "type") or "assistant")
    content = message.get("content")
    for part in content if isinstance(content, list) else [content]:
        _say(part, turn, role)
    if not turn.pieces:
        turn.say(message.get("text"))
    for file in (file for key in _FILES for file in dicts(message.get(key))):
        name = first_text(file, "name", "filename", "file_name")
        if key := first_text(file, "id", "file_id") or name:
            turn.attach(key, name=name, mime_type=first_text(file, "mime_type"), size=number(file.get("size")))
    turn.more(message, "message", _MESSAGE)
    at = next((at for one in (message, holder, event) for key in _TIMES if (at := moment(one.get(key)))), None)
    return turn.message(
        event,
        first_text(message, "id", "message_id") or first_text(event, "event_id", "id") or spare_id,
        role,
        parent_id=first_text(message, *_PARENT),
        author=first_text(message, "user_email") or first_text(mapping(author), "email", "name"),
        created_at=at,
        model=first_text(message, "model", "model_slug") or first_text(mapping(message.get("metadata")), "model_slug"),
        is_hidden=role == "system",
    )


def _say(told: Any, turn: Turn, role: str) -> None:
    """A piece of a content: words, a part with words, or a list of these under `parts`."""
    if isinstance(told, dict):
        kind = first_text(told, "content_type", "type") or "text"
        for piece in (told.get("value"), told.get("text"), *_parts(told)):
            if isinstance(piece, dict):
                turn.strange(piece, piece.get("content_type") or piece.get("type"))
            elif (role == "tool" or kind == "code") and (said := text(piece)):
                turn.output(kind, said)
            else:
                turn.say(piece)
        turn.more(told, kind, _CONTENT)
    else:
        turn.say(told)


def _parts(told: Record) -> list[Any]:
    parts = told.get("parts")
    return parts if isinstance(parts, list) else [parts]


class _Logs(ListedExport):
    def conversations(self, known: Known | None = None) -> Iterator[Item]:
        reader = SOURCE.kind.reader(self.reader_version, self._around, self.wholes, self._beside)
        with Gathered() as gathered:
            for _, member in self._to_read:
                yield from self._gather(member, gathered)
            lists = chain(gathered.lists(), [memoryview(b"[]")] if self.unfamiliar else [])
            yield from self._watched(reader.items_of(self._contents.name, lists, known))

    def _gather(self, member: str, gathered: Gathered) -> Iterator[Defect]:
        """The events of a file to those of the same conversation. What tells no message is counted; what is no event
        is a defect."""
        try:
            data = self._contents.load(member)
        except Unreadable as exc:
            yield Defect(member, "", str(exc))
            return
        for place, piece in enumerate(split(data, "data")):
            if isinstance(piece, Flaw):
                yield Defect(member, f"#{piece.index}", piece.reason)
                continue
            try:
                event = decode(piece)
            except Undecodable as exc:
                yield Defect(member, f"#{place}", str(exc))
                continue
            if not isinstance(event, dict):
                yield Defect(member, f"#{place}", "not an event")
            elif own := next((id for id, _, _ in messages_of(event)), None):
                gathered.keep(own, piece)
            else:
                count(self.unfamiliar, f"event.{name_of(kind_of(event))}")


class _Source(Listed, frozen=True, kw_only=True):
    def open(self, contents: Contents) -> ListedExport:
        return _Logs(self, contents)


SOURCE = _Source(
    name="chatgpt_compliance",
    title=COMPLIANCE,
    reader_version="compliance/1",
    kind=Kind(read=_conversation, identity=re.compile(rb'"conversation_id"\s*:\s*"([^"\\]{1,100})"')),
)
