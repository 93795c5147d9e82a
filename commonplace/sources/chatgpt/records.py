"""What else of an export is words: Codex's tasks, group chats, canvas documents, memories. Each is a conversation.

Nothing says how they look, and they change: what holds words is read whatever it is called, in its order, and the raw
record is kept with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import Any

import msgspec

from commonplace.model import Conversation, Message
from commonplace.sources.chatgpt.conversations import NAME, read_conversation
from commonplace.sources.chatgpt.messages import digest_of, role_of
from commonplace.sources.chatgpt.surroundings import Surroundings
from commonplace.sources.contract import NotAConversation
from commonplace.sources.decoding import encode, storable
from commonplace.sources.fields import first_text, mapping, moment
from commonplace.sources.markdown import fence, paragraphs
from commonplace.sources.unfamiliar import is_readable, leftovers

_ABOUT = frozenset(
    {
        "author",
        "branch",
        "branch_name",
        "conversation_id",
        "create_time",
        "created_at",
        "external_pull_request_id",
        "name",
        "participants",
        "pull_request_status",
        "role",
        "sender",
        "title",
        "turn_status",
        "update_time",
        "updated_at",
        "user",
        "user_id",
    }
)
"""What tells of a record without being its words."""


class Kind(msgspec.Struct, frozen=True):
    """One kind of record: what it is called, and how its conversation is made."""

    name: str
    under: str
    """The key that its list stands under, should there be an object around it."""
    read: Callable[[dict[str, Any], Surroundings], Conversation]
    is_whole: bool = False
    """Whether a file is one conversation, whatever is in it."""


def kind_of_file(name: str) -> Kind | None:
    path = PurePosixPath(name)
    if path.suffix.lower() != ".json":
        return None
    return _KINDS.get(path.name) or _FOLDERS.get(path.parent.name)


def read_record(kind: Kind, item: object, around: Surroundings) -> Conversation:
    """The conversation that an item of such a file is. Raises `NotAConversation`."""
    if kind.is_whole and not isinstance(item, dict):
        item = {kind.under: item}
    if not isinstance(item, dict):
        raise NotAConversation("not an object")
    return kind.read(item, around)


def _task(item: dict[str, Any], around: Surroundings) -> Conversation:
    """What somebody asked Codex in the cloud to do, and what it told."""
    return _conversation(item, "task", _said(item, "turns"))


def _group_chat(item: dict[str, Any], around: Surroundings) -> Conversation:
    if isinstance(item.get("mapping"), dict):
        found = read_conversation(item, around)
        found.extra["kind"] = "group_chat"
        return found
    return _conversation(item, "group_chat", _said(item, "messages" if item.get("messages") else "items"))


def _said(item: dict[str, Any], under: str) -> Iterable[dict[str, Any]]:
    """What stands in the record itself, should there be words, then the list of what was said, also in bare strings."""
    told = item.get(under)
    turns = told if isinstance(told, list) else [told]
    own = {key: value for key, value in item.items() if key not in (under, "id")}
    if _words(own):
        yield own
    yield from (turn if isinstance(turn, dict) else {"text": turn} for turn in turns if turn)


def _document(item: dict[str, Any], around: Surroundings) -> Conversation:
    """A canvas document; what a person and the model wrote together is told as the model's."""
    return _conversation(item, "textdoc", [{**item, "role": "assistant"}])


def _memories(item: dict[str, Any], around: Surroundings) -> Conversation:
    """All that ChatGPT remembers of a person, as one conversation."""
    told = next((value for value in item.values() if isinstance(value, list)), [])
    memories = [one if isinstance(one, dict) else {"content": one} for one in told] or [item]
    return _conversation({"id": "all", "title": "Memories"}, "memories", memories)


def _conversation(item: dict[str, Any], kind: str, turns: Iterable[dict[str, Any]]) -> Conversation:
    own_id = first_text(item, "id", "conversation_id")
    if own_id is None:
        raise NotAConversation("without an id")
    messages: list[Message] = []
    for turn in turns:
        messages.append(_message(turn, own_id, messages))
    if not any(message.text for message in messages):
        messages = []
    times = [message.created_at for message in messages if message.created_at]
    return Conversation(
        source=NAME,
        external_id=own_id if own_id.startswith("task_") else f"{kind}-{own_id}",
        title=first_text(item, "title", "name"),
        created_at=moment(item.get("create_time") or item.get("created_at")) or min(times, default=None),
        updated_at=moment(item.get("update_time") or item.get("updated_at")) or max(times, default=None),
        messages=messages,
        current_message_id=messages[-1].id if messages else None,
        extra={"kind": kind} | {key: storable(item[key]) for key in ("participants", "branch") if item.get(key)},
    )


def _message(turn: dict[str, Any], own_id: str, before: list[Message]) -> Message:
    author = next((told for key in ("author", "sender", "user") if (told := mapping(turn.get(key)))), {})
    role, name = role_of(turn.get("role") or author.get("role") or "user", author.get("name"))
    words = _words(turn)
    text = paragraphs(*(fence(told, "diff") if told.startswith("diff --git") else told for told in words))
    return Message(
        id=first_text(turn, "id") or f"{own_id}-{len(before)}",
        role=role,
        text=text,
        digest=digest_of(role, "text", words, []) if role in ("user", "assistant") else b"",
        parent_id=before[-1].id if before else None,
        author=name if isinstance(name, str) else first_text(turn, "sender", "author", "user"),
        created_at=moment(turn.get("create_time") or turn.get("created_at")),
        is_hidden=not text,
        position=len(before),
        raw=encode(turn),
    )


def _words(turn: dict[str, Any]) -> list[str]:
    beside = {key: value for key, value in turn.items() if key not in _ABOUT}
    return [told for _, told in leftovers(beside, "record", set()) if is_readable(told)]


_DOCUMENTS = Kind("textdocs", "textdocs", _document)
_KINDS = {
    "codex.json": Kind("codex", "tasks", _task),
    "group_chats.json": Kind("group_chats", "chats", _group_chat),
    "memories.json": Kind("memories", "memories", _memories, is_whole=True),
    "memory.json": Kind("memories", "memories", _memories, is_whole=True),
    "textdocs.json": _DOCUMENTS,
}
_FOLDERS = {"textdocs": _DOCUMENTS}
IDENTITY = re.compile(rb'"id"\s*:\s*"([^"\\]{1,100})"')
