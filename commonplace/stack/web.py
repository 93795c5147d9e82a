"""The server for people and programs (`commonplace serve`), beside the Prefect server."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from commonplace.config import Settings
from commonplace.stack import processes, server
from commonplace.stack.processes import Process
from commonplace.stack.worker import home_environment

NAME = "web"
BY_HAND = "serve"
"""One that a person or the system started, which `down` leaves alone."""
PATIENCE_SECONDS = 120.0
"""Whoever does not answer by then is on the way, or dead: either is looked after elsewhere."""


def start(of: Process, settings: Settings) -> Process:
    """Start it on its port or, where nobody else relies on that, where it was the last time or on the next free one."""
    chosen, others_rely_on_it = settings.server.port, bool(settings.server.public_url)
    note = server.folder(settings) / "web.port"
    port = processes.free_port(chosen, strictly=True) if others_rely_on_it else processes.steady_port(note, chosen)
    return processes.start(
        NAME,
        [sys.executable, "-P", "-m", "commonplace", "serve", "--port", str(port), "--no-link"],
        {**server.client_environment(of, settings), **home_environment(settings)},
        folder=server.records(settings),
        log=server.folder(settings) / "web.log",
        port=port,
    )


def wait_until_ready(served: Process) -> None:
    """Wait until its address leads somewhere: it is shown to people who open it at once."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while processes.is_alive(served) and time.monotonic() < deadline:
        try:
            socket.create_connection((processes.HOST, served.port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return


@contextmanager
def recorded(port: int, settings: Settings) -> Iterator[None]:
    """Other commands find this process as long as the block runs, whoever started it."""
    folder, this = server.records(settings), replace(processes.this(BY_HAND), port=port)
    if any(found.pid == this.pid for found in processes.recorded(folder, NAME)):
        yield
        return
    with processes.recording(folder, this):
        yield


def ports(settings: Settings) -> list[int]:
    """Where this home's servers listen at the moment."""
    return [found.port for found in processes.recorded(server.records(settings), NAME, BY_HAND)]
