"""From the dates of a run's form to the half-open moments that stages work with."""

from __future__ import annotations

from datetime import date, datetime, time

from commonplace.config import load
from commonplace.moments import from_datetime
from commonplace.stages.selection import Selection


def moment_of(day: date | None) -> int | None:
    """The first instant of a day in the settings' time zone."""
    if day is None:
        return None
    settings, _ = load()
    if isinstance(day, datetime):
        return from_datetime(day if day.tzinfo else day.replace(tzinfo=settings.zone))
    return from_datetime(datetime.combine(day, time(), tzinfo=settings.zone))


def selection_of(
    *,
    since: date | None = None,
    until: date | None = None,
    project: str | None = None,
    limit: int | None = None,
    force: bool = False,
) -> Selection:
    """What a run's form asks for, as a selection."""
    return Selection(since=moment_of(since), until=moment_of(until), project=project, limit=limit, force=force)
