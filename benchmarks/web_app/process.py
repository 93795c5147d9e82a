"""A server in a process of its own, whose time and memory are nobody else's."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.measuring.processes import anonymous_bytes
from benchmarks.servers.serving import SERVE, running
from benchmarks.web_app.serving import COOKIE
from commonplace.archive.access import sessions
from commonplace.archive.opening import open_archive
from commonplace.config import load


class Process(NamedTuple):
    """Where it listens, who is logged in there, and what it takes."""

    url: str
    cookie: str
    running: psutil.Process

    def seconds(self) -> float:
        """Of processor time, until now."""
        used = self.running.cpu_times()
        return float(used.user + used.system)

    def memory(self) -> int:
        """Bytes that are its own."""
        return anonymous_bytes(self.running.pid)


def login(home: Path) -> str:
    """The owner of a home is logged in; the secret that says so."""
    settings, _ = load({"COMMONPLACE_HOME": str(home)}, folder=home)
    with open_archive(settings.database_url, files=settings.files) as archive:
        return sessions.begin(archive, archive.owner, address="127.0.0.1", agent="benchmark", days=1)


@contextmanager
def serving_alone(**variables: str) -> Iterator[Process]:
    """`commonplace serve` over an archive without conversations."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as home:
        token = login(Path(home))
        with running(SERVE, COMMONPLACE_HOME=home, **variables) as server:
            yield Process(server.url, f"{COOKIE}={token}", psutil.Process(server.pid))
