"""Getting new exports with the least work: how far it is with each account, and the one click that is left."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from commonplace.archive import watched
from commonplace.sources.getting import HISTORIES, folders_of_history, title_of
from commonplace.stages.requests.standing import say_asked, standings
from commonplace.stages.watching.listing import watched_folders
from commonplace.web.pages.rendering import done, render
from commonplace.web.security.csrf import Guarded
from commonplace.web.security.people import Person, archive_of
from commonplace.web.server import Server, server_of

router = APIRouter(prefix="/exports")

MOST_SHOWN = 8
Account = Annotated[str, Form(max_length=200)]


@router.get("")
def page(request: Request, session: Person) -> Response:
    """Every account, what is watched and what came from there, and what else could happen by itself."""
    server = server_of(request)
    archive = archive_of(request, session.owner)
    is_owner = session.owner == server.settings.owner
    return render(
        request,
        "exports.html",
        accounts=standings(server.session_of(session.owner).settings, archive),
        is_owner=is_owner,
        folders=_folders(server) if is_owner else [],
        histories=_unwatched(server) if is_owner else [],
        came=watched.exports(archive, limit=MOST_SHOWN) if is_owner else [],
    )


@router.post("/asked", dependencies=[Guarded])
def asked(request: Request, session: Person, account: Account) -> Response:
    """Somebody asked for the export of an account."""
    settings, _, archive = server_of(request).session_of(session.owner)
    say_asked(settings, archive, account)
    return done("/exports", "noted")


def _folders(server: Server) -> list[tuple[str, bool, bool]]:
    """What is watched: where, whether it is there, and whether it is an agent's history."""
    found = watched_folders(server.settings, server.environment)
    return [(str(folder.path), folder.path.is_dir(), folder.is_history) for folder in found]


def _unwatched(server: Server) -> list[dict[str, Any]]:
    """Histories that lie on this machine, and that nobody watches."""
    return [
        {"name": name, "title": title_of(name)}
        for name in HISTORIES.keys() - set(server.settings.watch.histories)
        if any(folder.is_dir() for folder in folders_of_history(name, server.environment.get))
    ]
