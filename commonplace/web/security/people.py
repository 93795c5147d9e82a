"""Who is logged in: the person whose browser sent this request."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends
from starlette.requests import Request

from commonplace.archive.access import sessions
from commonplace.archive.access.sessions import Session
from commonplace.archive.core import Archive
from commonplace.web.errors import Problem
from commonplace.web.security import cookies
from commonplace.web.security.interrupted import Interrupted
from commonplace.web.security.uses import note_use
from commonplace.web.server import server_of


class NotLoggedIn(Interrupted):
    """A page for people who are logged in: to the login, and back here afterwards."""

    def __init__(self, request: Request) -> None:
        where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        to_login = {"location": f"/login?next={quote(where, safe='/')}"} if request.method == "GET" else {}
        super().__init__(303 if to_login else 401, "not_logged_in", "Log in first.", headers=to_login)
        self.keep(request)


def session_of(request: Request) -> Session | None:
    """The browser's session, if it has one that is still good. Told to the page that is rendered."""
    token, server = cookies.session_token(request), server_of(request)
    found = sessions.find(server.archive, token, idle_hours=server.web.idle_hours) if token else None
    if found is not None and found.is_due:
        note_use(server.archive, sessions.see, found)
    request.state.session = found
    return found


def person(request: Request) -> Session:
    """The session of a person who is logged in, or their way to the login."""
    found = session_of(request)
    if found is None:
        raise NotLoggedIn(request)
    return found


def servers_owner(request: Request) -> Session:
    """The session of the person whose server this is."""
    found = person(request)
    if not is_servers_owner(request, found):
        raise Problem(403, "not_yours", "That is for the owner of this server.", hint="Ask them.")
    return found


def is_servers_owner(request: Request, session: Session) -> bool:
    return session.owner == server_of(request).settings.owner


def archive_of(request: Request, owner: str) -> Archive:
    """The archive as this owner sees it."""
    return server_of(request).archive.of(owner)


Visitor = Annotated[Session | None, Depends(session_of)]
Person = Annotated[Session, Depends(person)]
ServersOwner = Annotated[Session, Depends(servers_owner)]
