"""What executes runs: Prefect's own process worker on our work pool."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from commonplace.config import Settings
from commonplace.stack import processes, server
from commonplace.stack.processes import Process

NAME = "worker"
WORK_POOL = "commonplace"
COMMAND = [sys.executable, "-P", "-m", "prefect", "worker", "start", "--pool", WORK_POOL, "--type", "process"]


def start(of: Process, settings: Settings) -> Process:
    """Start the worker of a server, with this home's settings."""
    environment = {
        **server.client_environment(of, settings),
        "PREFECT_LOGGING_LEVEL": "INFO",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        **home_environment(settings),
    }
    return processes.start(
        NAME,
        [*COMMAND, "--limit", str(settings.runs.at_once)],
        environment,
        folder=server.records(settings),
        log=server.folder(settings) / "worker.log",
    )


def home_environment(settings: Settings) -> dict[str, str]:
    """What tells a process of ours which home it works for."""
    told = {
        "COMMONPLACE_HOME": str(settings.home),
        "COMMONPLACE_DATABASE_URL": settings.database_url,
        "COMMONPLACE_FILES": settings.files,
    }
    if settings.config_file is not None:
        told["COMMONPLACE_CONFIG"] = str(settings.config_file)
    return told
