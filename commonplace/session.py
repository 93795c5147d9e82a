"""What all work on the archive begins with: the settings, the secrets and the archive, opened together once.

A command, a run or a request opens one session and hands it on; nobody further in reads a settings file or connects.
Where secrets come from is said by whoever opens it: the process's variables and `.env`, or a class over them that
knows more places (blocks/lookup.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from commonplace.archive.core import Archive
from commonplace.archive.opening import open_archive
from commonplace.config import Environment, Settings, load
from commonplace.logs import log_to


class Session(NamedTuple):
    """The settings, the secrets and the archive they name. Safe to share between threads."""

    settings: Settings
    environment: Environment
    archive: Archive


@contextmanager
def open_session(environment: type[Environment] = Environment) -> Iterator[Session]:
    """Read the settings and open the archive; the archive is closed at the end of the block."""
    settings, opened = load(kind=environment)
    log_to(settings.home)
    with open_archive(settings.database_url, files=settings.files, owner=settings.owner) as archive:
        yield Session(settings, opened, archive)
