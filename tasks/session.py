"""The session that a run works with: opened once by its flow, and shared by the tasks that run in its process.

Tasks may run in another process or on another machine than their flow. Those open a session of their own; nothing that
cannot be written in a parameter crosses over. Secrets come from the environment or `.env`, else from saved blocks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from blocks.lookup import BlockEnvironment
from commonplace import whose
from commonplace.archive.leases import resumed
from commonplace.lent import of_run
from commonplace.private import PRIVATE
from commonplace.session import Session, open_session

_current: ContextVar[Session | None] = ContextVar("session", default=None)
"""Prefect copies the context of a flow into the threads of its tasks."""


@contextmanager
def session(lease: str = "", *, owner: str | None = None) -> Iterator[Session]:
    """The run's session, or where there is none in this process a new one, for as long as the block lasts.

    A new one is that of the user whom `owner` names, and without a name the server's owner's. One that is opened for a
    task writes to the archive under the lease that its flow holds, and is the session of whom the flow works for.
    """
    current = _current.get()
    if current is not None:
        yield current
        return
    os.umask(PRIVATE)
    with open_session(BlockEnvironment) as opened:
        same = of_run(opened, _under(opened, lease) if lease else whose.named(opened, owner))
        with shared(same):
            yield same


def _under(opened: Session, lease: str) -> Session:
    archive = resumed(opened.archive, lease)
    return whose.of(opened, archive.owner)._replace(archive=archive)


@contextmanager
def shared(opened: Session) -> Iterator[None]:
    """What is called or submitted in this block works with this session."""
    before = _current.set(opened)
    try:
        yield
    finally:
        _current.reset(before)
