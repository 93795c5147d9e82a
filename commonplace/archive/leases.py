"""One run per stage and destination at a time: a row that its holder renews, and that others may take once it died.

A holder that is killed cannot say goodbye. So a lease ends by itself: a minute after its last renewal, or at once where
the next one to ask sees that the holder's process is gone from this machine.

A holder that was merely stopped for long (a sleeping laptop) finds its lease taken when it wakes up. So it works with
the archive that its lease gives it: that confirms in every transaction that the lease is still its own, and `check`
asks the same before a request that cannot be taken back. A lease travels into other processes as a token.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, select, text, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from commonplace.archive.core import Archive
from commonplace.archive.schema import leases
from commonplace.errors import CommonplaceError, Halt, Refused
from commonplace.moments import now, to_iso

SECONDS = 60.0
RENEWALS_PER_TERM = 4
LONGEST = 86_400_000_000
"""No term is longer than a day, in microseconds: what ends later was written by a clock that was ahead."""


def importing(owner: str) -> str:
    """The lease of everything that adds an owner's conversations or takes them away."""
    return f"import:{owner}"


def restoring() -> str:
    """The lease of putting a backup in the place of everybody's archive."""
    return "restore"


def categorizing(owner: str) -> str:
    """The lease of judging an owner's conversations, and of sending them away to be judged."""
    return f"categorize:{owner}"


def collecting(owner: str) -> str:
    """The lease of bringing in what was judged elsewhere."""
    return f"collect:{owner}"


def embedding(owner: str) -> str:
    """The lease of giving an owner's conversations vectors."""
    return f"embed:{owner}"


def mapping(owner: str) -> str:
    """The lease of assigning an owner's conversations to projects."""
    return f"map:{owner}"


def reconciling(owner: str) -> str:
    """The lease of reading again what an owner has at a service that sends conversations."""
    return f"reconcile:{owner}"


def syncing(owner: str, instance: str) -> str:
    """The lease of writing an owner's conversations to a destination's instance. Another owner's may be called alike:
    what OpenAI or Poke has of whom, their keys tell."""
    return f"sync:{owner}:{instance}"


def connecting(owner: str, name: str) -> str:
    """The lease of setting one of an owner's destinations up."""
    return f"set-up:{owner}:{name}"


class AlreadyRunning(Refused):
    """Somebody else has the lease. `holder` says who, as the archive has it."""

    def __init__(self, message: str, *, hint: str | None = None, holder: str = "") -> None:
        super().__init__(message, hint=hint)
        self.holder = holder


class Lost(Halt):
    """The lease is somebody else's by now: whoever thought to hold it must not write any more."""


class Lease:
    """What `hold` gives: the right to be the only one, for as long as `check` does not object."""

    def __init__(self, archive: Archive, name: str, seconds: float = SECONDS, *, holder: str = "") -> None:
        self.name = name
        self.holder = holder or _this_process()
        self._archive = archive
        self._seconds = seconds
        self._good_until = 0.0
        self._is_lost = False
        self._is_over = threading.Event()
        self._renewer = threading.Thread(target=self._keep, name=f"lease {name}", daemon=True)

    @property
    def archive(self) -> Archive:
        """The archive, written to only while this lease is held."""
        return self._archive.under(self)

    @property
    def token(self) -> str:
        """The lease, and whose archive is written to under it, as one word for `resumed`."""
        return f"{self.name} {self.holder} {self._seconds:g} {quote(self._archive.owner, safe='')}"

    def check(self) -> None:
        """Raise `Lost` if the lease was lost. Costs nothing, so it can be asked before every request."""
        if not self._is_lost and time.time() >= self._good_until:
            self._renew()
        if self._is_lost:
            raise _lost(self.name)

    def confirm(self, connection: Connection) -> None:
        """Raise `Lost` if the lease is not held, in a transaction that nobody can take it over in."""
        row = select(leases.c.name).where(self._is_ours).with_for_update(read=True)
        if connection.execute(row).one_or_none() is None:
            self._is_lost = True
            raise _lost(self.name)

    def take(self) -> None:
        """Take the lease and keep it, or raise `AlreadyRunning`."""
        asked_at = time.time()
        try:
            with self._archive.write() as connection:
                other = self._insert_or_take_over(connection)
        except IntegrityError:  # PostgreSQL: another one inserted it since we looked
            with self._archive.read() as connection:
                other = connection.execute(select(leases).where(leases.c.name == self.name)).one_or_none()
            raise _already_running(self.name, other) from None
        if other is not None:
            raise _already_running(self.name, other)
        self._good_until = self._soon_after(asked_at)
        self._renewer.start()

    def release(self) -> None:
        """Give it back. What still works under it finds it lost."""
        self._is_over.set()
        self._renewer.join()
        self._is_lost = True
        with self._archive.write() as connection:
            connection.execute(delete(leases).where(self._is_ours))

    def _insert_or_take_over(self, connection: Connection) -> Row[Any] | None:
        """Whose it is instead, if it could not be taken."""
        moment = _database_now(connection)
        row = connection.execute(select(leases).where(leases.c.name == self.name).with_for_update()).one_or_none()
        ours = {"holder": self.holder, "acquired_at": moment, "expires_at": moment + self._term}
        if row is None:
            connection.execute(leases.insert().values(name=self.name, **ours))
        elif row.expires_at <= moment or _is_gone(row.holder):
            connection.execute(update(leases).where(leases.c.name == self.name).values(**ours))
        else:
            _limit(connection, row, moment + max(self._term, int(SECONDS * 1_000_000)))
            return row
        return None

    def _keep(self) -> None:
        while not self._is_over.wait(self._seconds / RENEWALS_PER_TERM) and not self._is_lost:
            self._renew()

    def _renew(self) -> None:
        """Prolong the lease if it is still ours. A database out of reach is no reason to give it up before its end."""
        asked_at = time.time()
        try:
            with self._archive.write() as connection:
                expires_at = _database_now(connection) + self._term
                renewed = connection.execute(update(leases).where(self._is_ours).values(expires_at=expires_at)).rowcount
        except (SQLAlchemyError, CommonplaceError):
            self._is_lost = asked_at >= self._good_until
            return
        self._good_until = self._soon_after(asked_at)
        self._is_lost = renewed != 1

    def _soon_after(self, asked_at: float) -> float:
        """Until when a renewal is relied on: not to its very end, because a request takes time to get there."""
        return asked_at + self._seconds * (1 - 1 / RENEWALS_PER_TERM)

    @property
    def _is_ours(self) -> ColumnElement[bool]:
        return and_(leases.c.name == self.name, leases.c.holder == self.holder)

    @property
    def _term(self) -> int:
        return int(self._seconds * 1_000_000)


