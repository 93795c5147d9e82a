"""The full-text index over messages and titles: kept in step, set aside for a bulk load, built again, checked.

On SQLite it is an FTS5 table without content of its own, written by triggers; on PostgreSQL GIN indexes that the server
keeps in step. Its state is in the archive's settings, so that any process can see what another one left behind:

    live       in step
    stale      set aside by a bulk load, which may have been killed
    new        made by a revision for the messages that there were, and not filled yet
    building   in step up to the message with the key `text_index_upto`

It is built in short transactions, each of which moves that mark: other processes write in between, as many as want to
may build at once, and one that is killed leaves the rest to the next.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

from sqlalchemy import Connection, delete, insert, select

from commonplace.archive.core import Archive
from commonplace.archive.leases import importing, running
from commonplace.archive.schema import settings
from commonplace.archive.search import text_index_postgresql, text_index_sqlite

State = Literal["live", "stale", "new", "building"]

_STATE = "text_index"
_UPTO = "text_index_upto"


def is_live(connection: Connection) -> bool:
    """Whether the index is in step."""
    return _get(connection, _STATE) == "live"


def suspend(archive: Archive) -> None:
    """Set the index aside for a bulk load. Titles stay findable, and so does what was indexed before."""
    with archive.write() as connection:
        if _get(connection, _STATE) != "stale":
            _dialect(connection).stop(connection)
            _set(connection, _STATE, "stale")


def rebuild(archive: Archive) -> None:
    """Bring the index in step, from wherever it is. Returns when it is, or when somebody sets it aside again."""
    with archive.write() as connection:
        if _get(connection, _STATE) in ("stale", "new"):
            _dialect(connection).begin(connection)
            _set(connection, _STATE, "building")
            _set(connection, _UPTO, "0")
    while _build_some(archive):
        pass
    compact(archive)


def compact(archive: Archive) -> None:
    """Nothing is left in the index of what is not there any more, and it is found as fast as can be."""
    if archive.is_sqlite:
        text_index_sqlite.compact(archive)


def overwriting(connection: Connection) -> AbstractContextManager[None]:
    """What is deleted within the block leaves the index at once."""
    return text_index_sqlite.overwriting(connection) if connection.dialect.name == "sqlite" else nullcontext()


def renew(archive: Archive) -> None:
    """All of it anew, titles included, in whatever state it is."""
    suspend(archive)
    with archive.write() as connection:
        _dialect(connection).renew_titles(connection)
    rebuild(archive)


def ensure_live(archive: Archive) -> bool:
    """Build what a killed import left undone. False when an import is at it, which will do so itself, or nobody can."""
    with archive.look() as connection:
        if is_live(connection):
            return True
    if archive.is_read_only or any(name.startswith(importing("")) for name in running(archive)):
        return False
    rebuild(archive)
    return True


def check(archive: Archive) -> list[str]:
    """What is wrong with the index, in sentences; nothing if it is in step with the messages and the titles.

    One that an update made is filled first, as the next search would.
    """
    with archive.read() as connection:
        state = _get(connection, _STATE)
    if archive.is_read_only:  # FTS5 takes its check of itself for a write
        return []
    if state == "new":
        rebuild(archive)
    elif state != "live":
        return ["The text index was set aside by an import that did not end, so searches miss messages."]
    with archive.write() as connection:
        return _dialect(connection).check(connection)


def _build_some(archive: Archive) -> bool:
    """The next messages, in one transaction. Whether there may be more."""
    with archive.write() as connection:
        if _get(connection, _STATE) != "building":
            return False
        upto = int(_get(connection, _UPTO) or 0)
        reached = _dialect(connection).build(connection, upto)
        if reached is None:
            _dialect(connection).finish(connection)
            _set(connection, _STATE, "live")
            return False
        _set(connection, _UPTO, str(reached))
        return True


def _dialect(connection: Connection) -> type[text_index_sqlite.Index] | type[text_index_postgresql.Index]:
    return text_index_sqlite.Index if connection.dialect.name == "sqlite" else text_index_postgresql.Index


def _get(connection: Connection, name: str) -> str | None:
    return connection.execute(select(settings.c.value).where(settings.c.name == name)).scalar()


def _set(connection: Connection, name: str, value: str) -> None:
    connection.execute(delete(settings).where(settings.c.name == name))
    connection.execute(insert(settings).values(name=name, value=value))
