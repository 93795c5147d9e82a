"""The first page: how much there is, and where to go."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from commonplace.archive.figures import statistics
from commonplace.web.pages.rendering import render
from commonplace.web.security.people import Person, archive_of
from commonplace.web.server import server_of

router = APIRouter()


@router.get("/")
def home(request: Request, session: Person) -> Response:
    """What the archive holds."""
    zone = server_of(request).settings.zone
    totals = statistics.totals(archive_of(request, session.owner), zone=zone)
    return render(request, "home.html", totals=totals)
