"""What runs, ran and will run; and one run from its beginning to its end, whoever looks at it and however often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from commonplace import runs, whose
from commonplace.archive.access import users
from commonplace.archive.access.sessions import Session
from commonplace.archive.access.users import User
from commonplace.config import Settings
from commonplace.errors import CommonplaceError, Refused
from commonplace.runs import Started
from commonplace.stack import history
from commonplace.stack.history import NoHistory, Run
from commonplace.web.errors import Problem, not_found
from commonplace.web.pages.rendering import done, fragment, render
from commonplace.web.progress import FRESH_SECONDS, Seen, look
from commonplace.web.reading import to_html
from commonplace.web.security.csrf import Guarded
from commonplace.web.security.people import Person, archive_of
from commonplace.web.server import Server, server_of
from commonplace.web.wording import say

router = APIRouter(prefix="/runs")

MOST_LISTED = 50
HEARTBEAT_SECONDS = 15
NOT_LONGER = 3600
"""Seconds that one connection lasts; a browser opens the next."""


@router.get("")
def list_page(request: Request, session: Person, all: bool = False) -> Response:
    """The newest runs, and the next one; with `all` also those that look every few minutes whether there is work."""
    found: list[Run] = []
    coming, is_there = None, True
    try:
        found, coming = listed(server_of(request), session, limit=MOST_LISTED, flows=[] if all else runs.seldom())
    except NoHistory:
        is_there = False
    return render(request, "runs.html", runs=found, coming=coming, is_there=is_there, all=all)


@router.get("/{id}")
def run_page(request: Request, session: Person, id: str) -> Response:
    """One run. Its page asks again by itself until it has ended."""
    seen, now = _shown(request, session, id)
    reports = [(stage.name, to_html(stage.report)) for stage in seen.stages if stage.report]
    return render(request, "run.html", seen=seen, now=now, reports=reports)


@router.get("/{id}/now")
def now(request: Request, session: Person, id: str) -> Response:
    """The part of the page that changes, for browsers behind something that holds events back."""
    seen, html = _shown(request, session, id)
    return HTMLResponse(html, headers={"x-run-ended": "yes" if seen.run.has_ended else "no"})


@router.get("/{id}/events")
async def events(request: Request, session: Person, id: str) -> Response:
    """The same whenever it changes, and `end` at the end."""
    await run_in_threadpool(_shown, request, session, id)
    return EventSourceResponse(_events(request, session, id), ping=HEARTBEAT_SECONDS)


@router.post("/{id}/cancel", dependencies=[Guarded])
def cancel(request: Request, session: Person, id: str) -> Response:
    """Ask for the end of a run; the page tells when it has come."""
    _shown(request, session, id)
    try:
        runs.connect(server_of(request).settings)
        runs.cancel(id)
    except CommonplaceError as error:
        raise Problem(503, "not_cancelled", error.message, hint=error.hint) from None
    return done(f"/runs/{id}")


@router.post("/{id}/again", dependencies=[Guarded])
def again(request: Request, session: Person, id: str) -> Response:
    """Ask for what a run that broke off did not do: the same once more, since what is done is not done again."""
    run, uploads = _shown(request, session, id)[0].run, server_of(request).uploads
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
    """Ask for a run for this person, which has the key that was lent in this session if one was. Refused where nobody
    would do it."""
    settings = server_of(request).settings
    if name := whose.name_of(settings, archive_of(request, session.owner)):
        parameters = parameters | {"owner": name}
    try:
        history.api_of(settings)
    except NoHistory:
        raise Refused(say(nobody)) from None
    runs.connect(settings)
    return runs.start(flow, parameters, lent_in=session.id)


async def _events(request: Request, session: Session, id: str) -> AsyncIterator[ServerSentEvent]:
    sent = request.headers.get("last-event-id", "")
    for _ in range(int(NOT_LONGER / FRESH_SECONDS)):
        try:
            seen, html = await run_in_threadpool(_shown, request, session, id)
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


def listed(server: Server, session: Session, *, limit: int, flows: Sequence[str]) -> tuple[list[Run], Run | None]:
    """The newest runs of this person, and the next; the server's owner also has those that are nobody's."""
    archive = server.archive.of(session.owner)
    name = whose.name_of(server.settings, archive)
    wanted = partial(_is_theirs, server.settings, users.list_users(archive), session)
    api = history.api_of(server.settings)
    found = history.recent(api, limit=limit, flows=flows, owner=name, is_wanted=wanted)
    return found, history.coming(api, flows=flows, owner=name, is_wanted=wanted)


def _is_theirs(settings: Settings, people: list[User], session: Session, run: Run) -> bool:
    return whose.owner_called(settings, people, run.owner) == session.owner


def _shown(request: Request, session: Session, id: str) -> tuple[Seen, str]:
    """A run of this person, and the part of its page that changes: made once for all pages of theirs that look."""
    server = server_of(request)
    owner, settings = session.owner, server.settings
    archive = server.archive.of(owner)

    def ask() -> tuple[Seen, str] | None:
        names_of = {upload.file_name: upload.name for upload in server.uploads.list(owner)}
        seen = look(settings, archive, id, names_of)
        if seen is None or not _is_theirs(settings, users.list_users(archive), session, seen.run):
            return None
        if owner != settings.owner:  # Prefect's own pages are not for them
            seen = msgspec.structs.replace(seen, address="")
        return seen, fragment(request, "run_now.html", seen=seen)

    with _prefect_answers():
        shown: tuple[Seen, str] | None = server.watched.get(f"{owner} {id}", ask)
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
