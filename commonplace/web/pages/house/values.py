"""The settings as they are, and where each comes from."""

from __future__ import annotations

from itertools import groupby

from fastapi import APIRouter, Request
from starlette.responses import Response

from commonplace.config.origins import origins
from commonplace.web.pages.rendering import render
from commonplace.web.security.people import ServersOwner
from commonplace.web.server import server_of

router = APIRouter(prefix="/settings")


@router.get("")
def page(request: Request, session: ServersOwner, changed: bool = False) -> Response:
    """All of them, or those alone that somebody set."""
    server = server_of(request)
    found = [one for one in origins(server.settings, server.environment) if one.place or not changed]
    sections = [(name, list(some)) for name, some in groupby(found, key=lambda one: one.section)]
    return render(request, "settings.html", sections=sections, changed=changed, file=server.settings.config_file or "")
