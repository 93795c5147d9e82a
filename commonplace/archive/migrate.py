"""Bring an archive's schema up to date, once, whoever opens it first."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from commonplace.archive.engine import for_writing, outside_transactions
from commonplace.archive.migrations import HEAD
from commonplace.errors import Halt

_POSTGRES_LOCK = 0x636F6D6D  # any number that other programs are unlikely to use


def current_revision(connection: Connection) -> str | None:
    """Which revision the database is at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(engine: Engine, *, keep_copy_in: Path | None = None) -> str | None:
    """Apply what is missing in one transaction; the previous revision, or None when there was nothing to do.

    An SQLite archive that is about to change is copied into `keep_copy_in` first. On PostgreSQL the transaction
    itself is the safety net: the schema changes completely or not at all.
    """
    with engine.connect() as connection:
        before = current_revision(connection)
    if before == HEAD:
        return None
    if before is not None and keep_copy_in is not None and engine.dialect.name == "sqlite":
        _copy_sqlite(engine, keep_copy_in / f"before-{HEAD}.db")
    with for_writing(engine).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _POSTGRES_LOCK})
        if current_revision(connection) != HEAD:
            _upgrade(connection)
    return before


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as exc:
        raise Halt(
            "This archive was written by a newer Commonplace.", hint="Install the newest version and try again."
        ) from exc


def _copy_sqlite(engine: Engine, target: Path) -> None:
    """A whole copy or none, for its owner's eyes only."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=target.parent, suffix=".partial")
    os.close(descriptor)
    try:
        with outside_transactions(engine).connect() as connection:
            connection.exec_driver_sql("VACUUM INTO ?", (name,))  # an empty file is accepted
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)
