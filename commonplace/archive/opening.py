"""Open an archive: connect, bring its schema up to date, find its files."""

from __future__ import annotations

from pathlib import Path

from commonplace.archive.core import Archive
from commonplace.archive.engine import connect, database_url
from commonplace.archive.migrate import migrate
from commonplace.model import DEFAULT_OWNER


def open_archive(url: str, *, files: Path | str | None = None, owner: str = DEFAULT_OWNER) -> Archive:
    """Open the archive at a database URL or an SQLite path, creating or migrating it first.

    `files` is the folder (or object-store URL) of kept exports and attachments; next to an SQLite archive by default.
    """
    location = url if "://" in url else f"sqlite:///{Path(url).expanduser().absolute()}"
    parsed = database_url(location)
    folder: Path | None = None
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        folder = Path(str(parsed.database)).absolute().parent
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = connect(location)
    try:
        migrate(engine, keep_copy_in=folder / "backups" if folder else None)
    except BaseException:
        engine.dispose()
        raise
    return Archive(engine, str(files or (folder or Path.cwd()) / "files"), owner=owner)
