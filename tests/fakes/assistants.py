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


def claude_project(key: str, name: str, **more: Any) -> Json:
    plain = {"uuid": key, "name": name, "created_at": AT.format(0), "updated_at": AT.format(0), "docs": []}
    return {**plain, "description": "", "prompt_template": "", "is_private": True, **more}


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


def deepseek_conversation(key: str, answer: list[Json] | None = None) -> Json:
    """A question and its answer; the root above them says nothing."""
    said = answer or [{"type": "THINK", "content": "Hm"}, {"type": "RESPONSE", "content": "An archive."}]
    told = {"1": [{"type": "REQUEST", "content": "What is a zip?"}], "2": said}
    mapping: Json = {"root": {"id": "root", "parent": None, "children": ["1"], "message": None}}
    for (id, fragments), parent in zip(told.items(), ("root", "1"), strict=True):
        message = {"model": "deepseek-chat", "inserted_at": AT.format(1), "files": [], "fragments": fragments}
        mapping[id] = {"id": id, "parent": parent, "children": [], "message": message}
    dates = {"inserted_at": AT.format(0), "updated_at": AT.format(9)}
    return {"id": key, "title": "A title", **dates, "mapping": mapping}


def grok_conversation(key: str, **answer: Any) -> Json:
    """A question and its answer, to which `answer` adds."""
    asked = {"_id": f"{key}-1", "sender": "human", "message": "What is a zip?", "create_time": AT.format(1)}
    date = {"$date": {"$numberLong": "1772359202000"}}
    answered = {
        "_id": f"{key}-2",
        "sender": "ASSISTANT",
        "message": "An archive.",
        "create_time": date,
        "model": "grok-4",
        "parent_response_id": f"{key}-1",
    }
    responses = [{"response": asked, "share_link": None}, {"response": {**answered, **answer}, "share_link": None}]
    about = {"id": key, "title": "A title", "create_time": AT.format(0), "modify_time": AT.format(9)}
    return {"conversation": about, "responses": responses}


def lechat_conversation(key: str, **answer: Any) -> list[Json]:
    """A question and its answer, to which `answer` adds."""
    plain = {"chatId": key, "version": 0, "contentChunks": [], "reaction": "neutral", "files": []}
    asked = {"id": f"{key}-1", "role": "user", "content": "What is a zip?", "createdAt": AT.format(1)}
    answered = {"id": f"{key}-2", "role": "assistant", "content": "An archive.", "createdAt": AT.format(2)}
    return [{**plain, **asked}, {**plain, **answered, **answer}]


def librechat_conversation(key: str, **answer: Any) -> Json:
    """A question and its answer, to which `answer` adds."""
    root = "00000000-0000-0000-0000-000000000000"
    asked = {"messageId": f"{key}-1", "parentMessageId": root, "text": "What is a zip?", "isCreatedByUser": True}
    answered = {
        "messageId": f"{key}-2",
        "parentMessageId": f"{key}-1",
        "text": "An archive.",
        "isCreatedByUser": False,
        "model": "gpt-6",
        "createdAt": AT.format(2),
    }
    messages = [{**asked, "createdAt": AT.format(1)}, {**answered, **answer}]
    return {"conversationId": key, "title": "A title", "endpoint": "openAI", "messages": messages}


def openwebui_conversation(key: str, **answer: Any) -> Json:
    """A question and its answer, to which `answer` adds."""
    asked = {"id": f"{key}-1", "parentId": None, "role": "user", "content": "What is a zip?", "timestamp": 1772359201}
    answered = {
        "id": f"{key}-2",
        "parentId": f"{key}-1",
        "role": "assistant",
        "content": "An archive.",
        "model": "llama3",
        "timestamp": 1772359202,
        **answer,
    }
    history = {"messages": {f"{key}-1": asked, f"{key}-2": answered}, "currentId": f"{key}-2"}
    dates = {"created_at": 1772359200, "updated_at": 1772359209}
    return {"id": key, "user_id": "u", "title": "A title", "chat": {"history": history}, **dates}


