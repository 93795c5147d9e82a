"""Conversations for programs: in the founding system's form, and found by search. Always one owner's."""

from __future__ import annotations

from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from commonplace.archive.conversations.reading import Filed, has_conversation, list_conversations
from commonplace.archive.core import Archive
from commonplace.archive.figures import statistics
from commonplace.archive.projects import registry
from commonplace.archive.search.filters import Filters
from commonplace.moments import parse, to_iso
from commonplace.stages.asking import Answer
from commonplace.web.api import transcripts
from commonplace.web.api.paging import cursor, fitting, place_of
from commonplace.web.api.shapes import answered, entry, hit, project, shortened
from commonplace.web.errors import Problem, fail_after_asking, not_found
from commonplace.web.security.programs import reading
from commonplace.web.server import server_of

router = APIRouter(prefix="/api")

Memories = Annotated[Archive, Depends(reading("read:memories", "read:archive"))]
Everything = Annotated[Archive, Depends(reading("read:archive"))]
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(alias="cursor", max_length=2000)]
Word = Annotated[str | None, Query(max_length=200)]
Few = Annotated[int, Query(ge=1, le=20)]
Asking = Annotated[Archive, Depends(reading("ask"))]
_asking = CapacityLimiter(4)


class Question(BaseModel):
    """What is asked."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    question: str = Field(min_length=1, max_length=2000)
    project: str | None = Field(None, max_length=200)


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
    start = place_of(server.keys, archive, question, sent)
    scope = Filters(
        project=project,
        category=category,
        source=source,
        since=parse(since, zone) if since else None,
        until=parse(until, zone) if until else None,
    )
    found = list_conversations(archive, scope, limit=limit + 1, offset=start)
    shown = fitting([entry(one) for one in found], limit)
    told: dict[str, Any] = {"conversations": shown}
    if len(found) > len(shown):
        told["next_cursor"] = cursor(server.keys, archive, question, start + len(shown))
    return told


@router.get("/conversations/{id:path}/similar")
def similar(request: Request, archive: Everything, id: str, limit: Few = 10) -> dict[str, Any]:
    """The conversations that are nearest to one in what they mean."""
    if not has_conversation(archive, id):
        raise not_found("conversation")
    found = server_of(request).readers.of(archive.owner).searcher.similar(id, limit=limit)
    return {"results": fitting([hit(one) for one in found.results], limit)}


@router.get("/conversations/{id:path}")
def conversation(request: Request, archive: Memories, id: str, sent: Cursor = None) -> dict[str, Any]:
    """One conversation. A long one comes in parts: `next_cursor` asks for the next."""
    server = server_of(request)
    filed = transcripts.find(archive, id)
    if filed is None:
        raise not_found("conversation")
    start = place_of(server.keys, archive, ["read", id], sent)
    transcript = transcripts.transcript_of(filed.conversation)
    part = transcripts.part_of(transcript, start)
    told = _whole(filed) | {"transcript": part}
    if start + len(part) < len(transcript):
        told["transcript"] += "\n\n[It goes on: ask again with next_cursor.]"
        told["next_cursor"] = cursor(server.keys, archive, ["read", id], start + len(part))
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
    start = place_of(server.keys, archive, question, sent)
    filters = Filters(project=project, category=category, source=source)
    searcher = server.readers.of(archive.owner).searcher
    found = searcher.search(q, mode="hybrid", filters=filters, limit=limit, offset=start, facets=False)
    shown = fitting([hit(one) for one in found.results], limit)
    told: dict[str, Any] = {"total": found.total, "total_is_exact": found.total_is_exact, "results": shown}
    if shown and start + len(shown) < found.total:
        told["next_cursor"] = cursor(server.keys, archive, question, start + len(shown))
    return told


@router.post("/ask")
async def ask(request: Request, archive: Asking, asked: Question) -> dict[str, Any]:
    """An answer from the archive, with its sources. It is not kept."""
    reader = server_of(request).readers.of(archive.owner)

    def answer() -> Answer:
        return reader.ask(asked.question, project=asked.project)

    with fail_after_asking():
        told = await to_thread.run_sync(answer, abandon_on_cancel=True, limiter=_asking)
    if told.error:
        raise Problem(503, "unavailable", told.error)
    return answered(told)


@router.get("/projects")
def projects(request: Request, archive: Everything, sent: Cursor = None) -> dict[str, Any]:
    """Every project with how many conversations it has."""
    server = server_of(request)
    start = place_of(server.keys, archive, ["projects"], sent)
    found = [project(one) for one in registry.list_projects(archive)[start:]]
    shown = fitting(found, 1000)
    told: dict[str, Any] = {"projects": shown}
    if len(found) > len(shown):
        told["next_cursor"] = cursor(server.keys, archive, ["projects"], start + len(shown))
    return told


@router.get("/stats")
def stats(request: Request, archive: Everything) -> dict[str, Any]:
    """The whole in a few numbers."""
    return dict(statistics.totals(archive, zone=server_of(request).settings.zone))


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
            "title": shortened(filed.title, 300),
            "overview": shortened(filed.summary or str(told.get("overview") or ""), 2000),
            "emoji": shortened(str(told.get("emoji") or ""), 20),
            "category": filed.category,
        },
        "source": about.source,
        "project": filed.project_name or filed.project_id,
        "tags": filed.tags[:50],
        "url": about.url,
    }
