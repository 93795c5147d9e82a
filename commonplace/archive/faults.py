"""What a database says when something around it is wrong, as errors of ours: one table for each.

What is not in the tables is a mistake of this program and stays what it is.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from commonplace.errors import CommonplaceError, Halt, Retryable


class Damaged(Halt):
    """The archive's file is not what a database should be."""


class DiskFull(Halt):
    """There is no room left for what is to be written."""


_DAMAGED = (
    Damaged,
    "The archive is damaged: its file is not what a database should be.",
    "`commonplace restore BACKUP --force` puts a backup in its place and keeps the damaged file beside it.",
)
_INDEX = (Halt, "What searches look into is damaged.", "`commonplace verify --rebuild-index` makes it anew.")
_FULL = (DiskFull, "The disk of the archive is full.", "Make room and do the same again: what was committed is kept.")
_LOCKED = (Retryable, "The archive is busy: something else has been writing to it for too long.", "Try again later.")
_READ_ONLY = (
    Halt,
    "The archive cannot be written: its folder or its file is read-only.",
    "Reading works. To change something, give it back its permissions, or set COMMONPLACE_HOME to another folder.",
)
_UNREADABLE = (
    Halt,
    "The archive's file cannot be opened.",
    "Check that COMMONPLACE_HOME (or COMMONPLACE_DATABASE_URL) names a folder of yours, and its permissions.",
)
_DISK = (Halt, "The disk of the archive failed to read or write.", "Check the disk, then `commonplace verify`.")
_AWAY = (
    Retryable,
    "The archive's database does not answer, or does not let us in.",
    "Check the server, the name, the user and the password in COMMONPLACE_DATABASE_URL.",
)
_REFUSED = (
    Halt,
    "The archive's database refuses this user.",
    "Check user, password and name in COMMONPLACE_DATABASE_URL.",
)

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

Fault = tuple[type[CommonplaceError], str, str]

_SQLITE: dict[str, Fault] = {
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_FULL": _FULL,
    "SQLITE_IOERR": _DISK,
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_NOTADB": _DAMAGED,
    "SQLITE_READONLY": _READ_ONLY,
    "SQLITE_PERM": _READ_ONLY,
    "SQLITE_CANTOPEN": _UNREADABLE,
}
_POSTGRESQL: dict[str, Fault] = {  # by the beginnings of SQLSTATE
    "08": _AWAY,
    "57P": _AWAY,
    "53300": _AWAY,
    "55P03": _LOCKED,
    "40P01": _LOCKED,
    "53100": _FULL,
    "58030": _DISK,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
    "25006": _READ_ONLY,
    "28": _REFUSED,
    "3D000": _REFUSED,
    "42501": _REFUSED,
}


@contextmanager
def told() -> Iterator[None]:
    """A fault of the database's surroundings leaves the block as an error that says what to do."""
    try:
        yield
    except Exception as exc:
        fault = fault_of(exc)
        if fault is None:
            raise
        raise fault from exc


@contextmanager
def writing(what: str, *, only: Collection[int] = ()) -> Iterator[None]:
    """The same for files: a disk that is full, a folder that is read-only or not there. `only` these error numbers."""
    try:
        yield
    except OSError as exc:
        if only and exc.errno not in only:
            raise
        reason = exc.strerror or type(exc).__name__
        kind = DiskFull if exc.errno in (errno.ENOSPC, errno.EDQUOT) else Halt
        raise kind(f"{what} cannot be written ({reason}).", hint="Make room, or choose another place.") from exc


def fault_of(error: Exception) -> CommonplaceError | None:
    """Our error for a driver's, wrapped or bare; None for one that is not about the surroundings."""
    drivers = error.orig if isinstance(error, DBAPIError) else error
    found = _of_sqlite(drivers) or _of_postgresql(drivers)
    if found is None:
        return None
    kind, message, hint = found
    return kind(message, hint=hint)


def _of_sqlite(error: BaseException | None) -> Fault | None:
    """By the name of the error, without what an extended one adds (`SQLITE_BUSY_SNAPSHOT`)."""
    name = "_".join((getattr(error, "sqlite_errorname", None) or "").split("_")[:2])
    if name == "SQLITE_CORRUPT" and str(error).startswith("fts5"):  # not every build names these apart
        return _INDEX
    return _SQLITE.get(name)


def _of_postgresql(error: BaseException | None) -> Fault | None:
    state: str | None = getattr(error, "sqlstate", "")
    if state is None:  # no answer from a server at all
        from psycopg import OperationalError

        return _AWAY if isinstance(error, OperationalError) else None
    return next((fault for beginning, fault in _POSTGRESQL.items() if beginning and state.startswith(beginning)), None)
