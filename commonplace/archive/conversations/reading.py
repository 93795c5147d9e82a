"""Conversations out of the archive: one, some with what the stages say of them, or a list of what there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import BindParameter, Row, and_, bindparam, case, func, or_, select

from commonplace.archive.conversations import records
from commonplace.archive.core import Archive
from commonplace.archive.rows import batched, from_json
from commonplace.archive.schema import attachments, conversations, messages, projects, verdicts
from commonplace.archive.scope import Scope
from commonplace.archive.verdicts.titles import shown_title
from commonplace.errors import NotThere, Refused
from commonplace.model import Attachment, Conversation, Message

_AT_ONCE = 200
_SHOWN_CANDIDATES = 5
_WITH_PROJECT = conversations.outerjoin(
    projects, and_(projects.c.owner == conversations.c.owner, projects.c.id == conversations.c.project_id)
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a list."""

    id: str
    title: str | None
    created_at: int | None
    updated_at: int | None
    source: str
    model: str | None
    message_count: int
    category: str | None
    tags: list[str]
    summary: str | None
    overview: str | None
    """The summary, or where no judge made one, the few sentences that its own source gave."""
    project_id: str | None
    project_name: str | None
    content_hash: str
    is_archived: bool | None
    is_starred: bool | None
    needs_review: bool


class Filed(msgspec.Struct, kw_only=True):
    """A conversation with what holds of it now: a person's word, else the newest verdict and assignment."""

    conversation: Conversation
    content_hash: str
    title: str | None = None
    """What is shown as its title; the conversation itself has its source's."""
    category: str | None = None
    tags: list[str] = msgspec.field(default_factory=list)
    summary: str | None = None
    language: str | None = None
    confidence: float | None = None
    insights: dict[str, Any] | None = None
    verdict_hash: str | None = None
    project_id: str | None = None
    project_name: str | None = None


# Questions are made once: that takes as long as to ask them.
_ENTRY = Entry.__struct_fields__
_MADE = {
    "title": shown_title(),
    "overview": case((func.coalesce(conversations.c.summary, "") == "", conversations.c.extra)),
    "project_name": projects.c.name,
}
_ENTRIES = (
    select(*(_MADE[name].label(name) if name in _MADE else conversations.c[name] for name in _ENTRY))
    .select_from(_WITH_PROJECT)
    .order_by(conversations.c.updated_at.desc().nulls_last(), conversations.c.id)
)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_KEYS: BindParameter[Any] = bindparam("keys", expanding=True)
_INSIGHTS = (
    select(verdicts.c.insights)
    .where(verdicts.c.owner == conversations.c.owner, verdicts.c.conversation_id == conversations.c.id)
    .order_by(verdicts.c.judged_at.desc())
    .limit(1)
    .correlate(conversations)
    .scalar_subquery()
)
_HEADS = (
    select(
        conversations,
        shown_title().label("shown_title"),
        projects.c.name.label("project_name"),
        _INSIGHTS.label("insights"),
    )
    .select_from(_WITH_PROJECT)
    .where(conversations.c.owner == bindparam("owner"), conversations.c.id.in_(_IDS))
)
_SAID = (
    select(messages)
    .where(messages.c.conversation_key.in_(_KEYS))
    .order_by(messages.c.conversation_key, messages.c.position)
)
_ATTACHED = select(attachments).where(attachments.c.conversation_key.in_(_KEYS)).order_by(attachments.c.key)


def load_conversation(archive: Archive, conversation_id: str) -> Conversation | None:
    """The whole of it: every branch, every attachment."""
    return next(iter(load_conversations(archive, [conversation_id])), None)


def has_conversation(archive: Archive, conversation_id: str) -> bool:
    query = select(conversations.c.key).where(
        conversations.c.owner == archive.owner, conversations.c.id == conversation_id
    )
    with archive.look() as connection:
        return connection.execute(query).first() is not None


def load_conversations(archive: Archive, conversation_ids: Sequence[str]) -> Iterator[Conversation]:
    """Those that exist, in the order asked for, some hundred in memory at a time."""
    for filed in load_filed(archive, conversation_ids):
        yield filed.conversation


