"""Passwords at work: checked and hashed a few at a time, and what a browser gets that brought the right one."""

from __future__ import annotations

from collections.abc import Callable

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from commonplace.archive.access import passwords, sessions, users
from commonplace.archive.access.sessions import Session
from commonplace.web.security import cookies
from commonplace.web.security.addresses import client_of
from commonplace.web.server import Server, server_of

HASHES_AT_ONCE = 2
"""Each takes 64 MB of memory for a moment."""
_hashing = CapacityLimiter(HASHES_AT_ONCE)


async def check(request: Request, name: str, password: str) -> str | None:
    """The owner who has this name and password; None after the same time. Too many attempts are refused."""
    server, account, address = server_of(request), name.strip().casefold(), client_of(request)
    await server.limiter.count_attempt(account, address)
    owner = await to_thread.run_sync(_check, server, name, password, limiter=_hashing)
    server.metrics.logins.labels("right" if owner else "wrong").inc()
    if owner is not None:
        await server.limiter.forgive(account, address)
    return owner


async def make_hash(password: str) -> str:
    return await to_thread.run_sync(passwords.hash_password, password, limiter=_hashing)


async def begin_session(
    request: Request, owner: str, where: str, page: Callable[[], Response] | None = None
) -> Response:
    """On to `where`, or to a `page` that is made now, with a session of its own; the one that the browser had before
    ends."""
    server = server_of(request)
    request.state.begun = token = await to_thread.run_sync(_begin, request, server, owner)
    reply = page() if page else RedirectResponse(where, 303)
    cookies.begin_session(request, reply, token, days=server.web.session_days)
    return reply


def end_session(request: Request, session: Session) -> Response:
    """The session ends here and in the archive."""
    sessions.end(server_of(request).archive, session.owner, session.id)
    reply = RedirectResponse("/login", 303)
    cookies.end_session(request, reply)
    return reply


def _check(server: Server, name: str, password: str) -> str | None:
    owner, stored = users.login_of(server.archive, name) or ("", None)
    is_right, renewed = passwords.check_password(password, stored)
    if is_right and renewed:
        users.renew_hash(server.archive, owner, renewed)
    return owner if is_right else None


def _begin(request: Request, server: Server, owner: str) -> str:
    if before := cookies.session_token(request):
        sessions.forget(server.archive, before)
    agent = request.headers.get("user-agent", "")
    return sessions.begin(server.archive, owner, address=client_of(request), agent=agent, days=server.web.session_days)
