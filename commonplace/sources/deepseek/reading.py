"""Conversations of DeepSeek's export: a tree like ChatGPT's, whose messages are in fragments.

The first exports had no fragments, and did not say who speaks: people and the assistant take turns.
"""

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
_MESSAGE = frozenset(
    {
        *("id", "model", "inserted_at", "updated_at", "files", "fragments", "role", "status"),
        *("content", "reasoning_content", "thinking_content", "search_results"),
    }
)
_FRAGMENT = frozenset({"id", "type", "content", "files", "result", "results", "status", "url"})
_SAID = frozenset({"REQUEST", "RESPONSE", "TEMPLATE_RESPONSE"})
_LOOKED_UP = frozenset({"SEARCH", "TOOL_SEARCH", "TOOL_OPEN", "READ_LINK"})
_FILE = frozenset({"id", "file_name", "file_size", "file_type", "content", "file_id", "inserted_at", "name", "status"})


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
    asked = _asked(nodes)
    read = [
        _message(key, mapping(node), nodes, around, is_asked=key in asked)
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


def _message(key: str, node: dict[str, Any], nodes: dict[str, Any], around: Around, *, is_asked: bool) -> Message:
    told, turn = node["message"], Turn(around)
    files = list(dicts(told.get("files")))
    found = list(dicts(told.get("search_results")))
    fragments = list(dicts(told.get("fragments")))
    for fragment in fragments:
        kind = first_text(fragment, "type")
        if kind == "THINK":
            turn.thoughts(fragment.get("content"))
        elif kind in _SAID:
            turn.say(fragment.get("content"))
        elif kind in _LOOKED_UP:
            found += (*dicts(fragment.get("results")), *dicts(fragment.get("result")), fragment)
        elif kind == "FILE":
            files += dicts(fragment.get("files"))
        else:
            turn.strange(fragment, kind)
            continue
        turn.more(fragment, "fragment", _FRAGMENT)
    if not fragments:
        turn.thoughts(first_text(told, "reasoning_content", "thinking_content"))
        turn.say(told.get("content"))
    for file in files:
        name = first_text(file, "file_name", "name")
        if file_id := first_text(file, "id", "file_id") or name:
            turn.attach(file_id, name=name, told=first_text(file, "content"))
        turn.more(file, "file", _FILE)
    turn.more(told, "message", _MESSAGE)
    return turn.message(
        told,
        key,
        "user" if is_asked else "assistant",
        parent_id=_parent(node, nodes),
        created_at=moment(told.get("inserted_at")),
        model=None if is_asked else first_text(told, "model"),
        extra={"sources": cited(found)},
    )


def _asked(nodes: dict[str, Any]) -> set[str]:
    """The messages that a person said: as it is told, or because what they answer was said by the assistant."""
    is_asked: dict[str, bool] = {}
    for start in nodes:
        trail: list[str] = []
        step: str | None = start
        while step is not None and step in nodes and step not in is_asked and step not in trail[-1:]:
            told = _is_asked(mapping(mapping(nodes[step]).get("message")))
            if told is not None or len(trail) > len(nodes):
                is_asked[step] = bool(told)
                break
            trail.append(step)
            step = _parent(mapping(nodes[step]), nodes)
        before = is_asked.get(step or "", False)
        for key in reversed(trail):
            before = is_asked[key] = not before
    return {key for key, was in is_asked.items() if was}


def _is_asked(told: dict[str, Any]) -> bool | None:
    """None where nothing says it."""
    kinds = {first_text(fragment, "type") for fragment in dicts(told.get("fragments"))}
    role = first_text(told, "role")
    return "REQUEST" in kinds or (role or "").lower() == "user" if kinds or role else None


def _parent(node: dict[str, Any], nodes: dict[str, Any]) -> str | None:
    """None below a root that says nothing."""
    parent = first_text(node, "parent")
    is_silent = parent is not None and mapping(nodes.get(parent)).get("message") is None and parent in nodes
    return None if is_silent else parent


SOURCE = Listed(
    name="deepseek",
    title="DeepSeek",
    reader_version="deepseek/4",
    kind=Kind(read=_conversation, identity=re.compile(rb'"id"\s*:\s*"([^"\\]{1,100})"')),
    tells=frozenset({"user.json"}),
)