@contextmanager
def hold(archive: Archive, name: str, *, seconds: float = SECONDS) -> Iterator[Lease]:
    """Be the only one who does `name` until the block ends, or raise `AlreadyRunning`."""
    lease = Lease(archive, name, seconds)
    lease.take()
    try:
        yield lease
    finally:
        lease.release()


def resumed(archive: Archive, token: str) -> Archive:
    """The archive as the holder of a lease writes to it, for another process that works for them."""
    name, holder, seconds, owner = token.rsplit(" ", 3)
    return Lease(archive.of(unquote(owner)), name, float(seconds), holder=holder).archive


def end_all(connection: Connection, owner: str) -> None:
    """End an owner's leases: whoever works for them finds theirs lost before anything more is written or asked."""
    names = [name for name in connection.execute(select(leases.c.name)).scalars() if name.split(":")[1:2] == [owner]]
    connection.execute(delete(leases).where(leases.c.name.in_(names)))


def running(archive: Archive) -> list[str]:
    """The names of the leases that somebody alive holds; whoever lives renews a row that a wrong clock wrote."""
    with archive.read() as connection:
        moment = _database_now(connection)
        is_held = leases.c.expires_at.between(moment + 1, moment + LONGEST)
        rows = connection.execute(select(leases).where(is_held).order_by(leases.c.name)).all()
    return [row.name for row in rows if not _is_gone(row.holder)]


def _limit(connection: Connection, row: Row[Any], latest: int) -> None:
    """A clock that is ahead, another machine's or ours as it was, claims too much: a lease that nobody renews ends."""
    if row.expires_at > latest:
        same = and_(leases.c.name == row.name, leases.c.holder == row.holder)
        connection.execute(update(leases).where(same).values(expires_at=latest))


def _already_running(name: str, other: Row[Any] | None) -> AlreadyRunning:
    holder: str = other.holder if other else ""
    host, pid, *_ = [*holder.split(":"), "", ""]
    where = f" (process {pid} on {host.split('/')[0]}, since {to_iso(other.acquired_at)})" if other and pid else ""
    return AlreadyRunning(
        f"{_subject(name)} is already running{where}.",
        hint="Wait until it ends or stop it; a run that died is taken over within a minute.",
        holder=holder,
    )


def _lost(name: str) -> Lost:
    return Lost(
        f"{_subject(name)} was taken over by another run while this one stood still, or its user was disabled.",
        hint="Nothing is lost: the next run does what is still missing.",
    )


def _subject(name: str) -> str:
    kind, _, what = name.partition(":")
    return f"{kind.capitalize()} ({what})" if what else kind.capitalize()


def _database_now(connection: Connection) -> int:
    """One clock for all holders: the server's, where they may be on several machines."""
    if connection.dialect.name == "postgresql":
        return int(
            connection.execute(text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")).scalar_one()
        )
    return now()


def _this_process() -> str:
    return f"{_host()}:{os.getpid()}:{_started(os.getpid())}:{secrets.token_hex(4)}"


def _host() -> str:
    """Where process ids mean the same: a machine or, on Linux, a container of it."""
    try:
        namespace = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}/{''.join(filter(str.isdigit, namespace))}"


def _started(pid: int) -> str:
    """When a process started, in the kernel's own terms, so that a process id used again is not mistaken for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _is_gone(holder: str) -> bool:
    """Whether the holder was a process of this host that does not live any more. False when in doubt."""
    host, pid, started, *_ = [*holder.split(":"), "", "", ""]
    if host != _host() or not pid.isdigit() or sys.platform == "win32":
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return _started(int(pid)) != started
