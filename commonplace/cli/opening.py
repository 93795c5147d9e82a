"""What a command begins with: the settings and the open archive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from commonplace.archive.core import Archive
from commonplace.archive.opening import open_archive
from commonplace.config import Environment, Settings, load
from commonplace.logs import log_to
from commonplace.moments import parse
from commonplace.stages.selection import Selection


@contextmanager
def opened() -> Iterator[tuple[Settings, Environment, Archive]]:
    """The settings, the environment, and the archive they name."""
    settings, environment = load()
    log_to(settings.home)
    with open_archive(settings.database_url, files=settings.files, owner=settings.owner) as archive:
        yield settings, environment, archive


def moment(text: str | None, settings: Settings) -> int | None:
    """A bound that was typed, in the settings' time zone."""
    return None if text is None else parse(text, settings.zone)


def selection(
    settings: Settings,
    *,
    since: str | None = None,
    until: str | None = None,
    project: str | None = None,
    limit: int | None = None,
    force: bool = False,
) -> Selection:
    """What the options of a stage command ask for."""
    return Selection(
        since=moment(since, settings), until=moment(until, settings), project=project, limit=limit, force=force
    )
