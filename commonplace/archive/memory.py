"""What the archive remembers by name: when edits were last read, what `connect` found, which file was taken over."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TypeVar

import msgspec
from sqlalchemy import select

from commonplace.archive.core import Archive
from commonplace.archive.rows import add, put, wait_for_other_writers
from commonplace.archive.schema import settings

T = TypeVar("T")


def recall(archive: Archive, name: str) -> str | None:
    """What was last remembered under this name."""
    with archive.read() as connection:
        return connection.execute(select(settings.c.value).where(settings.c.name == name)).scalar()


def recall_as(archive: Archive, name: str, kind: type[T]) -> T | None:
    """The same as what it was before it was written as JSON."""
    found = recall(archive, name)
    return msgspec.json.decode(found, type=kind) if found else None


def remember(archive: Archive, name: str, value: str) -> None:
    """Remember this in place of what was known before."""
    with archive.write() as connection:
        put(connection, settings, [{"name": name, "value": value}])


def change(archive: Archive, name: str, kind: type[T], make: Callable[[T], T]) -> None:
    """Remember what `make` makes of what is known under this name (an empty one where nothing is), while nobody else
    does: of two people who add something at once, both have added it."""
    with archive.write() as connection:
        wait_for_other_writers(connection, archive.owner)
        found = connection.execute(select(settings.c.value).where(settings.c.name == name)).scalar()
        made = make(msgspec.json.decode(found, type=kind) if found else kind())
        put(connection, settings, [{"name": name, "value": msgspec.json.encode(made).decode()}])


def mark_of(archive: Archive) -> str:
    """What this archive is told from others by where several could write: made when it is first asked for, and the same
    after a restore, because backups hold it."""
    if known := known_mark_of(archive):
        return known
    with archive.write() as connection:
        name = _mark(archive)
        add(connection, settings, [{"name": name, "value": secrets.token_hex(4)}])
        return str(connection.execute(select(settings.c.value).where(settings.c.name == name)).scalar_one())


def known_mark_of(archive: Archive) -> str | None:
    """The same, where it was asked for before."""
    return recall(archive, _mark(archive))


def _mark(archive: Archive) -> str:
    return f"mark:{archive.owner}"
