"""How two states of one record become one, field by field, whatever the order they arrive in.

Exports are snapshots, taken at different times and of different richness, and imported in any order. So each field
keeps the moment of the state that it is from (a conversation's `updated_at`): a newer state replaces it, a state that
does not have it leaves it, and of two values of one age the greater holds. A message keeps the longest list of sources
that it ever had; what becomes of its words is told in `wording.py`. The result is the same for every order of arrival.

Nearly always every field is from the newest state. Only the others are written down, in the column `older`, as JSON:
`{"title": 1700000000000000}`; in a message `""` stands for all of its fields, `"parent"` for what exports said of its
parent, where there is more to say than its `parent_id`, `"told"` for the age of its rendering, where its words are
newer, and `"richer"` for renderings of words that it had before.

Where exports of one age have different words for a message, the others are messages beside it, on a branch of their
own: `extra["other words of"]` says whose.
"""

from __future__ import annotations

from typing import Any

import msgspec

from commonplace.archive.conversations.wording import Content, Told, Wording
from commonplace.archive.rows import to_json
from commonplace.model import Attachment, Conversation, Message

CONTENT = "content"
"""The field that holds what a message says; its parts belong together and come from one state."""
ALL = ""
PARENT = "parent"
OTHER_WORDS = "other words of"
_TOLD, _RICHER = "told", "richer"
_EXTRA = "extra "
_SOURCES = _EXTRA + "sources"
_ATTACHMENT = "attachment "
_ATTACHMENT_FIELDS = ("kind", "name", "mime_type", "size", "prompt", "member", "sha256")
_MESSAGE_FIELDS = ("author", "created_at", "model")
_CONVERSATION_FIELDS = (
    "title",
    "created_at",
    "current_message_id",
    "project_ref",
    "gpt_ref",
    "model",
    "url",
    "is_archived",
    "is_starred",
    "pinned_at",
)

Older = dict[str, Any]


class State(msgspec.Struct):
    """A record's fields that are known, and the moment of the state that each is from. Unknown age is 0."""

    fields: dict[str, Any]
    times: dict[str, int]
    parents: dict[str, int] = msgspec.field(default_factory=dict)
    wording: Wording | None = None
    """Of a message."""

    def absorb(self, other: State) -> None:
        """Take from `other` what is newer than ours, and what we have not."""
        for name in other.fields:
            if name != CONTENT and self._is_outdone(name, other):
                self.fields[name] = other.fields[name]
                self.times[name] = other.times[name]
        for parent, time in other.parents.items():
            self.parents[parent] = max(time, self.parents.get(parent, 0))
        if self.wording and other.wording:
            self.reword(other.wording)

    def reword(self, wording: Wording) -> None:
        assert self.wording is not None
        self.wording.absorb(wording)
        self.fields[CONTENT], self.times[CONTENT] = self.wording.main.content, self.wording.time

    def equally_new(self, other: State, name: str) -> tuple[str, str] | None:
        """What both say of this field, if they say something else and neither is newer."""
        if name not in self.fields or name not in other.fields or self.fields[name] == other.fields[name]:
            return None
        return (self.fields[name], other.fields[name]) if self.times[name] == other.times[name] else None

    def _is_outdone(self, name: str, other: State) -> bool:
        if name not in self.fields:
            return True
        ours, theirs = self.fields[name], other.fields[name]
        if ours == theirs:
            return other.times[name] > self.times[name]
        return _standing(name, theirs, other.times[name]) > _standing(name, ours, self.times[name])


def of_conversation(conversation: Conversation, time: int, older: Older | None = None) -> State:
    fields = _known(conversation, _CONVERSATION_FIELDS)
    fields.update((_EXTRA + name, value) for name, value in conversation.extra.items() if value is not None)
    return State(fields, _times(fields, time, older))


def of_message(message: Message, time: int, older: Older | None = None) -> State:
    fields = _known(message, _MESSAGE_FIELDS)
    fields[CONTENT] = content = content_of(message)
    fields.update((_EXTRA + name, value) for name, value in message.extra.items() if value is not None)
    for attachment in message.attachments:
        for name, value in _known(attachment, _ATTACHMENT_FIELDS).items():
            fields[f"{_ATTACHMENT}{name} {attachment.id}"] = value
    times = _times(fields, time, older)
    parents = {} if message.parent_id is None else {message.parent_id: times[CONTENT]}
    return State(fields, times, (older or {}).get(PARENT) or parents, _wording(content, times[CONTENT], older or {}))


