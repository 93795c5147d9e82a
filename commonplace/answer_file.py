"""A file for what was bought from a service, kept apart from the archive, so that nothing is bought twice.

An answer is written down the moment it arrives, before anything is recorded: a run that dies, or an archive that is
restored without it, finds it again. Answers tell of private conversations: the file is the person's own (mode 0600),
and what is forgotten leaves the disk.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from commonplace.errors import Halt

_WAIT_SECONDS = 60.0
_IDENTITY = "CREATE TABLE IF NOT EXISTS file (one INTEGER PRIMARY KEY, identity TEXT NOT NULL);"


class AnswerFile:
    """One file of tables, for any number of threads and processes. Closes as a context manager."""

    def __init__(self, path: Path, tables: str) -> None:
        self._name = path.name
        self._lock = threading.Lock()
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            # No WAL: see archive/engine.py for what older SQLite versions do to it.
            self._connection = sqlite3.connect(
                path, timeout=_WAIT_SECONDS, check_same_thread=False, isolation_level=None
            )
            self._connection.executescript(tables + _IDENTITY)

    @property
    def identity(self) -> str:
        """Of this file. Whoever remembers elsewhere that something was asked must not find it here under another."""
        if not self._read("SELECT identity FROM file"):
            self._write("INSERT OR IGNORE INTO file VALUES (1, lower(hex(randomblob(8))))", [()])
        return str(self._read("SELECT identity FROM file")[0][0])

    @contextmanager
    def _told(self) -> Iterator[None]:
        """A full disk, a folder that is read-only or a run that stands still is for a person to put right."""
        try:
            yield
        except (sqlite3.DatabaseError, OSError) as exc:
            if getattr(exc, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                raise Halt(
                    f"The answers in {self._name} are in use by another run that does not go on.",
                    hint="Let it go on or end it, then run this again: what was answered is kept.",
                ) from exc
            raise Halt(
                f"The answers in {self._name} cannot be kept ({exc}).",
                hint="Make room, or give the home back its permissions. A damaged file can be moved away.",
            ) from exc

    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._told(), self._lock:
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Cursor]:
        """All that is done in the block or nothing; nobody else writes meanwhile."""
        with self._told(), self._lock, closing(self._connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    def _write(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            with self.transaction() as cursor:
                cursor.executemany(sql, rows)

    def _erase(self, sql: str, keys: Iterable[str]) -> None:
        """Remove rows by one key each, from the disk as well."""
        with self._told(), self._lock:
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.executemany(sql, [(key,) for key in keys])
            self._connection.execute("VACUUM")  # what was replaced before may be left in free pages

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
