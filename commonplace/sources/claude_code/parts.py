"""One message of a session: its records joined, what it says told from what the program puts beside it."""

from __future__ import annotations

import re
from typing import Any

from commonplace.model import Message, Role
from commonplace.sources.decoding import encode
from commonplace.sources.fields import first_text, mapping, text
from commonplace.sources.turns import Around, Turn, role_of, words_in

_RECORD = frozenset(
    {
        "agentId",
        "apiError",
        "attachment",
        "attributionAgent",
        "attributionMcpServer",
        "attributionMcpTool",
        "attributionPlugin",
        "attributionSkill",
        "compactMetadata",
        "cwd",
        "durationMs",
        "entrypoint",
        "error",
        "forkedFrom",
        "gitBranch",
        "hasOutput",
        "hookCount",
        "hookErrors",
        "hookInfos",
        "imagePasteIds",
        "interruptedMessageId",
        "isApiErrorMessage",
        "isCompactSummary",
        "isMeta",
        "isSidechain",
        "isVisibleInTranscriptOnly",
        "level",
        "logicalParentUuid",
        "message",
        "messageCount",
        "origin",
        "parentUuid",
        "permissionMode",
        "preventedContinuation",
        "promptId",
        "promptSource",
        "rendered",
        "requestId",
        "sessionId",
        "session_id",
        "slug",
        "sourceToolAssistantUUID",
        "sourceToolUseID",
        "stopReason",
        "subtype",
        "teamName",
        "thinkingMetadata",
        "timestamp",
        "todos",
        "toolUseID",
        "toolUseResult",
        "type",
        "userType",
        "uuid",
        "version",
    }
)
_MESSAGE = frozenset(
    {
        "content",
        "context_management",
        "container",
        "id",
        "model",
        "role",
        "stop_reason",
        "stop_sequence",
        "type",
        "usage",
    }
)
_PARTS = {
    "text": frozenset({"type", "text", "citations", "cache_control"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
    "tool_use": frozenset({"type", "id", "name", "input", "caller", "cache_control"}),
    "server_tool_use": frozenset({"type", "id", "name", "input"}),
    "tool_result": frozenset({"type", "tool_use_id", "content", "is_error", "cache_control"}),
    "image": frozenset({"type", "source", "cache_control"}),
    "document": frozenset({"type", "source", "title", "cache_control"}),
}
_NO_MODEL = "<synthetic>"
"""What stands in place of a model where the program itself speaks."""
_BY_PROGRAM = {"isCompactSummary": "Summary of what went before", "isApiErrorMessage": "Error"}
"""What the program says under somebody else's name, by the field that tells it."""
_SURROUNDINGS = re.compile(
    r"<(system-reminder|command-name|command-message|command-args|command-contents|local-command-std\w+|"
    r"local-command-caveat|bash-input|bash-std\w+|ide_\w+|user-memory-input|task-notification)>(.*?)(?:</\1>|\Z)|"
    r"\A\[(Request interrupted by user)(?: for tool use)?\]\Z",
    re.DOTALL,
)


def read_record(told: list[dict[str, Any]], id: str, around: Around) -> Message:
    """The message that these records are of. Its place in the session is filled in by the caller."""
    turn = Turn(around)
    first = told[0]
    kind = first.get("type")
    attached = mapping(first.get("attachment"))
    is_attached = kind == "attachment"
    if is_attached and _is_typed(attached):
        kind, parts = "user", _listed(attached.get("prompt"))
    else:
        parts = _parts(told)
    if by_program := next((title for flag, title in _BY_PROGRAM.items() if first.get(flag) is True), None):
        turn.fold(by_program, words_in(parts))
    else:
        for part in parts:
            _read_part(part, turn)
    if kind in ("user", "assistant", "system"):
        turn.more({key: value for key, value in first.items() if key != "content"}, "record", _RECORD)
        turn.more(mapping(first.get("message")), "message", _MESSAGE)
        if kind == "system":
            _fold_system(first, turn)
    elif is_attached:
        turn.output(first_text(attached, "type"), words_in(attached))
    else:
        turn.strange({key: value for key, value in first.items() if key not in _RECORD or key == "message"}, kind)
    model = first_text(mapping(first.get("message")), "model") if kind == "assistant" else None
    return turn.message(
        told if len(told) > 1 else first,
        id,
        "system" if first.get("isCompactSummary") is True else _role(kind, first, parts),
        is_hidden=first.get("isMeta") is True or kind == "attachment",
        model=None if model == _NO_MODEL else model,
        extra={"agent": first.get("agentId") if first.get("isSidechain") is True else None},
    )


def _is_typed(attached: dict[str, Any]) -> bool:
    """Whether it is what a person typed while the program was at work; what else is put before the model is not."""
    origin = first_text(mapping(attached.get("origin")), "kind")
    is_prompt = attached.get("type") == "queued_command" and attached.get("commandMode") in (None, "prompt")
    return is_prompt and origin in (None, "human")


def _role(kind: object, record: dict[str, Any], parts: list[Any]) -> Role:
    """Whose message it is: what tools answer comes under the person's name."""
    if kind not in ("user", "assistant"):
        return "system"
    kinds = {first_text(mapping(part), "type") for part in parts}
    if kind == "user" and "tool_result" in kinds and "text" not in kinds:
        return "tool"
    return role_of(mapping(record.get("message")).get("role") or kind)


def _parts(told: list[dict[str, Any]]) -> list[Any]:
    """The parts of all records of a message, in order; of a part that grew while it was written, the last state."""
    found: list[Any] = []
    for record in told:
        for part in _listed(mapping(record.get("message")).get("content")):
            if part in found:
                continue
            place = next((place for place, before in enumerate(found) if _has_grown(before, part)), None)
            if place is None:
                found.append(part)
            else:
                found[place] = part
    return found


def _listed(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [content] if content else []


def _has_grown(before: Any, after: Any) -> bool:
    if not isinstance(before, dict) or not isinstance(after, dict) or before.get("type") != after.get("type"):
        return False
    if after.get("type") == "tool_use":
        return before.get("id") == after.get("id")
    return any(
        isinstance(old := before.get(key), str) and isinstance(new := after.get(key), str) and new.startswith(old)
        for key in ("text", "thinking")
    )


def _read_part(part: Any, turn: Turn) -> None:
    if isinstance(part, str):
        _say(part, turn)
        return
    kind = mapping(part).get("type")
    if not isinstance(kind, str) or kind not in _PARTS:
        turn.strange(part, kind)
        return
    if kind == "text":
        _say(part.get("text"), turn)
    elif kind == "thinking":
        turn.thoughts(part.get("thinking"))
    elif kind in ("tool_use", "server_tool_use"):
        turn.call(part.get("name"), part.get("input"))
    elif kind == "tool_result":
        turn.output(None, _answered(part.get("content")))
    elif kind in ("image", "document"):
        turn.fold("Image" if kind == "image" else first_text(part, "title") or "Document")
        turn.keeps_raw = True
    turn.more(part, kind, _PARTS[kind])


def _say(told: object, turn: Turn) -> None:
    """What somebody said; what the program wrote into it is folded."""
    written = text(told)
    if written is None:
        return
    place = 0
    for found in _SURROUNDINGS.finditer(written):
        turn.say(written[place : found.start()])
        turn.fold(found[3] or found[1].replace("-", " "), found[2])
        place = found.end()
    turn.say(written[place:])


def _answered(content: Any) -> str:
    if not isinstance(content, list):
        return words_in(content) if content else ""
    return "\n".join(
        text(mapping(part).get("text"))
        or ("[image]" if mapping(part).get("type") == "image" else words_in(part) or encode(part).decode())
        for part in content
    )


def _fold_system(record: dict[str, Any], turn: Turn) -> None:
    told = record.get("content")
    if text(told):
        turn.fold((first_text(record, "subtype") or "system").replace("_", " "), told)
