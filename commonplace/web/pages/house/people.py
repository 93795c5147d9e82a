"""Who may log in: added, let in again by a link, kept out."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from commonplace.archive.access import users
from commonplace.errors import Refused
from commonplace.web.pages.rendering import done, render
from commonplace.web.security.csrf import Guarded, Typed
from commonplace.web.security.people import ServersOwner
from commonplace.web.server import server_of
from commonplace.web.wording import say

router = APIRouter(prefix="/settings/users")


@router.get("")
def page(request: Request, session: ServersOwner) -> Response:
    """Everybody, and what OMI sends to whom."""
    return _page(request)


@router.post("/add", dependencies=[Guarded])
def add(request: Request, session: ServersOwner, name: Typed) -> Response:
    """Somebody new, with conversations of their own. The page that comes back has the link for their password."""
    archive = server_of(request).archive
    try:
        user = users.add_user(archive, name, None)
    except Refused as refused:
        return _page(request, problem=str(refused), typed=name)
    return _page(request, link=_link(request, user.owner), of=user.name)


@router.post("/link", dependencies=[Guarded])
def link(request: Request, session: ServersOwner, name: Typed) -> Response:
    """A link by which they set a new password. Earlier ones end."""
    user = users.find_user(server_of(request).archive, name)
    return _page(request, link=_link(request, user.owner), of=user.name)


@router.post("/disable", dependencies=[Guarded])
def disable(request: Request, session: ServersOwner, name: Typed, answer: Typed = "disable") -> Response:
    """Nobody comes in as them any more, or they may again."""
    archive = server_of(request).archive
    user = users.find_user(archive, name)
    if user.owner == session.owner:
        return _page(request, problem=say("people.yourself"))
    users.disable(archive, user.owner, is_disabled=answer == "disable")
    return done("/settings/users", "noted")


@router.post("/uid", dependencies=[Guarded])
def claim(request: Request, session: ServersOwner, name: Typed, uid: Typed) -> Response:
    """What OMI sends for a uid becomes theirs."""
    archive = server_of(request).archive
    try:
        users.claim_uid(archive, users.find_user(archive, name).owner, uid.strip())
    except Refused as refused:
        return _page(request, problem=str(refused))
    return done("/settings/users", "noted")


def _link(request: Request, owner: str) -> str:
    server = server_of(request)
    return f"{server.web.base_url}/welcome/{users.new_link(server.archive, owner)}"


def _page(request: Request, *, problem: str = "", typed: str = "", link: str = "", of: str = "") -> Response:
    archive = server_of(request).archive
    found = [(user, users.uids_of(archive, user.owner)) for user in users.list_users(archive)]
    return render(
        request,
        "users.html",
        status=400 if problem else 200,
        problem=problem,
        users=found,
        typed=typed,
        link=link,
        of=of,
        minutes=users.LINK_MINUTES,
    )
