"""Connections to the archive's database: SQLite by default, PostgreSQL when outgrown.

SQLite before 3.51.3 can corrupt a write-ahead-log database that several processes write to, which is what flows and
the web server do. So the standard library's module is used only where its SQLite is new enough, else `pysqlite3`.
Writers begin immediately: a deferred transaction that reads first and writes later fails at once when another
process writes in between, whatever the busy timeout.
"""

from __future__ import annotations

import select
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError

from commonplace.archive.spacing import spaced
from commonplace.errors import Halt, Refused

OLDEST_SAFE_SQLITE = (3, 51, 3)
BUSY_TIMEOUT_MS = 120_000
QUIET_SECONDS = 30
"""A connection that nobody used for so long may have been cut on its way without a word, and to ask whether it was can
take minutes."""


def sqlite_module() -> ModuleType:
    """The DB-API module whose SQLite is safe with several writers."""
    if sqlite3.sqlite_version_info >= OLDEST_SAFE_SQLITE:
        return sqlite3
    try:
        import pysqlite3.dbapi2 as bundled
    except ImportError as exc:
        raise Halt(_too_old(sqlite3.sqlite_version, "and the package pysqlite3 is not installed")) from exc
    if bundled.sqlite_version_info < OLDEST_SAFE_SQLITE:
        raise Halt(_too_old(bundled.sqlite_version, "in both the standard library and pysqlite3"))
    module: ModuleType = bundled
    return module


def _too_old(version: str, where: str) -> str:
    return (
        f"This Python brings SQLite {version} {where}. Versions before 3.51.3 can corrupt the archive when several "
        "processes write. Install pysqlite3 0.6.1 or newer, use a Python with a newer SQLite, or point "
        "COMMONPLACE_DATABASE_URL at PostgreSQL."
    )


def database_url(text: str) -> URL:
    """A database URL as people write it, with the driver we use; of a path without a scheme, SQLite's."""
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).expanduser().absolute()))
    try:
        url = make_url(text)
    except ArgumentError as exc:
        raise Refused(
            "COMMONPLACE_DATABASE_URL is not a database URL.",
            hint="Use sqlite:///path/archive.db or postgresql://user:password@host/name.",
        ) from exc
    kind = url.get_backend_name()
    if kind in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if kind == "sqlite":
        return url
    raise Refused(f"The archive cannot live in {kind!r}.", hint="Use SQLite or PostgreSQL.")


def connect(url: URL, *, read_only: bool = False) -> Engine:
    """An engine for the archive. Errors hide their parameters, because those are conversation text."""
    if url.get_backend_name() != "sqlite":
        return _connect_to_server(url)
    module = sqlite_module()
    if read_only:
        opened = partial(module.connect, _read_only_uri(Path(str(url.database))), uri=True, check_same_thread=False)
        engine = create_engine(url, module=module, creator=opened, hide_parameters=True)
    else:
        engine = create_engine(url, module=module, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    if not read_only:
        event.listen(engine, "connect", _write_ahead)
    event.listen(engine, "begin", _begin_sqlite)
    return engine.execution_options(is_read_only=read_only)


def _connect_to_server(url: URL) -> Engine:
    """A connection is looked at before it is used again. The one that was used last is: it has everything at hand."""
    engine = create_engine(url, hide_parameters=True, pool_use_lifo=True)
    event.listen(engine, "checkin", _note_rest)
    event.listen(engine, "checkout", _require_life)
    return engine


def _note_rest(_driver: Any, record: Any) -> None:
    record.info["resting_since"] = time.monotonic()


def _require_life(driver: Any, record: Any, _: Any) -> None:
    """A server that stops says so, or at least hangs up: both wait in the socket, and nothing else does. So there is
    nothing to ask, and no way there and back before each question. The pool makes another connection."""
    since = record.info.get("resting_since")
    if since is None:  # made just now
        return
    if driver.closed or _has_word(driver.fileno()) or time.monotonic() - since > QUIET_SECONDS:
        raise DisconnectionError


def _has_word(descriptor: int) -> bool:
    arriving = select.poll()
    arriving.register(descriptor, select.POLLIN)
    return bool(arriving.poll(0))


def _read_only_uri(path: Path) -> str:
    """Readers of a write-ahead log need its index beside it. Without a log there is nobody to wait for."""
    is_closed = not any(path.with_name(path.name + ending).exists() for ending in ("-wal", "-shm"))
    return f"file:{quote(str(path))}?mode=ro{'&immutable=1' if is_closed else ''}"


def for_reading(engine: Engine) -> Engine:
    """The same engine, whose transactions see one state of the archive, as SQLite's always do."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ")
    return engine


def for_writing(engine: Engine, patience: float | None = None) -> Engine:
    """The same engine, whose transactions take the write lock when they begin, and give up after `patience` seconds."""
    return engine.execution_options(begins_immediately=True, patience=patience)


def hurry(connection: Connection) -> None:
    """On PostgreSQL, which takes locks as it goes: wait for each no longer than this connection's patience."""
    patience = connection.get_execution_options().get("patience")
    if patience is not None and connection.dialect.name == "postgresql":
        connection.execute(text("SELECT set_config('lock_timeout', :it, true)"), {"it": f"{int(patience * 1000)}ms"})


def outside_transactions(engine: Engine) -> Engine:
    """The same engine, whose statements stand alone: VACUUM and its like refuse to run in a transaction.

    On SQLite, SQLAlchemy's own AUTOCOMMIT would begin one all the same, and leave the connection to the driver's ideas.
    """
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="AUTOCOMMIT")
    return engine.execution_options(begins_never=True)


@contextmanager
def driven(engine: Engine) -> Iterator[Any]:
    """The driver's own connection, on which each statement stands alone. SQLAlchemy's way to it takes as long as a
    question that every request asks."""
    held = engine.raw_connection()
    try:
        driver: Any = held.driver_connection
        if engine.dialect.name == "postgresql":
            driver.autocommit = True
            yield driver
            driver.autocommit = False
        else:
            yield driver
    except BaseException:
        held.invalidate()
        raise
    finally:
        held.close()


@contextmanager
def overwriting(connection: Connection) -> Iterator[None]:
    """On SQLite, what is deleted is overwritten instead of merely being given free."""
    if connection.dialect.name != "sqlite":
        yield
        return
    connection.exec_driver_sql("PRAGMA secure_delete = ON")
    yield
    connection.exec_driver_sql("PRAGMA secure_delete = OFF")


def _write_ahead(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    # A bulk load rewrites the same pages of the text index: they go into the database file every 8 MB, not every 4.
    # At 64 MB it writes a tenth less, and whoever needs the same disk meanwhile waits for a quarter of a second.
    cursor.execute("PRAGMA wal_autocheckpoint = 2048")
    cursor.close()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event below decides, not the driver
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA cache_size = -65536")
    cursor.close()
    connection.create_function("spaced", 1, spaced, deterministic=True)  # for the text index's triggers


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("begins_never"):
        return
    # What locks nothing cannot fail, and SQLAlchemy's way to it takes longer than many a question.
    driver: Any = connection.connection.dbapi_connection
    if not options.get("begins_immediately", False):
        driver.execute("BEGIN")
        return
    patience = options.get("patience")
    if patience is None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    driver.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
