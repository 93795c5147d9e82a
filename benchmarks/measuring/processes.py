"""What a command takes from its start to its end, seen from outside: seconds and private memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SAMPLE_SECONDS = 0.1
MEGABYTE = 1_000_000


def measure(command: list[str], home: Path) -> dict[str, Any]:
    """Run a command from its start to its end, and watch its memory and that of what it starts."""
    os.sync()  # or the disk would still be busy with what was written before
    environment = {**os.environ, "COMMONPLACE_HOME": str(home)}
    environment.pop("COMMONPLACE_DATABASE_URL", None)
    peak = 0
    started = time.perf_counter()
    with tempfile.TemporaryFile() as told:  # a pipe that nobody empties meanwhile would stop a long report
        with subprocess.Popen(command, stdout=told, cwd=ROOT, env=environment) as process:
            while process.poll() is None:
                peak = max(peak, sum(map(anonymous_bytes, _family(process.pid))))
                time.sleep(SAMPLE_SECONDS)
            seconds = time.perf_counter() - started
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed")
        told.seek(0)
        return {"seconds": seconds, "peak_mb": peak / MEGABYTE, "told": json.load(told)}


def measure_import(source: Path, home: Path) -> dict[str, Any]:
    return measure([sys.executable, "-m", "commonplace", "import", "--direct", "--json", str(source)], home)


def _family(pid: int) -> list[int]:
    """A process and those it started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(found for child in children for found in _family(int(child)))]


def anonymous_bytes(pid: int) -> int:
    """Private memory that is not a file's: what the machine has to have for the process."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon")), 0)


class Private:
    """How much more private memory this process had at most while something was done."""

    grew_by = 0

    def __enter__(self) -> Private:
        self._before, self._is_over = anonymous_bytes(os.getpid()), threading.Event()
        self._watching = threading.Thread(target=self._watch)
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._watching.join()

    def _watch(self) -> None:
        while not self._is_over.wait(0.001):
            self.grew_by = max(self.grew_by, anonymous_bytes(os.getpid()) - self._before)
