"""What a task needs to begin with: the settings, the secrets and the open archive.

Tasks may run in another process or on another machine than their flow, so each opens the house itself; nothing that
cannot be written in a parameter crosses over. Secrets come from the environment or `.env`, else from saved blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from blocks.lookup import archive_location, secret_from_blocks
from commonplace.archive.core import Archive
from commonplace.archive.opening import open_archive
from commonplace.config import Environment, Settings, load
from commonplace.logs import log_to


class BlockEnvironment(Environment):
    """The environment first; what it does not have is looked up in the saved blocks."""

    def get(self, *names: str) -> str | None:
        return super().get(*names) or secret_from_blocks(names[0])


class House(msgspec.Struct, frozen=True):
    """The settings, the secrets and the archive, opened together."""

    settings: Settings
    environment: Environment
    archive: Archive


@contextmanager
def open_house() -> Iterator[House]:
    """The house as this process's environment and blocks describe it."""
    settings, environment = load()
    log_to(settings.home)
    location = None if environment.get("COMMONPLACE_DATABASE_URL") else archive_location()
    url, files = location or (settings.database_url, settings.files)
    with open_archive(url, files=files, owner=settings.owner) as archive:
        yield House(settings, BlockEnvironment.over(environment), archive)
