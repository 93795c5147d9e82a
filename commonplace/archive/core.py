"""An open archive: its database, its files location and whose conversations it shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from sqlalchemy import Connection, Engine

from commonplace.archive.engine import for_reading, for_writing
from commonplace.model import DEFAULT_OWNER


class Archive:
    """The hub: every stage reads from it and writes to it. Closes its connections as a context manager.

    Transactions are short. `read()` sees one consistent state; `write()` takes the write lock at once and commits
    at the end of the block, or not at all.
    """

    def __init__(self, engine: Engine, files: str, *, owner: str = DEFAULT_OWNER) -> None:
        self.engine = engine
        self.files_location = files
        self.owner = owner
        self._reader = for_reading(engine)
        self._writer = for_writing(engine)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self._writer.begin() as connection:
            yield connection

    def of(self, owner: str) -> Archive:
        """The same archive as another owner sees it."""
        return Archive(self.engine, self.files_location, owner=owner)

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