def aistudio_prompt(asked: str, **answer: Any) -> Json:
    """A question, a thought and the answer, to which `answer` adds."""
    chunks = [
        {"role": "user", "text": asked, "tokenCount": 5},
        {"role": "model", "text": "Hm", "isThought": True, "parts": [{"text": "Hm", "thought": True}]},
        {"role": "model", "text": "An archive.", "finishReason": "STOP", **answer},
    ]
    return {"runSettings": {"model": "models/gemini-3-pro"}, "chunkedPrompt": {"chunks": chunks}}


def as_lines(records: list[Json]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def copilot_history(*titles: str, **more: str) -> bytes:
    """A question and its answer under each title, newest first; `more` are further columns."""
    header = ["Conversation", "Time", "Author", "Message", *more]
    rows = [
        [title, f"2026-03-01T10:00:0{second}", author, said, *more.values()]
        for title in titles
        for second, author, said in ((2, "AI", "An archive."), (1, "Human", "What is a zip?"))
    ]
    return "".join(",".join(row) + "\r\n" for row in [header, *rows]).encode()


def perplexity_thread(key: str, *, query: str = "What is a zip?", title: str | None = None, **answer: Any) -> Json:
    entry = {
        "entry_uuid": f"e-{key}",
        "query": query,
        "answer": "An archive [1].",
        "created_at": AT.format(5),
        "label": None,
        "query_status": "COMPLETED",
        "engine_mode": "pro",
        **answer,
    }
    head = {"context_uuid": key, "context_title": title or query, "created_at": AT.format(1)}
    return {**head, "updated_at": AT.format(2), "mode": "CONCISE", "collection_uuid": None, "entries": [entry]}


def gemini_entry(asked: str, *answers: str, at: str = "2026-03-01T10:00:00.123Z", **more: Any) -> Json:
    """An entry of My Activity: a question and its answers."""
    items = {"safeHtmlItem": [{"html": answer} for answer in answers]} if answers else {}
    plain = {"header": "Gemini Apps", "title": f"Prompted {asked}", "time": at, "products": ["Gemini Apps"]}
    return {**plain, "activityControls": ["Gemini Apps Activity"], **items, **more}


def gemini_cell(asked: str, answer: str = "", *, at: str = "Mar 1, 2026, 11:00:00\u202fAM CET", files: str = "") -> str:
    """The same in the page."""
    return (
        '<div class="outer-cell mdl-cell"><div class="mdl-grid"><div class="header-cell mdl-cell">'
        '<p class="mdl-typography--title">Gemini Apps<br></p></div>'
        '<div class="content-cell mdl-cell mdl-typography--body-1">'
        f"Prompted&nbsp;{asked}<br>{files}{at}<br>{answer}</div>"
        '<div class="content-cell mdl-cell mdl-typography--body-1 mdl-typography--text-right"></div>'
        '<div class="content-cell mdl-typography--caption"><b>Products:</b><br>&emsp;Gemini Apps<br></div></div></div>'
    )


def gemini_page(*cells: str) -> bytes:
    return f"<html><head><title>My Activity</title></head><body>{''.join(cells)}</body></html>".encode()


def compliance_event(conversation: str, key: str, role: str, said: object, *, at: int = 1, **more: Any) -> Json:
    """A message in an envelope, as a workspace's logs tell it."""
    content = {"content_type": "text", "parts": [said]} if isinstance(said, str) else said
    message = {"id": key, "author": {"role": role}, "content": content, "created_at": AT.format(at)}
    return {
        "event_id": f"event-{key}",
        "event_type": "CONVERSATION_MESSAGE_LOG",
        "timestamp": AT.format(at),
        "actor": {"id": "user-1", "email": "someone@example.org"},
        "payload": {
            "workspace_id": "workspace-1",
            "conversation_id": conversation,
            "conversation_title": "A title",
            "message": {**message, **more},
        },
    }


def compliance_talk(conversation: str) -> list[Json]:
    """A question and its answer."""
    return [
        compliance_event(conversation, f"{conversation}-1", "user", "What is a zip?"),
        compliance_event(conversation, f"{conversation}-2", "assistant", "An archive.", at=2),
    ]
