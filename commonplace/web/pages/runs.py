"""What runs, ran and will run; and one run from its beginning to its end, whoever looks at it and however often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from commonplace import runs
from commonplace.archive.access.sessions import Session
from commonplace.errors import CommonplaceError, Refused
from commonplace.runs import Started
from commonplace.stack import history
from commonplace.stack.history import NoHistory, Run
from commonplace.web.errors import Problem, not_found
from commonplace.web.pages.rendering import done, fragment, render
from commonplace.web.progress import FRESH_SECONDS, Seen, look
from commonplace.web.reading import to_html
from commonplace.web.security.csrf import Guarded
from commonplace.web.security.people import OwnerOfRuns
from commonplace.web.server import server_of
from commonplace.web.wording import say

router = APIRouter(prefix="/runs")

MOST_LISTED = 50
HEARTBEAT_SECONDS = 15
NOT_LONGER = 3600
"""Seconds that one connection lasts; a browser opens the next."""


@router.get("")
def list_page(request: Request, session: OwnerOfRuns, all: bool = False) -> Response:
    """The newest runs, and the next one; with `all` also those that look every few minutes whether there is work."""
    found: list[Run] = []
    coming, is_there = None, True
    try:
        api, flows = history.api_of(server_of(request).settings), [] if all else runs.seldom()
        found, coming = history.recent(api, limit=MOST_LISTED, flows=flows), history.coming(api, flows=flows)
    except NoHistory:
        is_there = False
    return render(request, "runs.html", runs=found, coming=coming, is_there=is_there, all=all)


@router.get("/{id}")
def run_page(request: Request, session: OwnerOfRuns, id: str) -> Response:
    """One run. Its page asks again by itself until it has ended."""
    seen, now = _shown(request, id)
    reports = [(stage.name, to_html(stage.report)) for stage in seen.stages if stage.report]
    return render(request, "run.html", seen=seen, now=now, reports=reports)


@router.get("/{id}/now")
def now(request: Request, session: OwnerOfRuns, id: str) -> Response:
    """The part of the page that changes, for browsers behind something that holds events back."""
    seen, html = _shown(request, id)
    return HTMLResponse(html, headers={"x-run-ended": "yes" if seen.run.has_ended else "no"})


@router.get("/{id}/events")
async def events(request: Request, session: OwnerOfRuns, id: str) -> Response:
    """The same whenever it changes, and `end` at the end."""
    await run_in_threadpool(_shown, request, id)
    return EventSourceResponse(_events(request, id), ping=HEARTBEAT_SECONDS)


@router.post("/{id}/cancel", dependencies=[Guarded])
def cancel(request: Request, session: OwnerOfRuns, id: str) -> Response:
    """Ask for the end of a run; the page tells when it has come."""
    _shown(request, id)
    try:
        runs.connect(server_of(request).settings)
        runs.cancel(id)
    except CommonplaceError as error:
        raise Problem(503, "not_cancelled", error.message, hint=error.hint) from None
    return done(f"/runs/{id}")


@router.post("/{id}/again", dependencies=[Guarded])
def again(request: Request, session: OwnerOfRuns, id: str) -> Response:
    """Ask for what a run that broke off did not do: the same once more, since what is done is not done again."""
    run, uploads = _shown(request, id)[0].run, server_of(request).uploads
    try:
        if not run.has_broken_off:
            raise Refused(say("run.goes_on"))
        started = ask_for(request, session, run.flow, dict(run.parameters))
    except CommonplaceError as error:
        raise Problem(503, "not_asked", error.message, hint=error.hint) from None
    for upload in uploads.list(session.owner):
        if upload.run == id:
            uploads.keep(msgspec.structs.replace(upload, run=started.id))
    return done(f"/runs/{started.id}")


def ask_for(
    request: Request, session: Session, flow: str, parameters: dict[str, Any], *, nobody: str = "runs.nobody"
) -> Started:
    """Ask for a run, which has the key that was lent in this session if one was. Refused where nobody would do it."""
    settings = server_of(request).settings
    try:
        history.api_of(settings)
    except NoHistory:
        raise Refused(say(nobody)) from None
    runs.connect(settings)
    return runs.start(flow, parameters, lent_in=session.id)


async def _events(request: Request, id: str) -> AsyncIterator[ServerSentEvent]:
    sent = request.headers.get("last-event-id", "")
    for _ in range(int(NOT_LONGER / FRESH_SECONDS)):
        try:
            seen, html = await run_in_threadpool(_shown, request, id)
        except Problem:  # Prefect is being started again: it will come back
            await asyncio.sleep(HEARTBEAT_SECONDS / 5)
            continue
        mark = blake2b(html.encode(), digest_size=8).hexdigest()
        if mark != sent:
            yield ServerSentEvent(html, event="run", id=mark)
            sent = mark
        if seen.run.has_ended:
            yield ServerSentEvent("", event="end")
            return
        await asyncio.sleep(FRESH_SECONDS)


def _shown(request: Request, id: str) -> tuple[Seen, str]:
    """A run, and the part of its page that changes: made once for all who look."""
    server = server_of(request)
    owner = server.settings.owner
    archive = server.archive.of(owner)

    def ask() -> tuple[Seen, str] | None:
        names_of = {upload.file_name: upload.name for upload in server.uploads.list(owner)}
        seen = look(server.settings, archive, id, names_of)
        return None if seen is None else (seen, fragment(request, "run_now.html", seen=seen))

    with _prefect_answers():
        shown: tuple[Seen, str] | None = server.watched.get(id, ask)
    if shown is None:
        raise not_found("run")
    return shown


@contextmanager
def _prefect_answers() -> Iterator[None]:
    try:
        yield
    except NoHistory:
        raise Problem(
            503, "no_prefect", "Prefect does not answer.", hint="`commonplace up` starts it; this page waits for it."
        ) from None
