"""A session of Codex: messages, reasoning and tools; the folder that it works in is its project.

What somebody says stands in it twice, as an item of the model's and as an event of the program's: items count, and
events where a file has no items.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from commonplace.model import Conversation, Message
from commonplace.sources.contract import NotAConversation
from commonplace.sources.fields import dicts, first_text, mapping, moment, text
from commonplace.sources.listed import Kind, Listed
from commonplace.sources.sessions import DAMAGED, records
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
    words_in,
)
from commonplace.sources.unfamiliar import count

TITLE = "Codex"
Record = dict[str, Any]
_SURROUNDINGS = re.compile(
    r"\A\s*(?:<(user_instructions|environment_context|permissions[\w ]*|turn_aborted|INSTRUCTIONS|user_shell_command|"
    r"subagent_notification|skill|collaboration_mode|model_switch|personality_spec|(?:apps|skills|plugins)_instructions)>|"
    r"# (AGENTS\.md))"
)
_ANY_ITEM = frozenset({"type", "id", "status", "call_id", "end_turn", "phase", "metadata"})
_EVENTS = {"user_message": "user", "agent_message": "assistant"}
_WORK = frozenset({"turn_context", "event_msg", "state", "session_state", "ghost_snapshot", "world_state"})
_UNREADABLE = frozenset({"ghost_snapshot", "compaction", "compaction_summary", "context_compaction"})
"""Items that hold the state of the program, or what only the service can decrypt."""


def _message(item: Record, turn: Turn) -> str:
    content = item.get("content")
    is_programs = item.get("role") in ("developer", "system")
    for told in content if isinstance(content, list) else [content]:
        part = mapping(told)
        kind = part.get("type")
        if kind in ("input_text", "output_text", "text"):
            _say(part.get("text"), turn, is_programs=is_programs)
            turn.more(part, "text", {"type", "text", "annotations"})
        elif kind in ("input_image", "image"):
            turn.fold("Image")
            turn.keeps_raw = True
        elif part:
            turn.strange(part, kind)
        else:
            _say(told, turn, is_programs=is_programs)
    turn.more(item, "message", _ANY_ITEM | {"role", "content"})
    return role_of(item.get("role"))


def _say(told: object, turn: Turn, *, is_programs: bool) -> None:
    """What somebody said; what the program says, for them or by itself, is folded."""
    written = text(told)
    found = _SURROUNDINGS.match(written) if written else None
    if found or (written and is_programs):
        turn.fold((found[1] or found[2]).replace("_", " ") if found else "Instructions", written)
    else:
        turn.say(written)


def _reasoning(item: Record, turn: Turn) -> str:
    for part in (*dicts(item.get("summary")), *dicts(item.get("content"))):
        turn.thoughts(part.get("text"))
    turn.more(item, "reasoning", _ANY_ITEM | {"summary", "content", "encrypted_content"})
    return "assistant"


def _call(item: Record, turn: Turn) -> str:
    kind = str(item.get("type")).removesuffix("_call")
    given = next((item[key] for key in ("arguments", "input", "action", "query") if item.get(key)), None)
    turn.call(first_text(item, "name") or kind, given)
    turn.more(item, kind, _ANY_ITEM | {"name", "namespace", "arguments", "input", "action", "query"})
    return "assistant"


def _output(item: Record, turn: Turn) -> str:
    told = item.get("output")
    parts = told if isinstance(told, list) else [told]
    turn.output(None, "\n".join(_answered(part, turn) for part in parts if part))
    turn.more(item, "output", _ANY_ITEM | {"output", "name"})
    return "tool"


def _answered(part: Any, turn: Turn) -> str:
    if mapping(part).get("type") == "input_image":
        turn.keeps_raw = True
        return "[image]"
    return words_in(part)


_ITEMS: dict[str, Callable[[Record, Turn], str]] = {
    "message": _message,
    "reasoning": _reasoning,
    "function_call": _call,
    "local_shell_call": _call,
    "custom_tool_call": _call,
    "web_search_call": _call,
    "tool_search_call": _call,
    "function_call_output": _output,
    "custom_tool_call_output": _output,
    "tool_search_output": _output,
}


def _conversation(lines: Iterable[Record | None], around: Around) -> Conversation:
    metas: list[Record] = []
    told: list[tuple[Record, Record]] = []
    model = None
    for record in lines:
        if record is None:
            count(around.unfamiliar, DAMAGED)
            continue
        kind, payload = record.get("type"), mapping(record.get("payload"))
        if kind == "session_meta" or (not payload and "instructions" in record):
            metas.append(payload or record)
        elif kind == "turn_context":
            model = first_text(payload, "model") or model
        told.append((record, payload))
    session = next((id for meta in metas if (id := first_text(meta, "id"))), None)
    if session is None:
        raise NotAConversation("no session")
    read = _messages(told, session, around)
    in_turn(read)
    messages, current = arrange(read)
    folder = next((found for meta in metas if (found := first_text(meta, "cwd"))), None)
    instructions = next((found for meta in metas if (found := first_text(meta, "instructions"))), None)
    origins = [id for meta in metas if (id := first_text(meta, "id", "forked_from_id")) and id != session]
    known = {"folder": folder, "continues": origins, "instructions": instructions}
    return Conversation(
        source="codex",
        external_id=session,
        title=title_of(messages),
        created_at=moment(metas[0].get("timestamp")) or first_moment(messages),
        updated_at=last_moment(messages),
        messages=messages,
        current_message_id=current,
        project_ref=folder,
        model=model or newest_model(messages),
        extra={key: value for key, value in known.items() if value},
    )


def _messages(told: list[tuple[Record, Record]], session: str, around: Around) -> list[Message]:
    has_items = any(record.get("type") == "response_item" or _is_bare(record) for record, _ in told)
    read = []
    for place, (record, payload) in enumerate(told):
        kind = first_text(record, "type")
        turn = Turn(around)
        if kind == "response_item" or _is_bare(record):
            item = payload or record
            its_kind = first_text(item, "type")
            if its_kind in _UNREADABLE:
                continue
            reader = _ITEMS.get(its_kind or "")
            if reader is None:
                turn.strange(item, its_kind)
            role = reader(item, turn) if reader else "system"
        elif kind == "event_msg" and not has_items and first_text(payload, "type") in _EVENTS:
            turn.say(payload.get("message"))
            role = _EVENTS[str(payload["type"])]
        elif kind == "compacted":
            turn.fold("Summary of what went before", payload.get("message"))
            role = "system"
        elif kind in _WORK or kind == "session_meta" or "payload" not in record:
            continue
        else:
            turn.strange(payload, kind)
            role = "system"
        id = f"{session}-{place}"
        read.append(turn.message(record, id, role_of(role), created_at=moment(record.get("timestamp"))))
    return read


def _is_bare(record: Record) -> bool:
    """An item of an older file, which had nothing around it."""
    return "payload" not in record and first_text(record, "type") in _ITEMS


SOURCE = Listed(
    name="codex",
    title=TITLE,
    reader_version="codex/3",
    kind=Kind(read=_conversation, identity=re.compile(rb'"id"\s*:\s*"([^"\\]{1,100})"'), is_whole=True, decode=records),
    tells=frozenset({"session_index.jsonl", "history.jsonl"}),
)
