"""An open archive: its database, its files location and whose conversations it shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from types import TracebackType
from typing import Any, Protocol

from sqlalchemy import Connection, Engine

from commonplace.archive.engine import driven, for_reading, for_writing, hurry, outside_transactions
from commonplace.archive.faults import told
from commonplace.model import DEFAULT_OWNER


class Guard(Protocol):
    """Says whether who writes may still do so (leases.py)."""

    @property
    def token(self) -> str:
        """What another process needs to write as the same."""

    def check(self) -> None:
        """Raise `Halt` if not. Costs nothing."""

    def confirm(self, connection: Connection) -> None:
        """The same, as true as the transaction of this connection."""


class Archive:
    """The hub: every stage reads from it and writes to it. Closes its connections as a context manager.

    Transactions are short. `read()` sees one consistent state; `write()` takes the write lock at once and commits
    at the end of the block, or not at all. Under a guard, nothing is written that it does not confirm.
    """

    def __init__(
        self,
        engine: Engine,
        files: str,
        *,
        owner: str = DEFAULT_OWNER,
        guard: Guard | None = None,
        patience: float | None = None,
        readers: tuple[Engine, Engine] | None = None,
    ) -> None:
        self.engine = engine
        self.files_location = files
        self.owner = owner
        self._guard = guard
        self._patience = patience
        self._readers = readers or (for_reading(engine), outside_transactions(engine))
        self._reader, self._alone = self._readers

    @cached_property
    def _writer(self) -> Engine:
        return for_writing(self.engine, self._patience)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be written, because its folder or file does not allow it."""
        return bool(self.engine.get_execution_options().get("is_read_only"))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with told(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """For one question that stands alone: on PostgreSQL half as many ways there and back as a transaction takes."""
        with told(), self._alone.connect() as connection:
            yield connection

    @contextmanager
    def drive(self) -> Iterator[Any]:
        """The driver's connection, for one question that stands alone and that every request asks (prepared.py)."""
        with told(), driven(self.engine) as driver:
            yield driver

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with told(), self._writer.begin() as connection:
            hurry(connection)
            if self._guard is not None:
                self._guard.confirm(connection)
            yield connection

    def check(self) -> None:
        """Raise `Halt` where this run may not write any more: to be asked before whatever cannot be taken back."""
        if self._guard is not None:
            self._guard.check()

    @property
    def lease(self) -> str:
        """The token of the lease that is written under; empty where there is none."""
        return self._guard.token if self._guard is not None else ""

    def under(self, guard: Guard) -> Archive:
        """The same archive, written to only as long as the guard agrees."""
        return self._but(guard=guard)

    def of(self, owner: str) -> Archive:
        """The same archive as another owner sees it."""
        return self._but(owner=owner)

    def in_a_hurry(self, seconds: float) -> Archive:
        """The same archive for somebody who waits: a write gives up where others write for so long."""
        return self._but(patience=seconds)

    def _but(self, **otherwise: Any) -> Archive:
        same = {"owner": self.owner, "guard": self._guard, "patience": self._patience, "readers": self._readers}
        return Archive(self.engine, self.files_location, **(same | otherwise))

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
