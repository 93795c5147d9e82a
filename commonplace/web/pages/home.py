"""The first page: how much there is, what waits for a word, what ran last, and where to go."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from commonplace import runs
from commonplace.archive import ledger
from commonplace.archive.access.sessions import Session
from commonplace.archive.core import Archive
from commonplace.archive.figures import statistics
from commonplace.archive.projects import assignments
from commonplace.archive.verdicts.verdicts import count_waiting
from commonplace.errors import Refused
from commonplace.moments import to_datetime
from commonplace.session import Session as Reading
from commonplace.stack.history import NoHistory, Run
from commonplace.stages.requests.standing import standings
from commonplace.web.charts import columns
from commonplace.web.pages.insights import address
from commonplace.web.pages.rendering import render
from commonplace.web.pages.runs import listed
from commonplace.web.security.people import Person, archive_of
from commonplace.web.server import Server, server_of
from commonplace.web.wording import say

router = APIRouter()

MONTHS = 36
LARGEST = 8
NEEDS_A_WORD = ("failed", "uncertain", "conflict")


@router.get("/")
def home(request: Request, session: Person) -> Response:
    """What the archive holds; for an empty one, the three steps to fill it."""
    server = server_of(request)
    archive, zone = archive_of(request, session.owner), server.settings.zone
    totals = statistics.totals(archive, zone=zone)
    is_owner = session.owner == server.settings.owner
    arrived = server.uploads.not_imported(session.owner)
    if not totals["conversations"]:
        return render(request, "welcome_home.html", arrived=arrived)
    months = statistics.count_by(archive, "month", zone=zone)[-MONTHS:]
    return render(
        request,
        "home.html",
        totals=totals,
        chart=columns(months, lambda value: address("month", value)),
        by="month",
        largest=[(by, _largest(archive, by)) for by in ("category", "project")],
        waiting=_waiting(server, archive, is_owner=is_owner),
        runs=_runs(server, session),
        arrived=arrived,
    )


def _largest(archive: Archive, by: str) -> list[Any]:
    return [row for row in statistics.count_by(archive, by) if row.value is not None][:LARGEST]


def _waiting(server: Server, archive: Archive, *, is_owner: bool) -> list[tuple[str, str]]:
    """What nobody but a person can decide: in words, and where to do it."""
    found: list[tuple[str, str]] = []
    if unsure := count_waiting(archive):
        found.append((say("review.waiting", n=unsure), "/review"))
    if suggested := assignments.count_suggestions(archive):
        found.append((say("home.suggested", n=suggested), "/projects"))
    for destination, states in ledger.count_states(archive).items():
        if wrong := sum(states.get(state, 0) for state in NEEDS_A_WORD):
            found.append((say("home.not_written", n=wrong, destination=destination.partition(":")[0]), "/destinations"))
    if is_owner and (held := server.inbox.counts().get("quarantined", 0)):
        found.append((say("home.quarantined", n=held), "/connect"))
    return found + _exports(server.session_of(archive.owner))


def _exports(reading: Reading) -> list[tuple[str, str]]:
    """Exports that wait for a click."""
    zone = reading.settings.zone
    try:
        waiting = [each for each in standings(reading.settings, reading.archive) if each.needs_a_click]
    except Refused:  # an account of the settings that is none: the page about exports says so
        return []
    return [
        (
            say(
                f"home.exports.{each.state}",
                name=each.called,
                until=to_datetime(each.link_ends_at, zone).strftime("%Y-%m-%d %H:%M") if each.link_ends_at else "",
            ),
            "/exports",
        )
        for each in waiting
    ]


def _runs(server: Server, session: Session) -> tuple[list[Run], Run | None] | None:
    """The newest, and the next; None where Prefect does not answer."""

    def ask() -> tuple[list[Run], Run | None] | None:
        try:
            return listed(server, session, limit=4, flows=runs.seldom())
        except NoHistory:
            return None

    found: tuple[list[Run], Run | None] | None = server.watched.get(f"home {session.owner}", ask)
    return found
