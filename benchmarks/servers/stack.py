"""A running stack: `commonplace up`, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.servers.serving import COMMAND
from commonplace.config import Settings


@contextlib.contextmanager
def up(settings: Settings) -> Iterator[float]:
    """A running stack; the seconds until it said that it was ready."""
    log = settings.home / "up.log"
    environment = {**os.environ, "COMMONPLACE_HOME": str(settings.home)}
    started = time.perf_counter()
    with log.open("w") as out:
        process = subprocess.Popen([*COMMAND, "up"], env=environment, cwd=settings.home, stdout=out, stderr=out)
    try:
        while "Ctrl-C" not in log.read_text():
            if process.poll() is not None:
                sys.exit(log.read_text())
            time.sleep(0.05)
        yield time.perf_counter() - started
    finally:
        process.terminate()
        process.wait(60)
