"""What the archive looks like: counts by time, model, topic and the like, each a picture, a table and a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from commonplace.archive.core import Archive
from commonplace.archive.figures import leaders, statistics
from commonplace.archive.figures.charts import draw, draw_over_time
from commonplace.archive.figures.over_time import DIMENSIONS as OVER
from commonplace.archive.figures.over_time import OverTime, over_time
from commonplace.archive.figures.statistics import Count
from commonplace.archive.scope import Scope
from commonplace.errors import Refused
from commonplace.moments import parse
from commonplace.stages.categorizing.recurrence import known_recurring
from commonplace.web.charts import columns, grid
from commonplace.web.errors import not_found
from commonplace.web.pages.rendering import fragment, question, render
from commonplace.web.security.people import Person, archive_of
from commonplace.web.server import server_of

router = APIRouter(prefix="/insights")

Day = Annotated[str, Query(max_length=30)]
FILTERS = {
    "month": "month",
    "model": "model",
    "project": "project",
    "category": "category",
    "tag": "tag",
    "source": "source",
}
"""What a click on a value asks for, where conversations can be narrowed by it."""
DIMENSIONS = (*statistics.DIMENSIONS, "topic")
MOST_COLUMNS = 60
MOST_WORDS = 40


@router.get("")
def page(
    request: Request, session: Person, by: str = "month", since: Day = "", until: Day = "", more: bool = False
) -> Response:
    """Counts by one of the dimensions, in a time; with `more` also what stands out."""
    archive = archive_of(request, session.owner)
    rows, problem = _rows(request, session.owner, by, since, until)
    chart = columns(rows[-MOST_COLUMNS:] if by == "month" else rows[:MOST_COLUMNS], lambda value: address(by, value))
    return render(
        request,
        "insights.html",
        status=400 if problem else 200,
        by=by,
        since=since,
        until=until,
        dimensions=DIMENSIONS,
        rows=rows,
        chart=chart,
        filter=FILTERS.get(by),
        problem=problem,
        more=more,
        over=(over := _over(request, session.owner, by, since, until) if by in OVER and not problem else None),
        grid=grid(over, lambda value, month: address(by, value, month)) if over else None,
        standing_out=[(kind, leaders.leaders(archive, kind)) for kind in leaders.KINDS] if more else [],
        again=_again(archive) if more else [],
    )


@router.get("/{by}.csv")
def table(
    request: Request, session: Person, by: str, since: Day = "", until: Day = "", months: bool = False
) -> Response:
    """The same as a table for other programs."""
    if months:
        over = _over(request, session.owner, by, since, until)
        lines = [[_plain(value), *counts] for value, counts in over.lines]
        return _file(_csv([by, *over.months], lines), "text/csv", f"{by}-by-month.csv")
    rows, _ = _rows(request, session.owner, by, since, until)
    lines = [[_plain(row.value or ""), row.conversations, row.messages] for row in rows]
    return _file(_csv([by, "conversations", "messages"], lines), "text/csv", f"{by}.csv")


@router.get("/{by}.png")
def drawing(
    request: Request, session: Person, by: str, since: Day = "", until: Day = "", months: bool = False
) -> Response:
    """The same as `commonplace stats --chart` draws it."""
    if months:
        drawn = draw_over_time(_over(request, session.owner, by, since, until), by)
        headers = {"content-disposition": f"attachment; filename={by}-by-month.png"}
        return Response(drawn, media_type="image/png", headers=headers)
    rows, _ = _rows(request, session.owner, by, since, until)
    headers = {"content-disposition": f"attachment; filename={by}.png"}
    return Response(draw(rows, by, "png"), media_type="image/png", headers=headers)


@router.get("/{by}.svg")
def picture(
    request: Request, session: Person, by: str, since: Day = "", until: Day = "", months: bool = False
) -> Response:
    """The same as a picture by itself."""
    if months:
        shown = grid(_over(request, session.owner, by, since, until), lambda value, month: "")
        drawn = fragment(request, "grid.svg.html", grid=shown, by=by).strip()
        return _file(drawn, "image/svg+xml", f"{by}-by-month.svg")
    rows, _ = _rows(request, session.owner, by, since, until)
    chart = columns(rows[-MOST_COLUMNS:] if by == "month" else rows[:MOST_COLUMNS], lambda value: "")
    return _file(fragment(request, "chart.svg.html", chart=chart, by=by).strip(), "image/svg+xml", f"{by}.svg")


def address(by: str, value: str, month: str = "") -> str:
    """Where the conversations of one value are, or of a month of it; nowhere if they cannot be asked for."""
    return f"/conversations?{question({FILTERS[by]: value}, month=month)}" if by in FILTERS else ""


def _rows(request: Request, owner: str, by: str, since: str, until: str) -> tuple[list[Count], str]:
    if by not in DIMENSIONS:
        raise not_found("chart")
    try:
        bounds = _bounds(request, since, until)
    except Refused as refused:
        return [], str(refused)
    zone = server_of(request).settings.zone
    if by == "topic":
        return _topics(archive_of(request, owner), Scope(since=bounds["since"], until=bounds["until"]))
    return statistics.count_by(archive_of(request, owner), by, zone=zone, **bounds), ""


def _topics(archive: Archive, scope: Scope) -> tuple[list[Count], str]:
    from commonplace.stages.topics import find_topics

    try:
        return find_topics(archive, scope).as_counts(), ""
    except Refused as refused:
        return [], str(refused)


def _over(request: Request, owner: str, by: str, since: str, until: str) -> OverTime:
    if by not in OVER:
        raise not_found("chart")
    zone = server_of(request).settings.zone
    return over_time(archive_of(request, owner), by, zone=zone, **_bounds(request, since, until))


def _bounds(request: Request, since: str, until: str) -> dict[str, int | None]:
    zone = server_of(request).settings.zone
    return {"since": parse(since, zone) if since else None, "until": parse(until, zone) if until else None}


def _again(archive: Archive) -> list[str]:
    """The words that recur most, as they were last counted."""
    known = known_recurring(archive).counts
    return sorted(known, key=lambda word: (-known[word], word))[:MOST_WORDS]


def _plain(value: str) -> str:
    """No formula, whatever program opens it."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@") else value


def _csv(head: list[str], lines: Iterable[list[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows(lines)
    return out.getvalue()


def _file(text: str, kind: str, name: str) -> Response:
    return Response(text, media_type=kind, headers={"content-disposition": f"attachment; filename={name}"})
