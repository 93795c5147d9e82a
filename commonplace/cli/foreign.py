"""Errors that are not ours, told as ours are: what happened in one sentence, and what to do next.

The messages of other people's errors are not shown, because they may hold values; their kinds and numbers are.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from pathlib import Path

from commonplace.errors import CommonplaceError, Halt, Refused

log = logging.getLogger("commonplace.cli")

_FILES: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("The disk is full.", "Make room, then do the same again: what is done stays done."),
    errno.EDQUOT: ("The quota of the disk is used up.", "Make room, then do the same again: what is done stays done."),
    errno.EROFS: ("{file} is on a disk that cannot be written to.", "Set COMMONPLACE_HOME to one that can."),
    errno.EACCES: ("{file} is not yours to open.", "Look at its owner and permissions, or name another one."),
    errno.EPERM: ("{file} is not yours to change.", "Look at its owner and permissions, or name another one."),
    errno.EISDIR: ("{file} is a folder, where a file is meant.", "Name a file."),
    errno.ENOTDIR: ("{file} is inside something that is no folder.", "Name another place."),
    errno.ENOENT: ("There is no {file}.", "Look at the name."),
    errno.EEXIST: ("{file} is there already.", "Name another place."),
    errno.ENAMETOOLONG: ("A file's name is too long for this disk.", "Name another place."),
    errno.EMFILE: ("Too many files are open.", "Raise the limit (ulimit -n), or lower `workers` under [runs]."),
    errno.EADDRINUSE: ("The port is in use.", "Name another one."),
}
_KINDS: dict[str, tuple[str, str]] = {
    "RecursionError": ("Something is nested too deeply to be read.", "Look at the file."),
    "MemoryError": ("There is not enough memory.", "Do less at a time, for example with --limit."),
    "UnicodeDecodeError": ("A file is not text in UTF-8.", "Save it as UTF-8."),
    "UnicodeEncodeError": ("A text cannot be written in this encoding.", "Set PYTHONUTF8=1."),
    "OverflowError": ("A number or a date is beyond what can be kept.", "Look at what was given."),
    "ModuleNotFoundError": ("A package is missing.", "Install Commonplace again, with the extra that this needs."),
}


def explained(error: Exception) -> CommonplaceError:
    """Any error as one of ours."""
    if isinstance(error, CommonplaceError):
        return error
    log.error("ended by %s at %s", type(error).__name__, " < ".join(_places(error)))
    for cause in _causes(error):
        if found := _from_file(cause) or _from_database(cause) or _from_service(cause) or _from_kind(cause):
            return found
    return Halt(
        f"This should not have happened: {type(error).__name__} at {next(_places(error), 'an unknown place')}.",
        hint="It is a mistake in Commonplace: please report it with this line. What was written before is safe.",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what led to it."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _places(error: BaseException) -> Iterator[str]:
    """Where it happened, innermost first: files and lines of code, which hold nothing that a person wrote."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    yield from reversed(places)


def _from_file(error: BaseException) -> CommonplaceError | None:
    if not isinstance(error, OSError) or error.errno not in _FILES:
        return None
    message, hint = _FILES[error.errno]
    return Refused(message.format(file=error.filename or "A file"), hint=hint)


def _from_database(error: BaseException) -> CommonplaceError | None:
    """Of SQLAlchemy, SQLite or PostgreSQL: by the archive's own table where that knows it."""
    module = type(error).__module__.partition(".")[0]
    if module not in {"sqlalchemy", "sqlite3", "pysqlite3", "psycopg"} or not isinstance(error, Exception):
        return None
    from commonplace.archive.faults import fault_of

    refused = Halt(
        f"The database refused something ({type(error).__name__}).", hint="`commonplace verify` looks at it."
    )
    return fault_of(error) or refused


def _from_service(error: BaseException) -> CommonplaceError | None:
    module = type(error).__module__.partition(".")[0]
    if module in {"httpx", "httpcore"} or isinstance(error, ConnectionError | TimeoutError):
        return Halt("A service does not answer.", hint="Look at the network and the address, then try again.")
    if module == "prefect":
        return Halt(f"The Prefect server refused something ({type(error).__name__}).", hint="Its log says more.")
    return None


def _from_kind(error: BaseException) -> CommonplaceError | None:
    for kind in type(error).__mro__:
        if kind.__name__ in _KINDS:
            message, hint = _KINDS[kind.__name__]
            return Refused(message, hint=hint)
    return None
