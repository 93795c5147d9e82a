"""Conversations, projects and memories of Claude's export.

The export does not say which project a conversation belongs to. What projects know (their documents) and what Claude
remembers are words too: each is read as a conversation of its own.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from commonplace.model import Conversation, Message, Project, about_project
from commonplace.sources.claude.parts import FAMILIAR, read_parts
from commonplace.sources.contract import NotAConversation
from commonplace.sources.decoding import storable
from commonplace.sources.fields import count as number
from commonplace.sources.fields import dicts, first_text, flag, moment
from commonplace.sources.listed import Kind, Listed, an_object
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
from commonplace.sources.unfamiliar import count_fields

TITLE = "Claude"
_NO_PARENT = "00000000-0000-4000-8000-000000000000"
_IDENTITY = re.compile(rb'"uuid"\s*:\s*"([^"\\]{1,100})"')
_KEPT = ("account", "settings", "platform", "is_temporary")
_CONVERSATION = frozenset(
    {
        "chat_messages",
        "conversation_id",
        "create_time",
        "created_at",
        "current_leaf_message_uuid",
        "is_starred",
        "model",
        "name",
        "project",
        "project_uuid",
        "summary",
        "title",
        "updated_at",
        "uuid",
        *_KEPT,
    }
)
_PROJECT = frozenset(
    {
        "archiver",
        "created_at",
        "creator",
        "description",
        "docs",
        "is_private",
        "is_starter_project",
        "name",
        "prompt_template",
        "updated_at",
        "uuid",
    }
)


def _conversation(item: Any, around: Around) -> Conversation:
    item = an_object(item, TITLE)
    told = item.get("chat_messages")
    if not isinstance(told, list):
        raise NotAConversation("no list of messages")
    external_id = first_text(item, "uuid", "conversation_id")
    if external_id is None:
        raise NotAConversation("it has no id")
    count_fields(around.unfamiliar, item, _CONVERSATION)
    read = [_message(record, f"{external_id}-{place}", around) for place, record in enumerate(dicts(told))]
    if not any("parent_message_uuid" in record for record in dicts(told)):
        in_turn(read)
    messages, current = arrange(read, first_text(item, "current_leaf_message_uuid"))
    return Conversation(
        source="claude",
        external_id=external_id,
        title=first_text(item, "name", "title") or title_of(messages),
        created_at=moment(item.get("created_at") or item.get("create_time")) or first_moment(messages),
        updated_at=moment(item.get("updated_at")) or last_moment(messages),
        messages=messages,
        current_message_id=current,
        project_ref=first_text(item, "project_uuid"),
        model=first_text(item, "model") or newest_model(messages),
        url=f"https://claude.ai/chat/{external_id}",
        is_starred=flag(item.get("is_starred")),
        extra={key: storable(item[key]) for key in (*_KEPT, "summary") if item.get(key)},
    )


def _message(record: dict[str, Any], spare_id: str, around: Around) -> Message:
    turn = Turn(around)
    cited = read_parts(record, turn)
    for attached in dicts(record.get("attachments")):
        name, told = first_text(attached, "file_name"), first_text(attached, "extracted_content")
        turn.attach(
            first_text(attached, "id", "file_name") or f"{spare_id}-{len(turn.attachments)}",
            name=name,
            told=told,
            mime_type=first_text(attached, "file_type"),
            size=number(attached.get("file_size")),
        )
        if told:
            turn.fold(f"Attachment: {name or 'text'}", told)
    named = {}
    for file in (*dicts(record.get("files")), *dicts(record.get("files_v2"))):
        key = first_text(file, "file_uuid", "file_name")
        if key:
            named[key] = first_text(file, "file_name")
    for key, name in named.items():
        turn.attach(key, name=name)
    turn.more(record, "message", FAMILIAR)
    parent = first_text(record, "parent_message_uuid")
    role = role_of(first_text(record, "sender", "role") or "human")
    return turn.message(
        record,
        first_text(record, "uuid") or spare_id,
        role,
        parent_id=None if parent == _NO_PARENT else parent,
        created_at=moment(record.get("created_at")),
        model=first_text(record, "model") if role == "assistant" else None,
        extra={"sources": cited, "status": record.get("truncated") and "truncated"},
    )


def _project(item: Any, around: Around) -> Conversation:
    """What a project knows: its description, its instructions and its documents."""
    item = an_object(item, TITLE)
    external_id = first_text(item, "uuid")
    if external_id is None:
        raise NotAConversation("it has no id")
    name = first_text(item, "name")
    about = Turn(around)
    about.say(item.get("description"))
    about.say(item.get("prompt_template"))
    about.more(item, "project", _PROJECT)
    read = [about.message(item, f"{external_id}-about", "system", created_at=moment(item.get("created_at")))]
    for place, document in enumerate(dicts(item.get("docs"))):
        turn = Turn(around)
        turn.fold(first_text(document, "filename", "name") or "Document", document.get("content"))
        turn.more(document, "document", {"uuid", "filename", "name", "content", "created_at"})
        key = first_text(document, "uuid") or f"{external_id}-{place}"
        read.append(turn.message(document, key, "system", created_at=moment(document.get("created_at"))))
    in_turn(read)
    messages, current = arrange(read)
    named = Project(
        id=external_id,
        name=name or "",
        description=first_text(item, "description"),
        instructions=first_text(item, "prompt_template"),
    )
    return Conversation(
        source="claude",
        external_id=about_project(external_id),
        title=name,
        created_at=moment(item.get("created_at")),
        updated_at=moment(item.get("updated_at")),
        messages=messages,
        current_message_id=current,
        project_ref=external_id,
        url=f"https://claude.ai/project/{external_id}",
        extra={"kind": "project"},
        project=named if name else None,
    )


def _memories(item: Any, around: Around) -> Conversation:
    """What Claude remembers, whatever shape it has."""
    turn = Turn(around)
    told = item if isinstance(item, list) else [item]
    for record in told:
        if isinstance(record, str):
            turn.say(record)
        elif isinstance(record, dict):
            for key, value in record.items():
                if not key.endswith(("uuid", "id", "_at")):
                    _say_all(turn, value)
    messages, current = arrange([turn.message(item, "memories", "assistant")])
    return Conversation(
        source="claude",
        external_id="memories",
        title="Memories",
        messages=messages,
        current_message_id=current,
        extra={"kind": "memories"},
    )


def _say_all(turn: Turn, value: Any) -> None:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _say_all(turn, inner)
    else:
        turn.say(value)


_PROJECTS = Kind(read=_project, identity=_IDENTITY, under="projects")
_MEMORIES = Kind(read=_memories, identity=re.compile(rb"(?!)"), is_whole=True)


def _others(path: PurePosixPath) -> Kind | None:
    if path.suffix == ".json" and (path.name == "projects.json" or path.parent.name == "projects"):
        return _PROJECTS
    return _MEMORIES if path.name == "memories.json" else None


SOURCE = Listed(
    name="claude",
    title=TITLE,
    reader_version="claude/5",
    kind=Kind(read=_conversation, identity=_IDENTITY),
    others=_others,
    tells=frozenset({"users.json", "manifest.json", "export_manifest.json"}),
)
