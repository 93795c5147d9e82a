"""One word for many conversations: those that were ticked, or all that were found. What it will do is told first.

A few are changed at once; more are a run, and so is whatever takes long.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlencode

import msgspec
from fastapi import APIRouter, Form, Query, Request
from starlette.responses import FileResponse, Response

from commonplace.archive.access.sessions import Session
from commonplace.archive.care.forget import forget as foresee_forgetting
from commonplace.archive.conversations.reading import load_filed
from commonplace.archive.projects import registry
from commonplace.errors import CommonplaceError, Refused
from commonplace.session import Session as Reading
from commonplace.stages import several
from commonplace.stages.categorizing.recurrence import tags_in_use
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.stages.selection import Selection
from commonplace.stages.several import Choice
from commonplace.stages.syncing import destinations
from commonplace.stages.transcripts.writing import write_transcripts
from commonplace.web.errors import Problem, not_found
from commonplace.web.pages.conversations import asked_of, found_ids
from commonplace.web.pages.printed import form_named
from commonplace.web.pages.rendering import done, render
from commonplace.web.pages.runs import ask_for
from commonplace.web.security.csrf import Guarded, Typed
from commonplace.web.security.people import Person
from commonplace.web.server import Server, server_of
from commonplace.web.wording import say

router = APIRouter(prefix="/several")

MOST = 10_000
"""So many can be chosen."""
AT_ONCE = 900
"""So many are changed while somebody waits for the page."""
SHOWN = 20
Ids = Annotated[list[str], Form(max_length=MOST)]
Address = Annotated[str, Form(max_length=8_000)]
Act = Literal["", "sync", "forget"]
Name = Annotated[str, Query(max_length=200)]


@router.post("", dependencies=[Guarded])
def choose(
    request: Request,
    session: Person,
    id: Ids = [],  # noqa: B006
    query: Address = "",
    everything: Typed = "",
) -> Response:
    """Keep the choice; its page has what can be done with it."""
    server, told = server_of(request), parse_qs(query)
    ids = _all(server, session.owner, told) if everything else id
    back = urlencode(told, doseq=True)
    if not ids:
        return render(request, "several.html", status=400, choice=None, query=back)
    return done(f"/several/{several.choose(_home(request, session), session.owner, ids, query=back).name}")


@router.get("/{name}")
def page(request: Request, session: Person, name: str, act: Act = "", destination: Name = "") -> Response:
    """What can be done with a choice. Of the act that is asked for also what it would do."""
    return _page(request, session, _found(request, session, name), act=act, destination=destination)


@router.get("/{name}/file")
def file(request: Request, session: Person, name: str) -> Response:
    """The file that they were written into."""
    choice = _found(request, session, name)
    path = several.file_of(_home(request, session), choice)
    if not path.is_file():
        raise not_found("file")
    return FileResponse(path, filename=f"conversations{path.suffix}", media_type="application/octet-stream")


@router.post("/{name}/say", dependencies=[Guarded])
def speak(
    request: Request, session: Person, name: str, category: Typed = "", tags: Typed = "", project: Typed = ""
) -> Response:
    """Say it of each of them, as if one had gone from page to page."""
    settings, _, archive = server_of(request).session_of(session.owner)
    added = tuple(part.strip() for part in tags.split(",") if part.strip())
    words = {"category": category, "tags": added, "project": " ".join(project.split())}
    choice = msgspec.structs.replace(_found(request, session, name), **words)
    try:
        if not any(words.values()):
            raise Refused(say("several.no_word"))
        if _is_run(choice):
            return _start(request, session, choice, act="say")
        several.say(settings.home, archive, choice, taxonomy=settings.categorize.taxonomy, origin="web")
    except CommonplaceError as error:
        return _page(request, session, choice, problem=str(error))
    return done(f"/several/{name}", "kept")


@router.post("/{name}/undo", dependencies=[Guarded])
def undo(request: Request, session: Person, name: str) -> Response:
    """Take back what was said of them."""
    settings, _, archive = server_of(request).session_of(session.owner)
    choice = _found(request, session, name)
    if _is_run(choice):
        return _start(request, session, choice, act="undo")
    several.undo(settings.home, archive, choice, review_below=settings.categorize.review_below)
    return done(f"/several/{name}", "undone")


@router.post("/{name}/export", dependencies=[Guarded])
def export(request: Request, session: Person, name: str, format: Typed = "markdown") -> Response:
    """Write them into one file, which the page then has."""
    if format not in several.FORMATS:
        raise Problem(422, "invalid", "There is no such format.")
    choice = msgspec.structs.replace(_found(request, session, name), format=format)
    if _is_run(choice) and format == "html":  # its pictures are in it
        return _page(request, session, choice, problem=say("several.too_long", n=AT_ONCE))
    if _is_run(choice):
        return _start(request, session, choice, act="export")
    reading = server_of(request).session_of(session.owner)
    path = several.file_of(reading.settings.home, choice)
    write_transcripts(reading.archive, path, choice.ids, form_named(reading, format))
    several.keep(reading.settings.home, choice)
    return done(f"/several/{name}/file")


@router.post("/{name}/sync", dependencies=[Guarded])
def sync(request: Request, session: Person, name: str, destination: Typed) -> Response:
    """Write them to a destination, as a run."""
    choice = _found(request, session, name)
    return _start(request, session, choice, "sync", destination=destination, agreed=True)


@router.post("/{name}/forget", dependencies=[Guarded])
def forget(request: Request, session: Person, name: str) -> Response:
    """Remove them for good, as a run."""
    return _start(request, session, _found(request, session, name), act="forget")


def _is_run(choice: Choice) -> bool:
    return len(choice.ids) > AT_ONCE


def _start(request: Request, session: Session, choice: Choice, flow: str = "several", **asked: Any) -> Response:
    several.keep(_home(request, session), choice)
    try:
        started = ask_for(request, session, flow, {"chosen": choice.name, **asked})
    except CommonplaceError as error:
        return _page(request, session, choice, problem=str(error))
    return done(f"/runs/{started.id}")


def _found(request: Request, session: Session, name: str) -> Choice:
    return several.find(_home(request, session), session.owner, name)


def _home(request: Request, session: Session) -> Path:
    return server_of(request).session_of(session.owner).settings.home


def _all(server: Server, owner: str, told: dict[str, list[str]]) -> Sequence[str]:
    return found_ids(server, owner, asked_of(told), most=MOST)


def _page(
    request: Request, session: Session, choice: Choice, *, act: Act = "", destination: str = "", problem: str = ""
) -> Response:
    reading = server_of(request).session_of(session.owner)
    settings, _, archive = reading
    plan: Any = None
    try:
        plan = _plan(reading, choice, act, destination)
    except CommonplaceError as error:
        problem = str(error)
    return render(
        request,
        "several.html",
        status=400 if problem else 200,
        problem=problem,
        choice=choice,
        shown=list(load_filed(archive, choice.ids[:SHOWN])),
        query=choice.query,
        categories=taxonomy_named(archive, settings.categorize.taxonomy).names,
        projects=registry.sorted_names(archive),
        tags=tags_in_use(archive),
        formats=several.FORMATS,
        file=several.file_of(settings.home, choice),
        destinations=destinations.names(settings, archive),
        destination=destination,
        act=act,
        plan=plan,
        is_run=_is_run(choice),
        most=MOST,
    )


def _plan(reading: Reading, choice: Choice, act: Act, destination: str) -> Any:
    """What an act would do, which is told before it is done."""
    if act == "sync" and destination:
        from commonplace.stages.syncing import stage

        return stage.preview(reading, destination, Selection(ids=choice.ids))
    if act == "forget":
        return foresee_forgetting(reading.archive, ids=choice.ids, dry_run=True)
    return None
