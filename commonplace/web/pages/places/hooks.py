"""Who is told of what happens here: adding one, trying it, telling it again, and telling it no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from commonplace import whose
from commonplace.archive.access.sessions import Session
from commonplace.bounds import read_section
from commonplace.config import HookEvent, HookSettings
from commonplace.config.files import dotenv_of, keep_typed
from commonplace.errors import CommonplaceError, Refused
from commonplace.session import Session as Reading
from commonplace.stages import hooks
from commonplace.web.pages.rendering import done, render
from commonplace.web.security.csrf import Guarded, Typed
from commonplace.web.security.people import Person
from commonplace.web.server import server_of
from commonplace.web.wording import say

router = APIRouter(prefix="/destinations/hooks")

EVENTS = get_args(HookEvent)
TEST_SECONDS = 10.0
"""Somebody waits for the page."""


@router.get("")
def page(request: Request, session: Person) -> Response:
    """All of them as they stand."""
    return _page(request, session)


@router.post("", dependencies=[Guarded])
def add(
    request: Request,
    session: Person,
    name: Typed = "",
    url: Typed = "",
    event: Annotated[list[str], Form(max_length=20)] = [],  # noqa: B006
    private: Annotated[bool, Form()] = False,
) -> Response:
    """A new one. What its requests are signed with is on the page that comes back, and never again."""
    name = name.strip().lower()
    typed = {"name": name, "url": url, "event": event, "private": private}
    wanted = {"url": url.strip(), "events": event, "allow_private": private}
    reading = _reading(request, session)
    try:
        if private and whose.is_another(reading):
            raise Refused(say("hooks.not_private"))
        hook = read_section(wanted, HookSettings, section=f"hooks.{name}", file=None)
        secret = hooks.add(reading, name, hook)
    except CommonplaceError as error:
        return _page(request, session, problem=str(error), typed=typed)
    kept, home = {hooks.variable_of(name): secret}, reading.settings.home
    keep_typed(home, kept)
    reading.environment.learn(str(dotenv_of(home)), kept)
    return _page(request, session, secret=secret)


@router.post("/test", dependencies=[Guarded])
def try_one(request: Request, session: Person, name: Typed) -> Response:
    """Send an event of no consequence now, and tell what came back."""
    try:
        status = hooks.send_test(_reading(request, session), name, most_seconds=TEST_SECONDS)
    except CommonplaceError as error:
        return _page(request, session, problem=str(error))
    if not 200 <= status < 300:
        return _page(request, session, problem=say("hooks.not_taken", name=name, status=status))
    return _page(request, session, tried=name)


@router.post("/again", dependencies=[Guarded])
def again(request: Request, session: Person, name: Typed) -> Response:
    """What was not taken is due again."""
    return _done(request, session, lambda reading: hooks.redeliver(reading, name), "due")


@router.post("/remove", dependencies=[Guarded])
def remove(request: Request, session: Person, name: Typed) -> Response:
    """Tell it no more."""
    return _done(request, session, lambda reading: hooks.remove(reading, name), "removed")


def _done(request: Request, session: Session, act: Callable[[Reading], object], told: str) -> Response:
    try:
        act(_reading(request, session))
    except CommonplaceError as error:
        return _page(request, session, problem=str(error))
    return done("/destinations/hooks", told)


def _reading(request: Request, session: Session) -> Reading:
    return server_of(request).session_of(session.owner)


def _page(request: Request, session: Session, *, problem: str = "", **shown: Any) -> Response:
    reading = _reading(request, session)
    given: dict[str, Any] = {"secret": "", "tried": "", "typed": {"name": "", "url": "", "event": [], "private": False}}
    return render(
        request,
        "hooks.html",
        status=400 if problem else 200,
        problem=problem,
        hooks=hooks.standings(reading),
        fixed=set(reading.settings.hooks),
        events=EVENTS,
        may_be_private=not whose.is_another(reading),
        **given | shown,
    )
