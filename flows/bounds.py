"""From the dates of a run's form to the half-open moments that stages work with."""

from __future__ import annotations

from datetime import date, datetime, time, tzinfo

from commonplace.moments import from_datetime
from commonplace.session import Session
from commonplace.stages import several
from commonplace.stages.selection import Selection


def moment_of(day: date, zone: tzinfo) -> int:
    """The first instant of a day."""
    if isinstance(day, datetime):
        return from_datetime(day if day.tzinfo else day.replace(tzinfo=zone))
    return from_datetime(datetime.combine(day, time(), tzinfo=zone))


def selection_of(
    session: Session,
    *,
    since: date | None = None,
    until: date | None = None,
    project: str | None = None,
    chosen: str | None = None,
    limit: int | None = None,
    force: bool = False,
) -> Selection:
    """What a run's form asks for, as a selection; days are those of the settings' time zone."""
    zone = session.settings.zone
    return Selection(
        since=None if since is None else moment_of(since, zone),
        until=None if until is None else moment_of(until, zone),
        project=project,
        ids=None if chosen is None else several.find(session.settings.home, session.archive.owner, chosen).ids,
        limit=limit,
        force=force,
    )
