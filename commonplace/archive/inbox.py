"""What came in by webhook and is not yet in the archive: stored before it is answered, whatever else is going on.

On SQLite the inbox is a file of its own beside the archive's, because an import holds the archive's only write lock for
as long as it needs, and because what was answered must survive a power cut: whoever writes here waits for the disk.
That happens outside SQLite (decision 033), so that others write meanwhile and their bytes go to the disk at the same
time. On PostgreSQL it is a table of the archive's database.

A delivery waits, is done (then only its identity is kept, for a while, so that a repeated one is recognised), has
failed (with its reason, to be replayed), or is in quarantine until a person releases it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    event,
    func,
    select,
    text,
    update,
)

from commonplace.archive.core import Archive
from commonplace.archive.engine import connect, database_url, for_writing, hurry, outside_transactions
from commonplace.archive.metadata import Key, Moment
from commonplace.archive.rows import add, batched
from commonplace.archive.texts import StoredText
from commonplace.moments import now

State = Literal["waiting", "done", "failed", "quarantined"]
STATES: tuple[State, ...] = ("waiting", "done", "failed", "quarantined")

PATIENCE_SECONDS = 5
"""Everybody writes for a moment only; who waits longer than this had better come back."""
LOG_BYTES = 8 << 20
"""What the write-ahead log is cut to where a longer one was needed; a server makes it that long when it starts."""
_LOCK = 0x696E626F
"""For PostgreSQL, which may refuse when two make the same table at once."""

inbox = Table(
    "inbox",
    MetaData(),
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("source", StoredText, nullable=False),
    Column("kind", StoredText, nullable=False),
    Column("uid", StoredText, nullable=False),
    Column("session", StoredText, nullable=False, server_default=""),
    Column("delivery", StoredText, nullable=False, comment="its id, or the hash of what is in it"),
    Column("received_at", Moment, nullable=False),
    Column("state", StoredText, nullable=False),
    Column("reason", StoredText, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("size", Integer, nullable=False),
    Column("body", LargeBinary, comment="null once it is done"),
    UniqueConstraint("source", "kind", "uid", "delivery", name="uq_inbox_delivery"),
    Index("ix_inbox_state", "state", "key"),
)


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a webhook, as it came. `delivery` is empty where the sender gave it no id."""

    source: str
    kind: str
    uid: str
    body: bytes
    delivery: str = ""
    session: str = ""
    received_at: int = 0
    is_trusted: bool = True


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery in the inbox; its body only where it was asked for."""

    id: int
    source: str
    kind: str
    uid: str
    session: str
    delivery: str
    received_at: int
    state: State
    reason: str
    attempts: int
    size: int
    body: bytes = b""


_ABOUT = [inbox.c.key.label("id"), *(inbox.c[name] for name in Entry.__struct_fields__ if name not in {"id", "body"})]


class Inbox:
    """The deliveries of all owners."""

    def __init__(self, engine: Engine, log: Path | None = None) -> None:
        self.engine = engine
        self._writer = for_writing(engine, PATIENCE_SECONDS)
        self._log = log

    def put(self, deliveries: Sequence[Delivery]) -> None:
        """Store them for good, in one commit. One that is there already changes nothing."""
        self.write(deliveries)
        self.wait_for_disk()

    def write(self, deliveries: Sequence[Delivery]) -> None:
        """The first half of `put`: others read them from now on, and a power cut may still take them away."""
        rows = [_row(delivery) for delivery in deliveries]
        with self._begin() as connection:
            add(connection, inbox, rows)

    def wait_for_disk(self) -> None:
        """Returns once all that was written until now survives a power cut. (PostgreSQL has waited already.)"""
        if self._log is None:
            return
        descriptor = os.open(self._log, os.O_RDWR)
        try:
            _sync(descriptor)
        finally:
            os.close(descriptor)

    def put_again(self, deliveries: Sequence[Delivery]) -> None:
        """Those of these that are done wait once more: what they brought is not in the archive any more."""
        with self._write() as connection:
            for row in map(_row, deliveries):
                same = (inbox.c[name] == row[name] for name in ("source", "kind", "uid", "delivery"))
                chosen = update(inbox).where(*same, inbox.c.state == "done")
                connection.execute(chosen.values(state="waiting", reason="", body=row["body"]))

    def uids(self, source: str, kinds: Collection[str], *, before: int | None = None) -> list[str]:
        """For whom something of these kinds waits, since before a moment."""
        query = select(inbox.c.uid).where(inbox.c.source == source, inbox.c.kind.in_(kinds), inbox.c.state == "waiting")
        query = query.distinct() if before is None else query.where(inbox.c.received_at < before).distinct()
        with self.engine.connect() as connection:
            return sorted(connection.execute(query).scalars())

    def waiting(
        self, source: str, uids: Sequence[str], kinds: Collection[str], *, at_once: int = 10
    ) -> Iterator[Entry]:
        """What waits for these uids in the order in which it came, with its body, some in memory at a time."""
        after = 0
        chosen = (inbox.c.source == source, inbox.c.uid.in_(uids), inbox.c.kind.in_(kinds))
        while True:
            query = select(*_ABOUT, inbox.c.body).where(*chosen, inbox.c.state == "waiting", inbox.c.key > after)
            with self.engine.connect() as connection:
                rows = connection.execute(query.order_by(inbox.c.key).limit(at_once)).all()
            yield from (Entry(**row._mapping) for row in rows)
            if not rows:
                return
            after = rows[-1].id

    def settle(self, as_: Mapping[int, str]) -> None:
        """These are in the archive, under the id of a conversation: their bodies go."""
        self._end(as_, state="done", body=None)

    def fail(self, reasons: Mapping[int, str]) -> None:
        """These cannot be used as they are; they keep their bodies."""
        self._end(reasons, state="failed", attempts=inbox.c.attempts + 1)

    def hold_back(self, ids: Sequence[int], reason: str) -> None:
        """A person has to say something first."""
        for some in batched(ids):
            self._set(some, state="quarantined", reason=reason)

    def entries(self, *states: State, limit: int = 100) -> list[Entry]:
        """The newest first, without their bodies."""
        query = select(*_ABOUT).order_by(inbox.c.key.desc()).limit(limit)
        if states:
            query = query.where(inbox.c.state.in_(states))
        with self.engine.connect() as connection:
            return [Entry(**row._mapping) for row in connection.execute(query)]

    def replay(self, ids: Sequence[int] | None = None, *, uid: str | None = None) -> int:
        """Let what failed or is in quarantine wait again: these, those of a uid, or all that failed; how many."""
        chosen: ColumnElement[bool] = inbox.c.state.in_(("failed", "quarantined"))
        if ids is not None:
            chosen &= inbox.c.key.in_(ids)
        elif uid is not None:
            chosen &= inbox.c.uid == uid
        else:
            chosen = inbox.c.state == "failed"
        with self._write() as connection:
            return connection.execute(update(inbox).where(chosen).values(state="waiting", reason="")).rowcount

    def drop(self, ids: Sequence[int]) -> int:
        """Throw these away, unless they are in the archive already; how many."""
        with self._write() as connection:
            chosen = delete(inbox).where(inbox.c.key.in_(ids), inbox.c.state != "done")
            return connection.execute(chosen).rowcount

    def counts(self) -> dict[str, int]:
        """How many deliveries are in each state."""
        query = select(inbox.c.state, func.count()).group_by(inbox.c.state)
        with self.engine.connect() as connection:
            return {**dict.fromkeys(STATES, 0), **{row[0]: row[1] for row in connection.execute(query)}}

    def forget_done(self, before: int) -> int:
        """Deliveries that were done so long ago that they are not repeated any more."""
        with self._write() as connection:
            chosen = delete(inbox).where(inbox.c.state == "done", inbox.c.received_at < before)
            forgotten = connection.execute(chosen).rowcount
        self.tidy()
        return forgotten

    def tidy(self) -> None:
        """What the write-ahead log holds goes into the file, at the cost of nobody who waits for an answer; the log
        begins anew unless somebody is reading it."""
        if self._log is None:
            return
        self._empty_log()
        with self._begin():  # for the moment that the little takes which came meanwhile
            self._empty_log()

    def make_room(self) -> None:
        """Make the log as long as it may be. What is written over something that is there needs the disk only for its
        own bytes; what makes a file longer also waits for all that others had in mind to write."""
        if self._log is None:
            return
        with self._begin(), self._log.open("r+b") as log:  # nobody else makes it longer meanwhile
            missing = LOG_BYTES - log.seek(0, os.SEEK_END)
            log.write(bytes(max(0, missing)))  # zeros are no entries of a log to SQLite

    def _empty_log(self) -> None:
        with outside_transactions(self.engine).connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with self._writer.begin() as connection:
            hurry(connection)
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._begin() as connection:
            yield connection
        self.wait_for_disk()

    def _end(self, reasons: Mapping[int, str], **values: Any) -> None:
        """Each with its own reason, many in one commit: each commit waits for the disk."""
        statement = update(inbox).where(inbox.c.key == bindparam("id")).values(reason=bindparam("why"), **values)
        for some in batched(reasons):
            with self._write() as connection:
                connection.execute(statement, [{"id": id, "why": reasons[id]} for id in some])

    def _set(self, ids: Sequence[int], **values: Any) -> None:
        with self._write() as connection:
            connection.execute(update(inbox).where(inbox.c.key.in_(ids)).values(**values))


def _row(delivery: Delivery) -> dict[str, Any]:
    return {
        "source": delivery.source,
        "kind": delivery.kind,
        "uid": delivery.uid,
        "session": delivery.session,
        "delivery": delivery.delivery or f"sha256:{hashlib.sha256(delivery.body).hexdigest()}",
        "received_at": delivery.received_at or now(),
        "state": "waiting" if delivery.is_trusted else "quarantined",
        "reason": "" if delivery.is_trusted else "It was not signed.",
        "size": len(delivery.body),
        "body": delivery.body,
    }


@contextmanager
def open_inbox(archive: Archive) -> Iterator[Inbox]:
    """The inbox of an archive, made when it is opened for the first time."""
    if not archive.is_sqlite:
        _make(archive.engine)
        yield Inbox(archive.engine)
        return
    engine = connect(database_url(str(file_of(archive))))
    event.listen(engine, "connect", _prepare)
    try:
        _make(engine)
        opened = Inbox(engine, log_of(archive))
        opened.tidy()  # whoever had it before may have been killed
        yield opened
    finally:
        engine.dispose()


def has_inbox(archive: Archive) -> bool:
    """Whether anything ever came in."""
    if archive.is_sqlite:
        return file_of(archive).exists()
    with archive.read() as connection:
        return archive.engine.dialect.has_table(connection, inbox.name)


def file_of(archive: Archive) -> Path:
    """Where an SQLite archive has its inbox."""
    path = Path(str(archive.engine.url.database))
    return path.with_name(f"{path.stem}-inbox.db")


def log_of(archive: Archive) -> Path:
    """What was written to it last, until it goes into the file itself."""
    path = file_of(archive)
    return path.with_name(f"{path.name}-wal")


_sync = getattr(os, "fdatasync", os.fsync)
"""The bytes and how many there are: all that SQLite needs of the log."""


def _prepare(connection: Any, _record: Any) -> None:
    connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
    connection.execute("PRAGMA secure_delete = ON")  # what is done leaves nothing behind here


def _make(engine: Engine) -> None:
    with engine.connect() as connection:
        if engine.dialect.has_table(connection, inbox.name):
            return
    with for_writing(engine).begin() as connection:
        _wait_for_others(connection)
        inbox.metadata.create_all(connection, checkfirst=True)


def _wait_for_others(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
