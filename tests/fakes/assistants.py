"""Tiny exports and histories of assistants, built piece by piece."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]
AT = "2026-03-01T10:00:0{}Z"


def claude_message(key: str, content: object, sender: str = "human", parent: str | None = None, **more: Any) -> Json:
    """A message; a string as content is a part of text, and the plain text beside it is empty, as it often is."""
    parts = [{"type": "text", "text": content, "citations": []}] if isinstance(content, str) else content
    return {
        "uuid": key,
        "text": "",
        "content": parts,
        "sender": sender,
        "created_at": AT.format(1),
        "attachments": [],
        "files": [],
        "parent_message_uuid": parent or "00000000-0000-4000-8000-000000000000",
        **more,
    }


def claude_conversation(key: str, *messages: Json, **more: Any) -> Json:
    told = messages or (
        claude_message(f"{key}-1", "What is a zip?"),
        claude_message(f"{key}-2", "An archive.", "assistant", f"{key}-1"),
    )
    plain = {"uuid": key, "name": "A title", "created_at": AT.format(0), "updated_at": AT.format(9)}
    return {**plain, "account": {"uuid": "u"}, "chat_messages": list(told), **more}


def code_record(
    key: str, kind: str, content: object, parent: str | None = None, session: str = "s", **more: Any
) -> Json:
    return {
        "type": kind,
        "uuid": key,
        "parentUuid": parent,
        "sessionId": session,
        "timestamp": AT.format(1),
        "cwd": "/home/me/bread-app",
        "gitBranch": "main",
        "version": "2.1.0",
        "isSidechain": False,
        "userType": "external",
        "message": {"role": kind, "content": content},
        **more,
    }


def code_session(session: str) -> list[Json]:
    """A question and its answer."""
    return [
        code_record(f"{session}-1", "user", "Why does the test fail?", session=session),
        code_record(f"{session}-2", "assistant", [{"type": "text", "text": "A typo."}], f"{session}-1", session),
    ]


def codex_record(kind: str, payload: Json) -> Json:
    return {"timestamp": AT.format(2), "type": kind, "payload": payload}


def codex_message(role: str, said: str) -> Json:
    part = {"type": "input_text" if role == "user" else "output_text", "text": said}
    return codex_record("response_item", {"type": "message", "role": role, "content": [part]})


def codex_session(session: str) -> list[Json]:
    meta = {"id": session, "timestamp": AT.format(0), "cwd": "/home/me/bread-app", "cli_version": "1"}
    return [
        codex_record("session_meta", meta),
        codex_message("user", "Why does the test fail?"),
        codex_record("event_msg", {"type": "user_message", "message": "Why does the test fail?"}),
        codex_message("assistant", "A typo."),
        codex_record("event_msg", {"type": "agent_message", "message": "A typo."}),
    ]


def as_lines(records: list[Json]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)
