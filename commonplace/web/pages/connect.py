"""How programs reach this archive: what to enter where, with this server's values, and the keys that let them in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from commonplace.archive.access import keys
from commonplace.archive.access.keys import LONGEST_DAYS
from commonplace.archive.access.scopes import MEANINGS
from commonplace.errors import Refused
from commonplace.web.pages.rendering import done, render
from commonplace.web.security.csrf import Guarded, Typed
from commonplace.web.security.people import Person, archive_of
from commonplace.web.server import server_of
from commonplace.web.settings import LOOPBACK_NAMES
from commonplace.web.wording import say

router = APIRouter(prefix="/connect")

Scopes = Annotated[list[str], Form(max_length=20)]


@router.get("")
def page(request: Request, session: Person) -> Response:
    """What to enter, and the keys there are."""
    return _page(request, session.owner)


@router.post("/keys", dependencies=[Guarded])
def add(
    request: Request,
    session: Person,
    name: Typed = "",
    days: Annotated[int, Form(ge=1, le=LONGEST_DAYS)] = 90,
    scope: Scopes = [],  # noqa: B006
) -> Response:
    """A new key. Its secret is on the page that comes back, and never again."""
    try:
        secret, _ = keys.add_key(
            archive_of(request, session.owner), name.strip() or say("connect.a_key"), scope, days=days
        )
    except Refused as refused:
        return _page(request, session.owner, problem=str(refused))
    return _page(request, session.owner, secret=secret)


@router.post("/keys/{id}/end", dependencies=[Guarded])
def end(request: Request, session: Person, id: str) -> Response:
    """End one of one's own keys."""
    keys.revoke_key(archive_of(request, session.owner), id)
    return done("/connect", "removed")


def _page(request: Request, owner: str, *, problem: str = "", secret: str = "") -> Response:
    server = server_of(request)
    is_owner = owner == server.settings.owner
    return render(
        request,
        "connect.html",
        status=400 if problem else 200,
        problem=problem,
        secret=secret,
        base=server.web.base_url,
        what_is_wrong=_wrong(server.web.base_url),
        keys=keys.list_keys(archive_of(request, owner)),
        meanings=MEANINGS,
        longest=LONGEST_DAYS,
        deliveries=server.inbox.counts() if is_owner else None,
        is_owner=is_owner,
    )


def _wrong(base: str) -> str:
    """Why programs elsewhere cannot come in; empty if nothing is known against it."""
    host = base.partition("://")[2].rpartition(":")[0] or base.partition("://")[2]
    if host in LOOPBACK_NAMES:
        return say("connect.only_here")
    return "" if base.startswith("https://") else say("connect.not_https")
