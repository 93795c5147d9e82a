"""What the judges are not sure of, one at a time: a key for each answer, and each answer can be taken back."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from commonplace.archive.conversations.reading import load_filed
from commonplace.archive.core import Archive
from commonplace.archive.verdicts.verdicts import count_waiting, review_queue
from commonplace.errors import Refused
from commonplace.moments import now
from commonplace.stages.categorizing.reviewing import take_back
from commonplace.stages.categorizing.round import Round
from commonplace.web.arriving.meanwhile import ONE_AT_A_TIME
from commonplace.web.pages.rendering import render
from commonplace.web.security.csrf import Guarded, Typed
from commonplace.web.security.people import Person, archive_of
from commonplace.web.server import Server, server_of
from commonplace.web.wording import say

router = APIRouter(prefix="/review")

LOOKED_AT = 200
"""Of what waits, how many are looked through for those that are alike."""
MOST_UNDONE = 60
MOST_MOMENT = 2**62
Place = Annotated[int, Form(ge=0, le=1_000_000)]


@router.get("")
def page(
    request: Request,
    session: Person,
    skip: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    said: Annotated[str, Query(max_length=200)] = "",
    undo: Annotated[list[str], Query(max_length=MOST_UNDONE)] = [],  # noqa: B006
    at: Annotated[int, Query(ge=0, le=MOST_MOMENT)] = 0,
) -> Response:
    """The first that waits, beyond those that were skipped; what was said last can be undone."""
    return _page(request, archive_of(request, session.owner), skip=skip, said=said, undo=undo, at=at)


@router.post("", dependencies=[Guarded])
def answer(
    request: Request, session: Person, id: Typed, category: Typed = "", alike: Typed = "", skip: Place = 0
) -> Response:
    """This one belongs there, and those that are like it too if that was meant. What somebody else has said of it
    meanwhile stays, and is told."""
    archive = archive_of(request, session.owner)
    with ONE_AT_A_TIME:
        round = _round(server_of(request), archive, skip, first=id)
        if round.current is None or round.current.id != id:
            return _page(request, archive, skip=skip, problem=_late(archive, id, category))
        ids = round.alike()[:MOST_UNDONE] if alike else [id]
        try:
            round.say(category, ids)
        except Refused as refused:
            return _page(request, archive, skip=skip, problem=str(refused))
    told = {"skip": skip, "said": category, "at": now(), "undo": ids}
    return RedirectResponse(f"/review?{urlencode(told, doseq=True)}", 303)


@router.post("/undo", dependencies=[Guarded])
def undo(
    request: Request,
    session: Person,
    undo: Annotated[list[str], Form(max_length=MOST_UNDONE)] = [],  # noqa: B006
    skip: Place = 0,
    said: Typed = "",
    at: Annotated[int, Form(ge=0, le=MOST_MOMENT)] = 0,
) -> Response:
    """Take back what was said last: it waits again. What somebody has said since stays, and is told."""
    archive = archive_of(request, session.owner)
    below = server_of(request).settings.categorize.review_below
    with ONE_AT_A_TIME:
        others = take_back(archive, undo, said, until=at, review_below=below)
    if others:
        return _page(request, archive, skip=skip, problem=say("review.newer", n=len(others)))
    return RedirectResponse(f"/review?skip={skip}", 303)


def _late(archive: Archive, id: str, category: str) -> str:
    """What became of a conversation that somebody else has sorted meanwhile."""
    found = next(iter(load_filed(archive, [id])), None)
    if found is None:
        return say("review.gone", category=category)
    title = found.title or say("found.untitled")
    return say("review.late", title=title, now=found.category or "", category=category)


def _page(
    request: Request,
    archive: Archive,
    *,
    skip: int,
    said: str = "",
    undo: list[str] | None = None,
    at: int = 0,
    problem: str = "",
) -> Response:
    round = _round(server_of(request), archive, skip)
    return render(
        request,
        "review.html",
        status=400 if problem else 200,
        item=round.current,
        choices=round.choices() if round.current else [],
        excerpt=[text for text in round.excerpt() if text],
        alike=len(round.alike()[:MOST_UNDONE]),
        waiting=count_waiting(archive),
        skip=skip,
        said=said,
        undo=undo or [],
        at=at,
        problem=problem,
    )


def _round(server: Server, archive: Archive, skip: int, *, first: str | None = None) -> Round:
    """What waits, beyond those that were skipped; `first` that one, wherever it has moved to meanwhile."""
    settings = server.settings.categorize
    waiting = review_queue(archive, limit=LOOKED_AT, offset=skip)
    if first is not None:
        waiting = review_queue(archive, only=first) + [each for each in waiting if each.id != first]
    return Round(archive, settings.taxonomy, waiting, review_below=settings.review_below, origin="web")
