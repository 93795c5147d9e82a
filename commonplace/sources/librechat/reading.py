"""Conversations that LibreChat exported, one in a file, as a list or as a tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from commonplace.model import Conversation, Message
from commonplace.sources.contract import NotAConversation
from commonplace.sources.fields import dicts, first_text, mapping, moment
from commonplace.sources.listed import Kind, Listed, an_object
from commonplace.sources.turns import (
    Around,
    Turn,
    arrange,
    cited,
    first_moment,
    last_moment,
    newest_model,
    role_of,
    title_of,
    words_in,
)
from commonplace.sources.unfamiliar import count_fields

TITLE = "LibreChat"
_AGENT = "agent_"
"""What stands in place of a model is the id of whoever was set up to answer with one."""
_NO_PARENT = "00000000-0000-0000-0000-000000000000"
_CONVERSATION = frozenset(
    {
        "_id",
        "branches",
        "conversationId",
        "createdAt",
        "endpoint",
        "exportAt",
        "messages",
        "model",
        "options",
        "recursive",
        "tags",
        "title",
        "updatedAt",
        "user",
    }
)
_MESSAGE = frozenset(
    {
        "_id",
        "__v",
        "attachments",
        "bg",
        "children",
        "clientId",
        "content",
        "conversationId",
        "createdAt",
        "depth",
        "endpoint",
        "error",
        "expiredAt",
        "feedback",
        "files",
        "finish_reason",
        "iconURL",
        "isCreatedByUser",
        "messageId",
        "model",
        "parentMessageId",
        "sender",
        "siblingIndex",
        "text",
        "tokenCount",
        "unfinished",
        "updatedAt",
        "user",
    }
)
_PARTS = {
    "text": frozenset({"type", "text", "tool_call_ids"}),
    "think": frozenset({"type", "think"}),
    "tool_call": frozenset({"type", "tool_call"}),
    "image_file": frozenset({"type", "image_file"}),
    "error": frozenset({"type", "error"}),
}


def _conversation(item: Any, around: Around) -> Conversation:
    item = an_object(item, TITLE)
    external_id = first_text(item, "conversationId")
    if external_id is None or not isinstance(item.get("messages"), list):
        raise NotAConversation("no id or no list of messages")
    count_fields(around.unfamiliar, item, _CONVERSATION)
    told = list(_all(item["messages"]))
    options = mapping(item.get("options"))
    named = (name for holder in (item, options) if (name := first_text(holder, "model")))
    instructions = first_text(options, "promptPrefix", "system", "instructions")
    messages, current = arrange(
        [_message(record, f"{external_id}-{place}", around) for place, record in enumerate(told)]
    )
    answered = (name for name in (newest_model(messages), *(message.model for message in messages)) if name)
    return Conversation(
        source="librechat",
        external_id=external_id,
        title=first_text(item, "title") or title_of(messages),
        created_at=moment(item.get("createdAt")) or first_moment(messages),
        updated_at=moment(item.get("updatedAt")) or last_moment(messages),
        messages=messages,
        current_message_id=current,
        model=next((name for name in (*named, *answered) if not name.startswith(_AGENT)), None),
        extra={"instructions": instructions} if instructions else {},
    )


def _all(messages: list[Any]) -> Iterator[dict[str, Any]]:
    """Every message, those that stand below others too."""
    waiting = list(reversed(list(dicts(messages))))
    while waiting:
        record = waiting.pop()
        yield record
        waiting += reversed(list(dicts(record.get("children"))))


def _message(record: dict[str, Any], spare_id: str, around: Around) -> Message:
    turn = Turn(around)
    for part in dicts(record.get("content")):
        _read_part(part, turn)
    if not turn.words:
        turn.say(record.get("text"))
    for file in dicts(record.get("files")):
        if id := first_text(file, "file_id", "filename"):
            turn.attach(id, name=first_text(file, "filename"), mime_type=first_text(file, "type"))
    found = [
        page
        for attached in dicts(record.get("attachments"))
        for key in ("organic", "topStories")
        for page in dicts(mapping(attached.get("web_search")).get(key))
    ]
    turn.keeps_raw = turn.keeps_raw or bool(record.get("attachments"))
    turn.more(record, "message", _MESSAGE)
    is_persons = record.get("isCreatedByUser")
    role = ("user" if is_persons else "assistant") if isinstance(is_persons, bool) else role_of(record.get("sender"))
    parent = first_text(record, "parentMessageId")
    return turn.message(
        {key: value for key, value in record.items() if key != "children"},
        first_text(record, "messageId") or spare_id,
        role_of(role),
        parent_id=None if parent == _NO_PARENT else parent,
        created_at=moment(record.get("createdAt")),
        model=first_text(record, "model") if role == "assistant" else None,
        extra={"sources": cited(found), "status": "unfinished" if record.get("unfinished") is True else None},
    )


def _read_part(part: dict[str, Any], turn: Turn) -> None:
    kind = part.get("type")
    if not isinstance(kind, str) or kind not in _PARTS:
        turn.strange(part, kind)
        return
    if kind == "text":
        told = part.get("text")
        turn.say(mapping(told).get("value", told))
    elif kind == "think":
        told = part.get("think")
        turn.thoughts(mapping(told).get("value", told))
    elif kind == "error":
        turn.fold("Error", words_in(part.get("error") or ""))
    elif kind == "image_file":
        image = mapping(part.get("image_file"))
        if id := first_text(image, "file_id", "filename"):
            turn.attach(id, name=first_text(image, "filename"), kind="image", prompt=first_text(image, "prompt"))
    else:
        call = mapping(part.get("tool_call"))
        turn.call(call.get("name"), call.get("args"))
        if call.get("output"):
            turn.output(call.get("name"), words_in(call["output"]))
    turn.more(part, kind, _PARTS[kind])


SOURCE = Listed(
    name="librechat",
    title=TITLE,
    reader_version="librechat/3",
    kind=Kind(read=_conversation, identity=re.compile(rb'"conversationId"\s*:\s*"([^"\\]{1,100})"')),
)