def load_filed(archive: Archive, conversation_ids: Sequence[str]) -> Iterator[Filed]:
    """Those that exist, in the order asked for, some hundred in memory at a time."""
    for ids in batched(conversation_ids, _AT_ONCE):
        found = {filed.conversation.id: filed for filed in _load(archive, ids)}
        yield from (found[id] for id in ids if id in found)


def conversation_ids(archive: Archive, scope: Scope = Scope(), *, limit: int | None = None) -> list[str]:
    """Oldest first, those without a date before all others."""
    table = conversations.c
    query = select(table.id).where(scope.clause(archive)).order_by(table.updated_at.nulls_first(), table.id)
    with archive.read() as connection:
        return list(connection.execute(query.limit(limit)).scalars())


def list_conversations(
    archive: Archive, scope: Scope = Scope(), *, limit: int | None = None, offset: int = 0
) -> list[Entry]:
    """Newest first, those without a date at the end."""
    newest = _ENTRIES.where(scope.clause(archive)).limit(limit).offset(offset)
    with archive.look() as connection:
        rows = connection.execute(newest).all()
    return [_entry(row) for row in rows]


def _entry(row: Row[Any]) -> Entry:
    about = dict(zip(_ENTRY, row, strict=True))
    about["overview"] = about["summary"] or overview_in(from_json(about["overview"]))
    about["tags"] = msgspec.json.decode(about["tags"], type=list[str])
    return Entry(**about)


def overview_in(extra: dict[str, Any]) -> str | None:
    """OMI's own few sentences on a conversation."""
    structured = extra.get("structured")
    return str(structured.get("overview") or "") or None if isinstance(structured, dict) else None


def find_conversation(archive: Archive, typed: str) -> str:
    """The id that a person means: whole, without its source, the beginning of either, or as the end of a link."""
    wanted = typed.strip().split("?")[0].split("#")[0].rstrip("/")
    if "://" in wanted:
        wanted = wanted.rpartition("/")[2]
    table = conversations.c
    matches = or_(*(column.startswith(wanted, autoescape=True) for column in (table.id, table.external_id)))
    query = (
        select(table.id, table.external_id)
        .where(table.owner == archive.owner, matches)
        .order_by(table.id)
        .limit(_SHOWN_CANDIDATES + 1)
    )
    exact = select(table.id).where(table.owner == archive.owner, or_(table.id == wanted, table.external_id == wanted))
    with archive.read() as connection:
        found: list[str] = list(connection.execute(exact).scalars())
        if not found and wanted:
            found = [row.id for row in connection.execute(query)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotThere(f"There is no conversation {typed!r}.", hint="`commonplace search` shows ids.")
    more = ", ..." if len(found) > _SHOWN_CANDIDATES else ""
    candidates = ", ".join(found[:_SHOWN_CANDIDATES])
    raise Refused(f"{typed!r} could be several conversations: {candidates}{more}.", hint="Type more of the id.")


def _load(archive: Archive, ids: Sequence[str]) -> Iterator[Filed]:
    with archive.read() as connection:
        heads = connection.execute(_HEADS, {"owner": archive.owner, "ids": ids}).all()
        keys = {"keys": [row.key for row in heads]}
        said = connection.execute(_SAID, keys).all()
        attached = connection.execute(_ATTACHED, keys).all()
    by_key = _messages(said, attached)
    for row in heads:
        yield _filed(row, by_key.get(row.key, []))


def _messages(said: Sequence[Row[Any]], attached: Sequence[Row[Any]]) -> dict[int, list[Message]]:
    carried: dict[tuple[int, str], list[Attachment]] = {}
    for row in attached:
        carried.setdefault((row.conversation_key, row.message_id), []).append(records.attachment_from(row))
    by_key: dict[int, list[Message]] = {}
    for row in said:
        message = records.message_from(row, row.text, row.raw, carried.get((row.conversation_key, row.id), []))
        by_key.setdefault(row.conversation_key, []).append(message)
    return by_key


def _filed(row: Row[Any], said: list[Message]) -> Filed:
    return Filed(
        conversation=records.conversation_from(row, said),
        content_hash=row.content_hash,
        title=row.shown_title,
        category=row.category,
        tags=msgspec.json.decode(row.tags, type=list[str]),
        summary=row.summary,
        language=row.language,
        confidence=row.confidence,
        insights=from_json(row.insights) or None,
        verdict_hash=row.verdict_hash,
        project_id=row.project_id,
        project_name=row.project_name,
    )
