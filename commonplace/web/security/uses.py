"""Noting that a session, a key or a client is in use, which nobody waits for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from commonplace.archive.core import Archive
from commonplace.errors import CommonplaceError

Used = TypeVar("Used")
PATIENCE_SECONDS = 0.1


def note_use(archive: Archive, note: Callable[[Archive, Used], None], used: Used) -> None:
    """A database that is busy is no reason to keep anybody waiting, or to fail: the next use will be noted."""
    with suppress(SQLAlchemyError, CommonplaceError):
        note(archive.in_a_hurry(PATIENCE_SECONDS), used)
