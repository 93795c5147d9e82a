"""Conversations of Mistral's Le Chat: a file for each, which is the list of its messages."""

from __future__ import annotations

import re
from typing import Any

from commonplace.model import Conversation, Message
from commonplace.sources.contract import NotAConversation
from commonplace.sources.fields import dicts, first_text, mapping, moment
from commonplace.sources.listed import Kind, Listed
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

_MESSAGE = frozenset(
    {
        "canvas",
        "chatId",
        "content",
        "contentChunks",
        "createdAt",
        "files",
        "id",
        "model",
        "quotes",
        "reaction",
        "role",
        "version",
    }
)
_CHUNKS = {
    "text": frozenset({"type", "text", "_context"}),
    "image_url": frozenset({"type", "imageUrl", "image_url"}),
    "thinking": frozenset({"type", "thinking"}),
    "custom_element": frozenset({"type", "customElementType", "metadata"}),
}


def _conversation(item: Any, around: Around) -> Conversation:
    told = list(dicts(item))
    external_id = next((id for record in told if (id := first_text(record, "chatId"))), None)
    if external_id is None:
        raise NotAConversation("no chat has an id")
    if any(first_text(record, "chatId") not in (None, external_id) for record in told):
        raise NotAConversation("messages of several chats in one list")
    taken: set[str] = set()
    read = [_message(record, f"{external_id}-{place}", taken, around) for place, record in enumerate(told)]
    read.sort(key=lambda message: message.created_at or 0)
    in_turn(read)
    messages, current = arrange(read)
    return Conversation(
        source="lechat",
        external_id=external_id,
        title=title_of(messages),
        created_at=first_moment(messages),
        updated_at=last_moment(messages),
        messages=messages,
        current_message_id=current,
        model=newest_model(messages),
        url=f"https://chat.mistral.ai/chat/{external_id}",
    )


def _message(record: dict[str, Any], spare_id: str, taken: set[str], around: Around) -> Message:
    turn = Turn(around)
    found: list[dict[str, Any]] = []
    words: list[str] = []
    for chunk in dicts(record.get("contentChunks")):
        kind = chunk.get("type")
        if kind == "text":
            words.append(first_text(chunk, "text") or "")
            turn.more(chunk, "text", _CHUNKS["text"])
        elif kind == "reference":  # it stands within a sentence, which goes on behind it
            found += (chunk, *dicts(chunk.get("references")), *dicts(chunk.get("sources")))
            turn.keeps_raw = True
        else:
            _say(words, turn)
            _read_chunk(chunk, turn)
    _say(words, turn)
    if named := _named(found):
        turn.fold("Sources", named)
    if not turn.words:
        turn.say(record.get("content"))
    for document in dicts(record.get("canvas")):
        turn.fold(first_text(document, "title") or "Canvas", document.get("content"))
        turn.more(document, "canvas", {"id", "title", "content", "type", "version", "createdAt"})
    for file in dicts(record.get("files")):
        if name := first_text(file, "name", "id"):
            turn.attach(name, name=name, kind="image" if file.get("type") == "image" else "file")
    turn.more(record, "message", _MESSAGE)
    id = first_text(record, "id") or spare_id
    if id in taken:
        id = f"{id}-v{record.get('version')}-{spare_id}"
    taken.add(id)
    role = role_of(record.get("role"))
    return turn.message(
        record,
        id,
        role,
        created_at=moment(record.get("createdAt")),
        model=first_text(record, "model") if role == "assistant" else None,
        extra={
            "sources": cited(found),
            "reaction": None if record.get("reaction") == "neutral" else record.get("reaction"),
        },
    )


def _read_chunk(chunk: dict[str, Any], turn: Turn) -> None:
    kind = chunk.get("type")
    if kind == "tool_call":
        turn.call(first_text(chunk, "name", "tool") or first_text(mapping(chunk.get("function")), "name"), chunk)
        return
    elif kind == "thinking":
        turn.thoughts(words_in(chunk.get("thinking") or ""))
    elif kind == "custom_element":  # where a canvas stands, which the message has beside
        turn.keeps_raw = True
    elif kind == "image_url":
        turn.fold("Image")
        turn.keeps_raw = True
    else:
        turn.strange(chunk, kind)
        return
    turn.more(chunk, str(kind), _CHUNKS[str(kind)])


def _say(words: list[str], turn: Turn) -> None:
    turn.say("".join(words))
    words.clear()


def _named(found: list[dict[str, Any]]) -> str:
    """What is cited, line by line."""
    lines = (" ".join(filter(None, (first_text(one, "title"), first_text(one, "url")))) for one in found)
    return "\n".join(f"- {line}" for line in dict.fromkeys(lines) if line)


SOURCE = Listed(
    name="lechat",
    title="Le Chat",
    reader_version="lechat/3",
    kind=Kind(read=_conversation, identity=re.compile(rb'"chatId"\s*:\s*"([^"\\]{1,100})"'), is_whole=True),
)
