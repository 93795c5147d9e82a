"""Conversations that Open WebUI exported."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from commonplace.model import Conversation, Message
from commonplace.sources.contract import NotAConversation
from commonplace.sources.fields import dicts, first_text, flag, mapping, moment, strings, text
from commonplace.sources.listed import Kind, Listed, an_object
from commonplace.sources.turns import (
    Around,
    Turn,
    arrange,
    cited,
    first_moment,
    in_turn,
    last_moment,
    newest_model,
    role_of,
    title_of,
    words_in,
)
from commonplace.sources.unfamiliar import count_fields

TITLE = "Open WebUI"
_CONVERSATION = frozenset(
    {
        "archived",
        "chat",
        "created_at",
        "folder_id",
        "id",
        "meta",
        "pinned",
        "share_id",
        "title",
        "updated_at",
        "user_id",
    }
)
_MESSAGE = frozenset(
    {
        "annotation",
        "childrenIds",
        "code_executions",
        "content",
        "done",
        "error",
        "favorite",
        "feedbackId",
        "files",
        "followUps",
        "id",
        "info",
        "lastSentence",
        "model",
        "modelIdx",
        "modelName",
        "models",
        "originalContent",
        "output",
        "parentId",
        "role",
        "selectedModelId",
        "sources",
        "statusHistory",
        "timestamp",
        "usage",
        "user",
        "userContext",
    }
)


def _conversation(item: Any, around: Around) -> Conversation:
    item = an_object(item, TITLE)
    chat, external_id = mapping(item.get("chat")), first_text(item, "id")
    history = mapping(chat.get("history"))
    told = list(mapping(history.get("messages")).values()) or chat.get("messages")
    if external_id is None or not isinstance(told, list):
        raise NotAConversation("no id or no messages")
    count_fields(around.unfamiliar, item, _CONVERSATION)
    read = [_message(record, f"{external_id}-{place}", around) for place, record in enumerate(dicts(told))]
    if not any(message.parent_id for message in read):
        in_turn(read)
    messages, current = arrange(read, first_text(history, "currentId"))
    folder = first_text(item, "folder_id")
    return Conversation(
        source="openwebui",
        external_id=external_id,
        title=first_text(item, "title") or first_text(chat, "title") or title_of(messages),
        created_at=moment(item.get("created_at")) or first_moment(messages),
        updated_at=moment(item.get("updated_at")) or last_moment(messages),
        messages=messages,
        current_message_id=current,
        project_ref=folder,
        model=newest_model(messages) or next(iter(strings(chat.get("models"))), None),
        is_archived=flag(item.get("archived")),
        is_starred=flag(item.get("pinned")),
        extra={
            key: told
            for key, told in {
                "tags": strings(mapping(item.get("meta")).get("tags")),
                "instructions": first_text(mapping(chat.get("params")), "system"),
            }.items()
            if told
        },
    )


_ASIDE = re.compile(
    r'<details type="(reasoning|tool_calls|code_interpreter)"((?: [\w-]+="[^"]*")*)>\s*'
    r"<summary>[^<>]{0,500}</summary>((?:(?!</details>).)*)</details>",
    re.DOTALL,
)
"""What a model does beside its answer stands in the answer itself."""
_END = "</details>"
_ATTRIBUTE = re.compile(r' ([\w-]+)="([^"]*)"')
_QUOTED = re.compile(r"^> ?", re.MULTILINE)


def _say(told: object, turn: Turn) -> None:
    """An answer, and folded what the model did before or between."""
    written = text(told) or ""
    place = 0
    for aside in _ASIDE.finditer(written, 0, written.rfind(_END) + len(_END)):  # none is looked for beyond the last end
        turn.say(written[place : aside.start()].strip("\n"))
        place = aside.end()
        kind, given, inside = aside[1], dict(_ATTRIBUTE.findall(aside[2])), unescape(aside[3]).strip()
        if kind == "reasoning":
            turn.thoughts(_QUOTED.sub("", inside))
        elif kind == "tool_calls":
            turn.call(given.get("name"), unescape(given.get("arguments", "")))
            turn.output(given.get("name"), unescape(given.get("result", "")) or inside)
        else:
            turn.fold("Code", inside)
            turn.output("code", unescape(given.get("output", "")))
    turn.say(written[place:].strip("\n") if place else written)


def _say_output(items: Any, turn: Turn) -> None:
    """An answer item by item, where it is told in no other way."""
    for item in dicts(items):
        kind, said = item.get("type"), "\n".join(_texts(item.get("content")) or _texts(item.get("summary")))
        if kind == "reasoning":
            turn.thoughts(said)
        elif kind == "function_call":
            turn.call(item.get("name"), item.get("arguments"))
        elif kind == "function_call_output":
            turn.output(None, words_in(item.get("output") or ""))
        else:
            turn.say(said)


def _texts(parts: Any) -> list[str]:
    return [said for part in dicts(parts) if (said := first_text(part, "text"))]


def _message(record: dict[str, Any], spare_id: str, around: Around) -> Message:
    turn = Turn(around)
    content = record.get("content")
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, dict) and part.get("type") != "text":
            turn.strange(part, part.get("type"))
        else:
            _say(mapping(part).get("text", part), turn)
    if not turn.pieces:
        _say_output(record.get("output"), turn)
    for file in dicts(record.get("files")):
        if id := first_text(file, "id", "name", "url"):
            kind = "image" if file.get("type") == "image" else "file"
            turn.attach(
                id if len(id) < 200 else f"{spare_id}-{len(turn.attachments)}",
                name=first_text(file, "name"),
                kind=kind,
                told=first_text(mapping(mapping(file.get("file")).get("data")), "content"),
            )
    for step in dicts(record.get("statusHistory")):
        if asked := first_text(step, "query"):
            turn.fold("Search", asked)
    if failed := record.get("error"):
        turn.fold("Error", words_in(failed) if isinstance(failed, str | dict) else None)
    turn.more(record, "message", _MESSAGE)
    found = list(dicts(record.get("sources")))
    turn.keeps_raw = turn.keeps_raw or bool(found)  # passages of documents that it was shown
    role = role_of(record.get("role"))
    return turn.message(
        record,
        first_text(record, "id") or spare_id,
        role,
        parent_id=first_text(record, "parentId"),
        created_at=moment(record.get("timestamp")),
        model=first_text(record, "model", "modelName") if role == "assistant" else None,
        extra={
            "sources": cited(mapping(one.get("source")) for one in found),
            "related": strings(record.get("followUps")),
        },
    )


SOURCE = Listed(
    name="openwebui",
    title=TITLE,
    reader_version="openwebui/4",
    kind=Kind(read=_conversation, identity=re.compile(rb'"id"\s*:\s*"([^"\\]{1,100})"')),
)
