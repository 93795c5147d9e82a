"""What a message of Claude's export consists of: words, thoughts, tools and what they answer."""

from __future__ import annotations

from typing import Any

from commonplace.sources.decoding import encode
from commonplace.sources.fields import dicts, first_text, mapping, text
from commonplace.sources.turns import Turn, words_in

FAMILIAR = frozenset(
    {
        "attachments",
        "chat_feedback",
        "content",
        "created_at",
        "files",
        "files_v2",
        "index",
        "input_mode",
        "model",
        "parent_message_uuid",
        "role",
        "sender",
        "stop_reason",
        "sync_sources",
        "text",
        "truncated",
        "updated_at",
        "uuid",
    }
)
_ANY_PART = frozenset({"type", "start_timestamp", "stop_timestamp", "flags", "id", "uuid", "truncated"})
_PARTS = {
    "text": _ANY_PART | {"text", "citations"},
    "thinking": _ANY_PART | {"thinking", "summaries", "cut_off", "signature", "alternative_display_type"},
    "redacted_thinking": _ANY_PART | {"data"},
    "tool_use": _ANY_PART
    | {
        "approval_key",
        "approval_options",
        "context",
        "display_content",
        "icon_name",
        "input",
        "integration_icon_url",
        "integration_name",
        "is_mcp_app",
        "mcp_server_url",
        "message",
        "name",
    },
    "tool_result": _ANY_PART
    | {
        "content",
        "display_content",
        "icon_name",
        "integration_icon_url",
        "integration_name",
        "is_error",
        "mcp_server_url",
        "message",
        "meta",
        "name",
        "structured_content",
        "tool_use_id",
    },
    "voice_note": _ANY_PART | {"title", "text"},
    "token_budget": _ANY_PART,
    "image": _ANY_PART | {"source", "file_uuid", "file_name"},
    "flag": _ANY_PART | {"flag", "helpline"},
}


def read_parts(record: dict[str, Any], turn: Turn) -> list[dict[str, str]]:
    """Everything a message says; what it cites is returned. Its plain `text` counts where its content says nothing."""
    cited: dict[str, dict[str, str]] = {}
    content = record.get("content")
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            turn.say(part)
        elif isinstance(part, dict):
            read_part(part, turn)
            for citation in dicts(part.get("citations")):
                if url := first_text(citation, "url") or first_text(mapping(citation.get("details")), "url"):
                    cited.setdefault(url, {"title": first_text(citation, "title") or url, "url": url})
    if not turn.words:
        turn.say(record.get("text"))
    return list(cited.values())


def read_part(part: dict[str, Any], turn: Turn) -> None:
    kind = part.get("type")
    if not isinstance(kind, str) or kind not in _PARTS:
        turn.strange(part, kind)
        return
    if kind == "text":
        turn.say(part.get("text"))
    elif kind == "thinking":
        turn.thoughts(part.get("thinking"))
    elif kind == "tool_use":
        turn.call(part.get("name"), _given(part))
    elif kind == "tool_result":
        turn.output(part.get("name"), _answered(part))
    elif kind == "voice_note":
        turn.say(part.get("text") or part.get("title"))
    elif kind == "image":
        turn.fold("Image")
        turn.keeps_raw = True
    elif kind == "flag":  # what the page shows above a conversation about what troubles somebody
        turn.fold("Notice", first_text(part, "flag"))
        turn.keeps_raw = True
    turn.more(part, kind, _PARTS[kind])


def _given(part: dict[str, Any]) -> Any:
    """What a tool is asked; a document that it is to show, as the document."""
    given = part.get("input")
    document = mapping(given).get("content")
    return document if text(document) else given


def _answered(part: dict[str, Any]) -> str:
    content = part.get("content")
    if isinstance(content, list):
        return "\n".join(filter(None, (words_in(_of_result(one)) for one in content)))
    return words_in(content) if content else ""


def _of_result(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    told = filter(None, (first_text(part, key) for key in ("title", "url", "text")))
    return "\n".join(told) if text(part.get("text")) else encode(part).decode()
