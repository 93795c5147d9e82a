"""Asking the archive: the answer as it is told, and the messages that it stands on."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Form, Request
from markupsafe import Markup
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from commonplace.archive.conversations.reading import list_conversations, load_filed
from commonplace.archive.projects import registry
from commonplace.archive.scope import Scope
from commonplace.archive.search.filters import Filters
from commonplace.errors import CommonplaceError
from commonplace.moments import parse
from commonplace.stages.asking import LONGEST_QUESTION, OWN, Answer
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.web.pages.rendering import fragment, render
from commonplace.web.reading import to_html
from commonplace.web.security.csrf import Guarded
from commonplace.web.security.people import Person, archive_of
from commonplace.web.server import server_of

router = APIRouter(prefix="/ask")

Question = Annotated[str, Form(max_length=LONGEST_QUESTION)]
Short = Annotated[str, Form(max_length=400)]


class Scoped(msgspec.Struct, frozen=True):
    """What alone is asked, as it was typed."""

    about: str = ""
    """A conversation, by its id."""
    project: str = ""
    category: str = ""
    since: str = ""
    until: str = ""


def _scoped(
    about: Short = "", project: Short = "", category: Short = "", since: Short = "", until: Short = ""
) -> Scoped:
    return Scoped(about, project, category, since, until)


Only = Annotated[Scoped, Depends(_scoped)]
_CITED = re.compile(r"\[(\d{1,3})\](?![^<]*>)")
EARLIER = 10
LONGEST_PASSAGE = 600


@router.get("")
def page(
    request: Request, session: Person, question: str = "", project: str = "", category: str = "", about: str = ""
) -> Response:
    """The form, and what was asked before."""
    asked: dict[str, Any] = {
        "question": question[:LONGEST_QUESTION],
        "project": project,
        "category": category,
        "about": about,
    }
    return _page(request, session.owner, **asked)


@router.post("", dependencies=[Guarded])
def ask(request: Request, session: Person, question: Question, only: Only) -> Response:
    """The answer, whole."""
    asked = {"question": question, **msgspec.structs.asdict(only)}
    try:
        told = server_of(request).readers.of(session.owner).tell(question, _filters(request, only))
    except CommonplaceError as error:
        return _page(request, session.owner, problem=str(error), **asked)
    return _page(request, session.owner, told=told, **asked)


@router.post("/now", dependencies=[Guarded])
async def ask_now(request: Request, session: Person, question: Question, only: Only) -> Response:
    """The answer as it is told: `piece` again and again, then `answer` with its sources, or `problem`."""
    told = _telling(request, session.owner, question, only)
    return EventSourceResponse(told, headers={"cache-control": "no-store"})


async def _telling(request: Request, owner: str, question: str, only: Scoped) -> AsyncIterator[ServerSentEvent]:
    loop, pieces = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def heard(piece: str) -> None:
        loop.call_soon_threadsafe(pieces.put_nowait, piece)

    def tell() -> Answer:
        try:
            filters = _filters(request, only)
            return server_of(request).readers.of(owner).tell(question, filters, heard=heard)
        finally:
            loop.call_soon_threadsafe(pieces.put_nowait, None)

    telling = asyncio.create_task(run_in_threadpool(tell))
    while (piece := await pieces.get()) is not None:
        if piece:
            yield ServerSentEvent(piece, event="piece")
    try:
        told = await telling
    except CommonplaceError as error:
        yield ServerSentEvent(str(error), event="problem")
        return
    yield ServerSentEvent(
        fragment(request, "answer.html", told=told, answer=_answer(told), passage=_passage), event="answer"
    )


def _filters(request: Request, only: Scoped) -> Filters:
    zone = server_of(request).settings.zone
    return Filters(
        conversation=only.about or None,
        project=only.project or None,
        category=only.category or None,
        since=parse(only.since, zone) if only.since else None,
        until=parse(only.until, zone) if only.until else None,
    )


def _answer(told: Answer) -> Markup:
    """With marks that lead to its sources."""
    numbers = {source.number for source in told.sources}

    def mark(found: re.Match[str]) -> str:
        number = int(found[1])
        return f'<a href="#source-{number}">[{number}]</a>' if number in numbers else found[0]

    return Markup(_CITED.sub(mark, str(to_html(told.answer))))  # noqa: S704  (it was cleaned, and numbers are numbers)


def _passage(text: str) -> Markup:
    """Its beginning, as a page shows what was said."""
    return to_html(text if len(text) <= LONGEST_PASSAGE else f"{text[:LONGEST_PASSAGE]} …")


def _page(request: Request, owner: str, *, problem: str = "", told: Answer | None = None, **asked: Any) -> Response:
    archive = archive_of(request, owner)
    return render(
        request,
        "ask.html",
        status=400 if problem else 200,
        problem=problem,
        asked={"question": "", **msgspec.structs.asdict(Scoped())} | asked,
        about=next(iter(load_filed(archive, [asked["about"]])), None) if asked.get("about") else None,
        told=told,
        answer=_answer(told) if told else "",
        passage=_passage,
        projects=registry.sorted_names(archive),
        categories=taxonomy_named(archive, server_of(request).settings.categorize.taxonomy).names,
        earlier=list_conversations(archive, Scope(source=OWN), limit=EARLIER),
        longest=LONGEST_QUESTION,
    )
