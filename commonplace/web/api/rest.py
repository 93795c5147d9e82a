"""Conversations for programs: in the founding system's form, and found by search. Always one owner's."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from commonplace.archive.conversations.reading import Entry, Filed, list_conversations, load_filed
from commonplace.archive.core import Archive
from commonplace.archive.figures import statistics
from commonplace.archive.projects import registry
from commonplace.archive.search.search import Filters
from commonplace.archive.search.search import search as search_in
from commonplace.model import Message
from commonplace.moments import parse, to_iso
from commonplace.web.api.paging import MOST_CHARACTERS, cursor, place_of
from commonplace.web.errors import not_found
from commonplace.web.security.programs import reading
from commonplace.web.server import server_of

router = APIRouter(prefix="/api")

Memories = Annotated[Archive, Depends(reading("read:memories", "read:archive"))]
Everything = Annotated[Archive, Depends(reading("read:archive"))]
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(alias="cursor", max_length=2000)]
Word = Annotated[str | None, Query(max_length=200)]
_OVERVIEW = 600


@router.get("/conversations")
def conversations(
    request: Request,
    archive: Memories,
    project: Word = None,
    category: Word = None,
    source: Word = None,
    since: Word = None,
    until: Word = None,
    limit: Limit = 25,
    sent: Cursor = None,
) -> dict[str, Any]:
    """The newest first."""
    server = server_of(request)
    zone = server.settings.zone
    question = ["list", project, category, source, since, until]
    start = place_of(server, archive, question, sent)
    scope = Filters(
        project=project,
        category=category,
        source=source,
        since=parse(since, zone) if since else None,
        until=parse(until, zone) if until else None,
    )
    found = list_conversations(archive, scope, limit=limit + 1, offset=start)
    told: dict[str, Any] = {"conversations": [_entry(one) for one in found[:limit]]}
    if len(found) > limit:
        told["next_cursor"] = cursor(server, archive, question, start + limit)
    return told


@router.get("/conversations/{id:path}")
def conversation(request: Request, archive: Memories, id: str, sent: Cursor = None) -> dict[str, Any]:
    """One conversation. A long one comes in parts: `next_cursor` asks for the next."""
    server = server_of(request)
    filed = next(iter(load_filed(archive, [id])), None)
    if filed is None:
        raise not_found("conversation")
    start = place_of(server, archive, ["read", id], sent)
    transcript = "\n\n".join(_line(said) for said in filed.conversation.messages if _is_shown(said))
    part = transcript[start : start + MOST_CHARACTERS]
    told = _whole(filed) | {"transcript": part}
    if start + len(part) < len(transcript):
        told["transcript"] += "\n\n[It goes on: ask again with next_cursor.]"
        told["next_cursor"] = cursor(server, archive, ["read", id], start + len(part))
    return told


@router.get("/search")
def search(
    request: Request,
    archive: Everything,
    q: Annotated[str, Query(max_length=500)],
    project: Word = None,
    category: Word = None,
    source: Word = None,
    limit: Limit = 10,
    sent: Cursor = None,
) -> dict[str, Any]:
    """Conversations that have all of the words; "phrases", -exclusions and prefix* work. Whatever is typed is safe."""
    server, question = server_of(request), ["search", q, project, category, source]
    start = place_of(server, archive, question, sent)
    filters = Filters(project=project, category=category, source=source)
    found = search_in(archive, q, filters=filters, limit=limit, offset=start, facets=False).as_json()
    told = {"total": found["total"], "total_is_exact": found["total_is_exact"], "results": found["results"]}
    if start + limit < found["total"] and found["results"]:
        told["next_cursor"] = cursor(server, archive, question, start + limit)
    return told


@router.get("/projects")
def projects(archive: Everything) -> dict[str, Any]:
    """Every project with how many conversations it has."""
    found = registry.list_projects(archive)
    return {"projects": [{"id": one.id, "name": one.name, "conversations": one.conversations} for one in found[:1000]]}


@router.get("/stats")
def stats(request: Request, archive: Everything) -> dict[str, Any]:
    """The whole in a few numbers."""
    return dict(statistics.totals(archive, zone=server_of(request).settings.zone))


def _entry(one: Entry) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title or "",
        "created_at": to_iso(one.created_at),
        "category": one.category,
        "overview": (one.summary or "")[:_OVERVIEW],
        "source": one.source,
        "project": one.project_name or one.project_id,
    }


def _whole(filed: Filed) -> dict[str, Any]:
    about = filed.conversation
    finished = about.extra.get("finished_at") or to_iso(about.updated_at)
    structured = about.extra.get("structured")
    told: dict[str, Any] = structured if isinstance(structured, dict) else {}
    return {
        "id": about.id,
        "created_at": to_iso(about.created_at),
        "started_at": to_iso(about.created_at),
        "finished_at": finished,
        "structured": {
            "title": about.title or "",
            "overview": filed.summary or str(told.get("overview") or ""),
            "emoji": str(told.get("emoji") or ""),
            "category": filed.category,
        },
        "source": about.source,
        "project": filed.project_name or filed.project_id,
        "tags": filed.tags,
        "url": about.url,
    }


def _is_shown(said: Message) -> bool:
    return said.is_active and not said.is_hidden and bool(said.text.strip())


def _line(said: Message) -> str:
    return f"{said.author or said.role.capitalize()}: {said.text.strip()}"
