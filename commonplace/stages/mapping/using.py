"""What the steps of a mapping work with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from commonplace.archive.core import Archive
from commonplace.config import ProjectSettings
from commonplace.projects.naming import KeyPhrases
from commonplace.session import Session
from commonplace.stages.mapping.naming import Naming, open_naming


class Assigning(msgspec.Struct, frozen=True, kw_only=True):
    """An archive, the rules, and who proposes names."""

    archive: Archive
    settings: ProjectSettings = ProjectSettings()
    naming: Naming = Naming(namer=KeyPhrases())

    @property
    def address(self) -> dict[str, Any]:
        """The settings say it all."""
        return {}


@contextmanager
def open_assigning(session: Session) -> Iterator[Assigning]:
    """As the settings say. What a service needs is missed by its first question, not before."""
    settings, environment, archive = session
    with open_naming(settings, environment, check=archive.check) as naming:
        yield Assigning(archive=archive, settings=settings.projects, naming=naming)
