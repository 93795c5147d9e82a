"""Conversations for programs: in the founding system's form, and found by search. Always one owner's.

Routes make their replies themselves: FastAPI would look at each on another thread before it is sent.
"""

from __future__ import annotations

from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from commonplace.archive.conversations.reading import Filed, list_conversations
from commonplace.archive.core import Archive
from commonplace.archive.figures import statistics
from commonplace.archive.search.filters import Filters
from commonplace.moments import parse, to_iso
from commonplace.stages.asking import Answer
from commonplace.web.api import transcripts
from commonplace.web.api.paging import Pages, fitting
from commonplace.web.api.projects import projects_of
from commonplace.web.api.shapes import answered, entries, hit, overview_in, shortened
from commonplace.web.errors import fail_after_asking
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
) -> Response:
    """The newest first."""
    server = server_of(request)
    zone = server.settings.zone
    pages = Pages(server.keys, archive, ["list", project, category, source, since, until])
    start = pages.place_of(sent)
    scope = Filters(
        project=project,
        category=category,
        source=source,
        since=parse(since, zone) if since else None,
        until=parse(until, zone) if until else None,
    )
    found = list_conversations(archive, scope, limit=limit + 1, offset=start)
    return JSONResponse(pages.told("conversations", entries(archive, found), start, limit))


@router.get("/conversations/{id:path}/similar")
def similar(request: Request, archive: Everything, id: str, limit: Few = 10) -> Response:
    """The conversations that are nearest to one in what they mean."""
    found = server_of(request).readers.of(archive.owner).similar(id, limit=limit)
    return JSONResponse({"results": fitting([hit(one) for one in found], limit)})


@router.get("/conversations/{id:path}")
def conversation(request: Request, archive: Memories, id: str, sent: Cursor = None) -> Response:
    """One conversation. A long one comes in parts: `next_cursor` asks for the next."""
    part = transcripts.read(server_of(request).keys, archive, id, sent)
    told = _whole(part.filed) | {"transcript": part.text}
    if part.next_cursor:
        told["transcript"] += "\n\n[It goes on: ask again with next_cursor.]"
        told["next_cursor"] = part.next_cursor
    return JSONResponse(told)


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
) -> Response:
    """Conversations that have all of the words; "phrases", -exclusions and prefix* work. Whatever is typed is safe."""
    server = server_of(request)
    pages = Pages(server.keys, archive, ["search", q, project, category, source])
    start = pages.place_of(sent)
    filters = Filters(project=project, category=category, source=source)
    searcher = server.readers.of(archive.owner).searcher
    found = searcher.search(q, mode="hybrid", filters=filters, limit=limit, offset=start, facets=False)
    shown = fitting([hit(one) for one in found.results], limit)
    told: dict[str, Any] = {"total": found.total, "total_is_exact": found.total_is_exact, "results": shown}
    if shown and start + len(shown) < found.total:
        told["next_cursor"] = pages.cursor(start + len(shown))
    return JSONResponse(told)


@router.post("/ask")
async def ask(request: Request, archive: Asking, asked: Question) -> Response:
    """An answer from the archive, with its sources. It is not kept."""
    reader = server_of(request).readers.of(archive.owner)

    def answer() -> Answer:
        return reader.ask(asked.question, project=asked.project)

    with fail_after_asking():
        told = await to_thread.run_sync(answer, abandon_on_cancel=True, limiter=_asking)
    return JSONResponse(answered(told))


@router.get("/projects")
def projects(request: Request, archive: Everything, sent: Cursor = None) -> Response:
    """Every project with how many conversations it has."""
    return JSONResponse(projects_of(server_of(request).keys, archive, sent))


@router.get("/stats")
def stats(request: Request, archive: Everything) -> Response:
    """The whole in a few numbers."""
    return JSONResponse(dict(statistics.totals(archive, zone=server_of(request).settings.zone)))


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
            "overview": shortened(filed.summary or overview_in(about.extra), 2000),
            "emoji": shortened(str(told.get("emoji") or ""), 20),
            "category": filed.category,
        },
        "source": about.source,
        "project": filed.project_name or filed.project_id,
        "tags": filed.tags[:50],
        "url": about.url,
    }
