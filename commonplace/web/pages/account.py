"""A person's own page: the password, and where they are logged in."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from commonplace.archive.access import grants, sessions, users
from commonplace.archive.access.scopes import MEANINGS
from commonplace.archive.access.sessions import Session
from commonplace.errors import Refused
from commonplace.web.errors import not_found
from commonplace.web.pages.rendering import render
from commonplace.web.security import logins
from commonplace.web.security.csrf import Guarded, Typed
from commonplace.web.security.people import Person, archive_of
from commonplace.web.server import server_of

router = APIRouter(prefix="/account")


@router.get("")
def account_page(request: Request, session: Person) -> Response:
    """What lets somebody in as this person."""
    return _page(request, session)


@router.post("/password", dependencies=[Guarded])
async def change_password(
    request: Request, session: Person, current: Typed = "", password: Typed = "", again: Typed = ""
) -> Response:
    """A new password ends every session; this browser gets a new one."""
    archive = server_of(request).archive
    user = await run_in_threadpool(users.user_of, archive, session.owner)
    try:
        if password != again:
            raise Refused("The two passwords differ.")
        if user is None or await logins.check(request, user.name, current) is None:
            raise Refused("The current password is wrong.")
        hashed = await logins.make_hash(password)
    except Refused as refused:
        return await run_in_threadpool(_page, request, session, str(refused))
    await run_in_threadpool(users.set_password, archive, session.owner, hashed)
    return await logins.begin_session(request, session.owner, "/account")


@router.post("/sessions/{id}/end", dependencies=[Guarded])
def end_session(request: Request, session: Person, id: str) -> Response:
    """End one of one's own sessions, this one included."""
    if id == session.id:
        return logins.end_session(request, session)
    if not sessions.end(server_of(request).archive, session.owner, id):
        raise not_found("session")
    return RedirectResponse("/account", 303)


@router.post("/programs/{id}/end", dependencies=[Guarded])
def end_program(request: Request, session: Person, id: str) -> Response:
    """Take back what one of one's own programs was given."""
    if not grants.revoke(archive_of(request, session.owner), id):
        raise not_found("program")
    return RedirectResponse("/account", 303)


def _page(request: Request, session: Session, problem: str | None = None) -> Response:
    server = server_of(request)
    known = sessions.list_sessions(server.archive, session.owner, idle_hours=server.web.idle_hours)
    user = users.user_of(server.archive, session.owner)
    return render(
        request,
        "account.html",
        status=400 if problem else 200,
        name=user.name if user else session.owner,
        sessions=known,
        programs=grants.list_grants(archive_of(request, session.owner)),
        meanings=MEANINGS,
        problem=problem,
    )