def content_of(message: Message) -> Content:
    return Content(message.role, message.content_type, message.text, message.digest, message.is_hidden, message.raw)


def to_conversation(state: State, like: Conversation, time: int) -> Conversation:
    """The conversation that a state describes; identity and messages are those of `like`."""
    return Conversation(
        source=like.source,
        external_id=like.external_id,
        account=like.account,
        updated_at=time or None,
        messages=like.messages,
        extra=_extra(state),
        **{name: state.fields.get(name) for name in _CONVERSATION_FIELDS},
    )


def to_message(state: State, id: str, parent_id: str | None) -> Message:
    role, content_type, text, digest, is_hidden, raw = state.fields[CONTENT]
    others: dict[str, Any] = {name: state.fields.get(name) for name in _MESSAGE_FIELDS}
    return Message(
        id=id,
        role=role,
        text=text,
        digest=digest,
        parent_id=parent_id,
        content_type=content_type,
        is_hidden=is_hidden,
        raw=raw,
        extra=_extra(state),
        attachments=_attachments(state),
        **others,
    )


def to_others(state: State, like: Message) -> list[tuple[Message, str | None]]:
    """The messages that hold what else is said where `like` is, each with what is from an older state."""
    assert state.wording is not None
    found = []
    for told in state.wording.others:
        role, content_type, text, digest, is_hidden, raw = told.content
        message = Message(
            id=f"{like.id}~{digest.hex()[:12]}",
            role=role,
            text=text,
            digest=digest,
            parent_id=like.parent_id,
            content_type=content_type,
            created_at=like.created_at,
            is_active=False,
            is_hidden=is_hidden,
            raw=raw,
            extra={OTHER_WORDS: like.id},
        )
        older = {ALL: state.wording.time} | ({_TOLD: told.at} if told.at != state.wording.time else {})
        found.append((message, _to_json(older)))
    return found


def conversation_older(state: State, newest: int) -> str | None:
    return _to_json({name: time for name, time in state.times.items() if time != newest})


def message_older(state: State, newest: int) -> str | None:
    """Short where it can be: most messages are of one age."""
    usual = state.times[CONTENT]
    older: Older = {name: time for name, time in state.times.items() if time != usual}
    if usual != newest:
        older[ALL] = usual
    if state.parents and list(state.parents.values()) != [usual]:
        older[PARENT] = state.parents
    if state.wording and state.wording.main.at != usual:
        older[_TOLD] = state.wording.main.at
    if state.wording and state.wording.richer:
        older[_RICHER] = [told for _, told in sorted(state.wording.richer.items())]
    return _to_json(older)


def _wording(content: Content, time: int, older: Older) -> Wording:
    richer = [msgspec.convert(told, Told) for told in older.get(_RICHER, ())]
    told = Told(content, older.get(_TOLD, time))
    return Wording(time, {content.digest: told}, {told.content.digest: told for told in richer})


def _standing(name: str, value: Any, time: int) -> tuple[int, int, str]:
    """The greater one holds."""
    weight = len(value) if name == _SOURCES and isinstance(value, list) else 0
    return weight, time, to_json(value)


def _to_json(older: Older) -> str | None:
    return to_json(older) if older else None


def _known(record: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(record, name)) is not None}


def _times(fields: dict[str, Any], time: int, older: Older | None) -> dict[str, int]:
    if not older:
        return dict.fromkeys(fields, time)
    usual: int = older.get(ALL, time)
    times: dict[str, int] = {name: older.get(name, usual) for name in fields}
    return times


def _extra(state: State) -> dict[str, Any]:
    start = len(_EXTRA)
    return {name[start:]: value for name, value in state.fields.items() if name.startswith(_EXTRA)}


def _attachments(state: State) -> list[Attachment]:
    found: dict[str, dict[str, Any]] = {}
    for name, value in state.fields.items():
        if name.startswith(_ATTACHMENT):
            _, field, id = name.split(" ", 2)
            found.setdefault(id, {"id": id})[field] = value
    return [Attachment(**values) for values in found.values()]
