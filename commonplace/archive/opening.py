"""Open an archive: connect, bring its schema up to date, find its files."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Engine

from commonplace.archive.core import Archive
from commonplace.archive.engine import connect, database_url
from commonplace.archive.faults import told
from commonplace.archive.migrate import current_revision, migrate
from commonplace.archive.migrations import HEAD
from commonplace.errors import Halt
from commonplace.model import DEFAULT_OWNER


def open_archive(url: str, *, files: Path | str | None = None, owner: str = DEFAULT_OWNER) -> Archive:
    """Open the archive at a database URL or an SQLite path, creating or migrating it first.

    `files` is the folder (or object-store URL) of kept exports and attachments; next to an SQLite archive by default.
    Where nothing can be written, an archive that is there and up to date is opened to be read.
    """
    parsed = database_url(url)
    database = sqlite_file(url)
    folder = database.parent if database else None
    is_read_only = database is not None and not _is_writable(database)
    engine = connect(parsed, read_only=is_read_only)
    try:
        with told():
            if is_read_only:
                _require_head(engine)
            else:
                migrate(engine, keep_copy_in=folder / "backups" if folder else None)
    except BaseException:
        engine.dispose()
        raise
    return Archive(engine, str(files or (folder or Path.cwd()) / "files"), owner=owner)


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite archive; None for a server's, or one in memory."""
    parsed = database_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database)).absolute()


def _is_writable(database: Path) -> bool:
    """Makes the folder, if there is none; False for a database that is there and may only be read."""
    try:
        database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as exc:
        raise _no_home(database.parent) from exc
    if os.access(database.parent, os.W_OK) and (not database.exists() or os.access(database, os.W_OK)):
        return True
    if not database.is_file():
        raise _no_home(database.parent)
    return False


def _no_home(folder: Path) -> Halt:
    return Halt(
        f"The archive cannot be made in {folder}.",
        hint="Set COMMONPLACE_HOME (or COMMONPLACE_DATABASE_URL) to a folder that you can write to.",
    )


def _require_head(engine: Engine) -> None:
    with engine.connect() as connection:
        if current_revision(connection) != HEAD:
            raise Halt(
                "This archive has to be brought up to date, and it is read-only.",
                hint="Open it once where it can be written, with any command.",
            )
