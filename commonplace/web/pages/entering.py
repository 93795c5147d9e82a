"""How people come in and go: the login, the link that lets a password be set, and the way out."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from commonplace.archive.access import users
from commonplace.errors import Refused
from commonplace.web.errors import Problem
from commonplace.web.pages.rendering import render
from commonplace.web.security import logins
from commonplace.web.security.csrf import Guarded, Typed
from commonplace.web.security.interrupted import unpacked
from commonplace.web.security.people import Person, Visitor
from commonplace.web.server import server_of

router = APIRouter()

Where = Annotated[str, Form(max_length=16_000)]
"""A program's question to a person may be long."""
Interruption = Annotated[str, Form(max_length=200_000)]
"""What was typed into another form, which the login came in between of."""


@router.get("/login")
def login_page(request: Request, session: Visitor, next: str = "/") -> Response:
    """The form; those who are logged in go on at once."""
    if session is not None:
        return RedirectResponse(_local(next), 303)
    is_new = not users.list_users(server_of(request).archive)
    return render(request, "login.html", next=_local(next), name="", problem=None, typed="", is_new=is_new)


@router.post("/login", dependencies=[Guarded])
async def login(
    request: Request, name: Typed = "", password: Typed = "", next: Where = "/", typed: Interruption = ""
) -> Response:
    """The same answer whether the name or the password is wrong. A form that was interrupted is shown again."""
    owner = await logins.check(request, name, password)
    if owner is not None and (form := unpacked(typed)):
        again = partial(render, request, "again.html", where=_local(next), typed=form, reason="")
        return await logins.begin_session(request, owner, "", again)
    if owner is not None:
        return await logins.begin_session(request, owner, _local(next))
    problem = "The name or the password is wrong."
    told = {"next": _local(next), "name": name, "problem": problem, "typed": typed, "is_new": False}
    return render(request, "login.html", status=401, **told)


@router.get("/welcome/{token}")
def welcome_page(request: Request, token: str) -> Response:
    """The form that a link opens. Looking at it uses nothing up."""
    owner, name = _whose(request, token)
    return render(request, "welcome.html", token=token, name=name or owner, is_new=name is None, problem=None)


@router.post("/welcome/{token}", dependencies=[Guarded])
async def welcome(request: Request, token: str, name: Typed = "", password: Typed = "", again: Typed = "") -> Response:
    """Set the password, use the link up, and be logged in."""
    archive = server_of(request).archive
    _, known = await run_in_threadpool(_whose, request, token)
    try:
        if password != again:
            raise Refused("The two passwords differ.")
        name = known or users.plain_name(name)
        hashed = await logins.make_hash(password)
        owner = await run_in_threadpool(users.use_link, archive, token, name=name, password_hash=hashed)
    except Refused as refused:
        told = {"token": token, "name": name, "is_new": known is None, "problem": str(refused)}
        return render(request, "welcome.html", status=400, **told)
    if owner is None:
        raise _too_late()
    return await logins.begin_session(request, owner, "/")


@router.post("/logout", dependencies=[Guarded])
def logout(request: Request, session: Person) -> Response:
    """The way out."""
    return logins.end_session(request, session)


def _whose(request: Request, token: str) -> tuple[str, str | None]:
    """Whose password a link may set, and the name they have if it is not their first."""
    archive = server_of(request).archive
    owner = users.owner_of_link(archive, token)
    if owner is None:
        raise _too_late()
    user = users.user_of(archive, owner)
    return owner, user.name if user else None


def _local(where: str) -> str:
    """A path of this server, whatever was asked for."""
    is_ours = where.startswith("/") and not where.startswith("//") and "\\" not in where and where.isprintable()
    return where if is_ours else "/"


def _too_late() -> Problem:
    return Problem(
        410, "link_over", "This link was used, or it is too old.", hint="Ask for a new one: `commonplace login-link`."
    )
