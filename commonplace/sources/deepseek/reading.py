"""Conversations of DeepSeek's export: a tree like ChatGPT's, whose messages are in fragments."""

from __future__ import annotations

import re
from typing import Any

from commonplace.model import Conversation, Message
from commonplace.sources.contract import NotAConversation
from commonplace.sources.fields import dicts, first_text, mapping, moment
from commonplace.sources.listed import Kind, Listed
from commonplace.sources.turns import Around, Turn, arrange, cited, first_moment, last_moment, newest_model, title_of
from commonplace.sources.unfamiliar import count_fields

_CONVERSATION = frozenset({"id", "title", "inserted_at", "updated_at", "mapping"})
_MESSAGE = frozenset({"id", "model", "inserted_at", "updated_at", "files", "fragments", "role", "status"})
_FRAGMENT = frozenset({"id", "type", "content", "results"})
_FILE = frozenset({"id", "file_name", "file_size", "file_type", "content", "inserted_at", "status"})


def _conversation(item: Any, around: Around) -> Conversation:
    if not isinstance(item, dict):
        raise NotAConversation("not an object")
    nodes = item.get("mapping")
    if not isinstance(nodes, dict):
        raise NotAConversation("its mapping is not an object")
    external_id = first_text(item, "id")
    if external_id is None:
        raise NotAConversation("it has no id")
    count_fields(around.unfamiliar, item, _CONVERSATION)
    read = [
        _message(key, mapping(node), nodes, around)
        for key, node in nodes.items()
        if isinstance(mapping(node).get("message"), dict)
    ]
    messages, current = arrange(read)
    return Conversation(
        source="deepseek",
        external_id=external_id,
        title=first_text(item, "title") or title_of(messages),
        created_at=moment(item.get("inserted_at")) or first_moment(messages),
        updated_at=moment(item.get("updated_at")) or last_moment(messages),
        messages=messages,
        current_message_id=current,
        model=newest_model(messages),
        url=f"https://chat.deepseek.com/a/chat/s/{external_id}",
    )


def _message(key: str, node: dict[str, Any], nodes: dict[str, Any], around: Around) -> Message:
    told, turn = node["message"], Turn(around)
    kinds = set()
    found: list[dict[str, Any]] = []
    for fragment in dicts(told.get("fragments")):
        kind = fragment.get("type")
        kinds.add(kind)
        if kind == "THINK":
            turn.thoughts(fragment.get("content"))
        elif kind in ("REQUEST", "RESPONSE"):
            turn.say(fragment.get("content"))
        elif kind == "SEARCH":
            found += dicts(fragment.get("results"))
        else:
            turn.strange(fragment, kind)
            continue
        turn.more(fragment, "fragment", _FRAGMENT)
    for file in dicts(told.get("files")):
        name = first_text(file, "file_name")
        if file_id := first_text(file, "id") or name:
            turn.attach(file_id, name=name, told=first_text(file, "content"))
        turn.more(file, "file", _FILE)
    turn.more(told, "message", _MESSAGE)
    is_asked = "REQUEST" in kinds or str(told.get("role")).lower() == "user"
    return turn.message(
        told,
        key,
        "user" if is_asked else "assistant",
        parent_id=_parent(node, nodes),
        created_at=moment(told.get("inserted_at")),
        model=None if is_asked else first_text(told, "model"),
        extra={"sources": cited(found)},
    )


def _parent(node: dict[str, Any], nodes: dict[str, Any]) -> str | None:
    """None below a root that says nothing."""
    parent = first_text(node, "parent")
    is_silent = parent is not None and mapping(nodes.get(parent)).get("message") is None and parent in nodes
    return None if is_silent else parent


SOURCE = Listed(
    name="deepseek",
    title="DeepSeek",
    reader_version="deepseek/3",
    kind=Kind(read=_conversation, identity=re.compile(rb'"id"\s*:\s*"([^"\\]{1,100})"')),
    tells=frozenset({"user.json"}),
)
