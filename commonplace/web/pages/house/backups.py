"""Backups of the whole archive: made, fetched, looked into, and put back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import FileResponse, Response

from commonplace.archive.care.backup import Manifest, rows_here
from commonplace.archive.care.restore import check_backup, restore
from commonplace.errors import CommonplaceError, Refused
from commonplace.moments import from_datetime
from commonplace.web.errors import not_found
from commonplace.web.pages.rendering import done, render
from commonplace.web.pages.runs import ask_for
from commonplace.web.security.csrf import Guarded, Typed
from commonplace.web.security.people import ServersOwner
from commonplace.web.server import Server, server_of
from commonplace.web.wording import say

router = APIRouter(prefix="/settings/backups")

COUNTED = ("conversations", "messages", "projects", "corrections")
"""What a backup is compared by with the archive as it is."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that is there."""

    name: str
    size: int
    made_at: int


@router.get("")
def page(request: Request, session: ServersOwner, look: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Those that there are. The one that `look` names is read as a whole, beside what the archive holds now."""
    server = server_of(request)
    if not look:
        return _page(request)
    try:
        return _page(request, looked=look, manifest=check_backup(_path(server, look)))
    except Refused as refused:
        return _page(request, problem=str(refused))


@router.get("/{name}")
def fetch(request: Request, session: ServersOwner, name: str) -> Response:
    """One of them as a file."""
    return FileResponse(_path(server_of(request), name), filename=name, media_type="application/octet-stream")


@router.post("/make", dependencies=[Guarded])
def make(request: Request, session: ServersOwner) -> Response:
    """A new one, as a run."""
    try:
        started = ask_for(request, session, "maintain", {"backup": True, "verify": False, "prune": False})
    except CommonplaceError as error:
        return _page(request, problem=str(error))
    return done(f"/runs/{started.id}")


@router.post("/restore", dependencies=[Guarded])
def put_back(request: Request, session: ServersOwner, name: Typed, sure: Typed = "") -> Response:
    """In the place of everything that the archive holds, which somebody has to have agreed to in so many words."""
    server = server_of(request)
    path = _path(server, name)
    try:
        if not sure:
            raise Refused(say("backups.not_sure"))
        restore(server.archive, path, force=True)
    except CommonplaceError as error:
        return _page(request, problem=str(error))
    return done("/settings/backups", "restored")


def _page(request: Request, *, problem: str = "", looked: str = "", manifest: Manifest | None = None) -> Response:
    server = server_of(request)
    return render(
        request,
        "backups.html",
        status=400 if problem else 200,
        problem=problem,
        backups=_kept(server),
        looked=looked,
        manifest=manifest,
        rows=rows_here(server.archive, COUNTED) if manifest else {},
        folder=_folder(server),
    )


def _folder(server: Server) -> Path:
    from commonplace.stages.maintain import backup_path

    return backup_path(server.settings.home).parent


def _kept(server: Server) -> list[Kept]:
    """The newest first."""
    from commonplace.stages.maintain import SUFFIX

    found = sorted(_folder(server).glob(f"*{SUFFIX}"), reverse=True)
    return [_about(path) for path in found]


def _about(path: Path) -> Kept:
    told = path.stat()
    made = from_datetime(datetime.fromtimestamp(told.st_mtime, UTC))
    return Kept(name=path.name, size=told.st_size, made_at=made)


def _path(server: Server, name: str) -> Path:
    """Where one of them lies; any other file is none."""
    if name not in {one.name for one in _kept(server)}:
        raise not_found("backup")
    return _folder(server) / name
