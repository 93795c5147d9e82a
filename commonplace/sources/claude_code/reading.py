"""A session of Claude Code: what was said, with tools and surroundings folded; its working folder is its project.

While an answer streams, its record is written again and again, and one answer is several records: records of one
message are joined, and of each part the last counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from commonplace.model import Conversation, Message
from commonplace.sources.claude_code.parts import read_record
from commonplace.sources.contract import NotAConversation
from commonplace.sources.fields import first_text, mapping, moment
from commonplace.sources.listed import Kind, Listed
from commonplace.sources.sessions import DAMAGED, records
from commonplace.sources.turns import Around, arrange, first_moment, last_moment, newest_model, title_of
from commonplace.sources.unfamiliar import count, name_of

TITLE = "Claude Code"
_TITLES = {"summary": "summary", "ai-title": "aiTitle", "custom-title": "customTitle"}
_WORK = frozenset(
    {
        *("file-history-snapshot", "queue-operation", "progress", "last-prompt", "agent-name", "agent-setting"),
        *("agent-color", "mode", "permission-mode", "pr-link", "tag", "worktree-state", "content-replacement"),
    }
)
"""Records of what the program does, not of what anybody says."""


class _Session(msgspec.Struct):
    """What the lines of a file tell."""

    ids: dict[str, None] = {}
    agents: dict[str, None] = {}
    title: str | None = None
    folder: str | None = None
    branch: str | None = None
    said: dict[str, list[dict[str, Any]]] = {}
    """Records by the message that they are of, in order."""
    stands_for: dict[str, str] = {}
    """Each record's id, and the id of the first record of its message."""


def _conversation(lines: Iterable[dict[str, Any] | None], around: Around) -> Conversation:
    session = _Session()
    for record in lines:
        if record is None:
            count(around.unfamiliar, DAMAGED)
        else:
            _take_in(record, session, around)
    if not session.ids:
        raise NotAConversation("no session")
    own = next(reversed(session.ids))
    is_agents = bool(session.said) and all(each[0].get("isSidechain") is True for each in session.said.values())
    agent = next(iter(session.agents), None) if is_agents else None
    messages, current = _messages(session, is_agents, around)
    return Conversation(
        source="claude_code",
        external_id=f"{own}-agent-{agent}" if agent else own,
        title=session.title or title_of(messages),
        created_at=first_moment(messages),
        updated_at=last_moment(messages),
        messages=messages,
        current_message_id=current,
        project_ref=session.folder,
        model=newest_model(messages),
        extra={
            key: value
            for key, value in {
                "folder": session.folder,
                "git_branch": session.branch,
                "continues": [id for id in session.ids if id != own],
                "agent_of": own if agent else None,
            }.items()
            if value
        },
    )


def _take_in(record: dict[str, Any], session: _Session, around: Around) -> None:
    kind = first_text(record, "type")
    if kind in _TITLES:
        session.title = first_text(record, _TITLES[kind]) or session.title
        return
    if id := first_text(record, "sessionId"):
        session.ids.pop(id, None)
        session.ids[id] = None
    if agent := first_text(record, "agentId"):
        session.agents[agent] = None
    session.folder = session.folder or first_text(record, "cwd")
    session.branch = first_text(record, "gitBranch") or session.branch
    key = first_text(record, "uuid")
    if kind in _WORK:
        if key:  # messages may answer it: they answer what it answers
            session.stands_for[key] = _above(record, session) or key
        return
    if key is None:
        count(around.unfamiliar, f"record.{name_of(kind)}" if kind else "record")
        return
    message = first_text(mapping(record.get("message")), "id") if kind == "assistant" else None
    whole = session.stands_for.get(f"message {message}") if message else session.stands_for.get(key)
    session.stands_for[key] = whole or key
    if message:
        session.stands_for.setdefault(f"message {message}", key)
    if whole is None:
        session.said[key] = [record]
    elif kind == "assistant":
        session.said[whole].append(record)


def _above(record: dict[str, Any], session: _Session) -> str | None:
    parent = first_text(record, "parentUuid", "logicalParentUuid")
    return session.stands_for.get(parent, parent) if parent else None


def _messages(session: _Session, is_agents: bool, around: Around) -> tuple[list[Message], str | None]:
    read = []
    current = None
    for key, told in session.said.items():
        message = read_record(told, key, around)
        is_aside = told[0].get("isSidechain") is True and not is_agents
        above = _above(told[0], session)
        is_lost = above is not None and above not in session.said
        message.parent_id = current if is_lost and not is_aside else above
        message.created_at = moment(told[0].get("timestamp"))
        read.append(message)
        if not is_aside:
            current = key
    return arrange(read, current)


SOURCE = Listed(
    name="claude_code",
    title=TITLE,
    reader_version="claude_code/2",
    kind=Kind(
        read=_conversation,
        identity=re.compile(rb'"sessionId"\s*:\s*"([^"\\]{1,100})"'),
        is_whole=True,
        decode=records,
    ),
    tells=frozenset({"sessions-index.json", "history.jsonl"}),
)
