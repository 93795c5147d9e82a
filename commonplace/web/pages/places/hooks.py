"""Who is told of what happens here: adding one, trying it, telling it again, and telling it no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from commonplace.bounds import read_section
from commonplace.config import HookEvent, HookSettings
from commonplace.config.files import dotenv_of, keep_typed
from commonplace.errors import CommonplaceError
from commonplace.session import Session
from commonplace.stages import hooks
from commonplace.web.pages.rendering import done, render
from commonplace.web.security.csrf import Guarded, Typed
from commonplace.web.security.people import ServersOwner
from commonplace.web.server import server_of
from commonplace.web.wording import say

router = APIRouter(prefix="/destinations/hooks")

EVENTS = get_args(HookEvent)
TEST_SECONDS = 10.0
"""Somebody waits for the page."""


@router.get("")
def page(request: Request, session: ServersOwner) -> Response:
    """All of them as they stand."""
    return _page(request)


@router.post("", dependencies=[Guarded])
def add(
    request: Request,
    session: ServersOwner,
    name: Typed = "",
    url: Typed = "",
    event: Annotated[list[str], Form(max_length=20)] = [],  # noqa: B006
    private: Annotated[bool, Form()] = False,
) -> Response:
    """A new one. What its requests are signed with is on the page that comes back, and never again."""
    name = name.strip().lower()
    typed = {"name": name, "url": url, "event": event, "private": private}
    wanted = {"url": url.strip(), "events": event, "allow_private": private}
    reading, server = _session(request), server_of(request)
    try:
        hook = read_section(wanted, HookSettings, section=f"hooks.{name}", file=None)
        secret = hooks.add(reading, name, hook)
    except CommonplaceError as error:
        return _page(request, problem=str(error), typed=typed)
    kept = {hooks.variable_of(name): secret}
    keep_typed(server.settings.home, kept)
    server.environment.learn(str(dotenv_of(server.settings.home)), kept)
    return _page(request, secret=secret)


@router.post("/test", dependencies=[Guarded])
def try_one(request: Request, session: ServersOwner, name: Typed) -> Response:
    """Send an event of no consequence now, and tell what came back."""
    try:
        status = hooks.send_test(_session(request), name, most_seconds=TEST_SECONDS)
    except CommonplaceError as error:
        return _page(request, problem=str(error))
    if not 200 <= status < 300:
        return _page(request, problem=say("hooks.not_taken", name=name, status=status))
    return _page(request, tried=name)


@router.post("/again", dependencies=[Guarded])
def again(request: Request, session: ServersOwner, name: Typed) -> Response:
    """What was not taken is due again."""
    return _done(request, lambda reading: hooks.redeliver(reading, name), "due")


@router.post("/remove", dependencies=[Guarded])
def remove(request: Request, session: ServersOwner, name: Typed) -> Response:
    """Tell it no more."""
    return _done(request, lambda reading: hooks.remove(reading, name), "removed")


def _done(request: Request, act: Callable[[Session], object], told: str) -> Response:
    try:
        act(_session(request))
    except CommonplaceError as error:
        return _page(request, problem=str(error))
    return done("/destinations/hooks", told)


def _session(request: Request) -> Session:
    server = server_of(request)
    return server.session_of(server.settings.owner)


def _page(request: Request, *, problem: str = "", **shown: Any) -> Response:
    reading = _session(request)
    given: dict[str, Any] = {"secret": "", "tried": "", "typed": {"name": "", "url": "", "event": [], "private": False}}
    return render(
        request,
        "hooks.html",
        status=400 if problem else 200,
        problem=problem,
        hooks=hooks.standings(reading),
        fixed=set(reading.settings.hooks),
        events=EVENTS,
        **given | shown,
    )
