"""The server for people and programs (`commonplace serve`), beside the Prefect server."""

from __future__ import annotations

import sys

from commonplace.config import Settings
from commonplace.stack import processes, server
from commonplace.stack.processes import Process
from commonplace.stack.worker import home_environment

NAME = "web"


def start(of: Process, settings: Settings) -> Process:
    """Start it on its port or, where nobody else relies on that, on the next one that is free."""
    others_rely_on_it = bool(settings.server.public_url)
    port = processes.free_port(settings.server.port, strictly=others_rely_on_it)
    return processes.start(
        NAME,
        [sys.executable, "-P", "-m", "commonplace", "serve", "--port", str(port), "--no-link"],
        {**server.client_environment(of, settings), **home_environment(settings)},
        folder=server.records(settings),
        log=server.folder(settings) / "web.log",
        port=port,
    )
