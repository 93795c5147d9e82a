"""Conversations for programs: in the founding system's form, and found by search. Always one owner's."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from anyio import CapacityLimiter, to_thread
from msgspec import Meta
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from commonplace.archive.conversations.reading import Filed, list_conversations, overview_in
from commonplace.archive.figures import statistics
from commonplace.archive.search.filters import Filters
from commonplace.moments import parse, to_iso
from commonplace.stages.asking import Answer
from commonplace.web.api import transcripts
from commonplace.web.api.paging import Pages, fitting
from commonplace.web.api.projects import projects_of
from commonplace.web.api.questions import Call, Paged, Question, QuestionRoute, Word, known, understanding
from commonplace.web.api.shapes import answered, entry, hit, shortened
from commonplace.web.errors import fail_after_asking
from commonplace.web.requests import NamedRoute
from commonplace.web.security.programs import shown_by
from commonplace.web.server import server_of

Limit = Annotated[int, Meta(ge=1, le=100)]
_asking = CapacityLimiter(4)


class Chosen(Paged, frozen=True, kw_only=True):
    """Some of the conversations."""

    project: Word | None = None
    category: Word | None = None
    source: Word | None = None


class Listing(Chosen, frozen=True, kw_only=True):
    since: Word | None = None
    until: Word | None = None
    limit: Limit = 25


class Looking(Chosen, frozen=True, kw_only=True):
    q: Annotated[str, Meta(max_length=500)]
    limit: Limit = 10


class OneOf(Paged, frozen=True, kw_only=True):
    id: str


class Near(Question, frozen=True, kw_only=True):
    id: str
    limit: Annotated[int, Meta(ge=1, le=20)] = 10


class Asking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of the whole."""

    question: Annotated[str, Meta(pattern=r"\S", max_length=2000)]
    project: Word | None = None


def conversations(call: Call, asked: Listing) -> dict[str, Any]:
    """The newest first."""
    zone = call.server.settings.zone
    question = ["list", asked.project, asked.category, asked.source, asked.since, asked.until]
    pages = Pages(call.server.keys, call.archive, question)
    start = pages.place_of(asked.cursor)
    scope = Filters(
        project=asked.project,
        category=asked.category,
        source=asked.source,
        since=parse(asked.since, zone) if asked.since else None,
        until=parse(asked.until, zone) if asked.until else None,
    )
    found = list_conversations(call.archive, scope, limit=asked.limit + 1, offset=start)
    return pages.told("conversations", [entry(one) for one in found], start, asked.limit)


def similar(call: Call, asked: Near) -> dict[str, Any]:
    """The conversations that are nearest to one in what they mean."""
    found = call.server.readers.of(call.archive.owner).similar(asked.id, limit=asked.limit)
    return {"results": fitting([hit(one) for one in found], asked.limit)}


def conversation(call: Call, asked: OneOf) -> dict[str, Any]:
    """One conversation. A long one comes in parts: `next_cursor` asks for the next."""
    part = transcripts.read(call.server.keys, call.archive, asked.id, asked.cursor)
    told = _whole(part.filed) | {"transcript": part.text}
    if part.next_cursor:
        told["transcript"] += "\n\n[It goes on: ask again with next_cursor.]"
        told["next_cursor"] = part.next_cursor
    return told


def search(call: Call, asked: Looking) -> dict[str, Any]:
    """Conversations that have all of the words; "phrases", -exclusions and prefix* work. Whatever is typed is safe."""
    pages = Pages(call.server.keys, call.archive, ["search", asked.q, asked.project, asked.category, asked.source])
    start = pages.place_of(asked.cursor)
    filters = Filters(project=asked.project, category=asked.category, source=asked.source)
    searcher = call.server.readers.of(call.archive.owner).searcher
    found = searcher.search(asked.q, mode="hybrid", filters=filters, limit=asked.limit, offset=start, facets=False)
    shown = fitting([hit(one) for one in found.results], asked.limit)
    told: dict[str, Any] = {"total": found.total, "total_is_exact": found.total_is_exact, "results": shown}
    if shown and start + len(shown) < found.total:
        told["next_cursor"] = pages.cursor(start + len(shown))
    return told


async def ask(request: Request) -> Response:
    """An answer from the archive, with its sources. It is not kept."""
    server = server_of(request)
    call = await run_in_threadpool(known, server, shown_by(request), "ask")
    with understanding():
        asked = msgspec.json.decode(await request.body(), type=Asking)
    reader = server.readers.of(call.archive.owner)

    def answer() -> Answer:
        return reader.ask(asked.question.strip(), project=asked.project)

    with fail_after_asking():
        told = await to_thread.run_sync(answer, abandon_on_cancel=True, limiter=_asking)
    return Response(msgspec.json.encode(answered(told)), media_type="application/json")


def projects(call: Call, asked: Paged) -> dict[str, Any]:
    """Every project with how many conversations it has."""
    return projects_of(call.server.keys, call.archive, asked.cursor)


def stats(call: Call, _: Question) -> dict[str, Any]:
    """The whole in a few numbers."""
    return dict(statistics.totals(call.archive, zone=call.server.settings.zone))


QUESTIONS = (
    QuestionRoute("/api/conversations", conversations, Listing, "read:memories", "read:archive"),
    QuestionRoute("/api/conversations/{id:path}/similar", similar, Near, "read:archive"),
    QuestionRoute("/api/conversations/{id:path}", conversation, OneOf, "read:memories", "read:archive"),
    QuestionRoute("/api/search", search, Looking, "read:archive"),
    QuestionRoute("/api/projects", projects, Paged, "read:archive"),
    QuestionRoute("/api/stats", stats, Question, "read:archive"),
)
routes = (*QUESTIONS, NamedRoute("/api/ask", ask, methods=["POST"]))


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
