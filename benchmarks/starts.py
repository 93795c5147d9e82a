"""How soon things begin: `python -m benchmarks.starts [--runs 12] [--stacks 3]`.

From `commonplace up` to the start of its first run, in a home whose Prefect server has run before and in a fresh one;
then, with everything up, from asking for a run to its start, one after the other; and a command that only reads, from
a cold start. Floor in the same run: a Python that imports SQLAlchemy and nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from benchmarks.servers.serving import COMMAND
from benchmarks.servers.stack import up
from commonplace.config import Settings, load
from commonplace.stack import server

UP_SECONDS, START_P50, START_P95, READ_SECONDS = 25.0, 4.0, 8.0, 1.0


def seconds_to_start(settings: Settings) -> float:
    """Ask for a run that has nothing to do, and see when it started."""
    from prefect import get_client

    from commonplace import runs

    asked = datetime.now(UTC)
    started = runs.start("import-exports", {})
    runs.watch(started, timeout_seconds=120)
    with get_client(sync_client=True) as client:
        begun = client.read_flow_run(UUID(started.id)).start_time
    assert begun is not None
    return begun.timestamp() - asked.timestamp()


def connect(settings: Settings) -> None:
    running = server.running(settings)
    assert running is not None
    os.environ.update(server.client_environment(running, settings))
    os.environ["PREFECT_LOGGING_LEVEL"] = "WARNING"


def timed(command: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def first_starts(settings: Settings, count: int, prepare: Callable[[], None]) -> list[float]:
    """From `commonplace up` to the start of its first run, that many times."""
    found = []
    for _ in range(count):
        prepare()
        sample = [*COMMAND, "up", "--sample", "--once"]
        environment = {**os.environ, "COMMONPLACE_HOME": str(settings.home)}
        asked = datetime.now(UTC)
        subprocess.run(sample, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found.append((_newest_start(settings) - asked).total_seconds())
    return found


def _newest_start(settings: Settings) -> datetime:
    import sqlite3

    with contextlib.closing(sqlite3.connect(server.folder(settings) / "prefect.db")) as connection:
        (text,) = connection.execute("SELECT max(start_time) FROM flow_run").fetchone()
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--stacks", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        settings, _ = load({"COMMONPLACE_HOME": name}, folder=Path(name))
        fresh = first_starts(settings, options.stacks, lambda: shutil.rmtree(server.folder(settings), True))
        warm = first_starts(settings, options.stacks, lambda: None)
        with up(settings):
            connect(settings)
            starts = sorted(seconds_to_start(settings) for _ in range(options.runs))
        plain = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT")}
        plain["COMMONPLACE_HOME"] = name
        reads = [timed([*COMMAND, "search", "bread", "--json"], plain) for _ in range(5)]
        floor = [timed([sys.executable, "-c", "import sqlalchemy"], plain) for _ in range(5)]
    p95 = starts[min(len(starts) - 1, round(0.95 * (len(starts) - 1)))]
    print(f"`up` to its first run, fresh home    {_list(fresh)}")
    print(f"`up` to its first run, used before   {_list(warm)}    allowed {UP_SECONDS:.0f} s")
    print(
        f"asked for to started, {len(starts)} runs       p50 {statistics.median(starts):.1f}, p95 {p95:.1f} s", end=""
    )
    print(f"    allowed {START_P50:.0f} and {START_P95:.0f} s")
    print(
        f"a search, cold                       {statistics.median(reads):.2f} s    allowed {READ_SECONDS:.0f} s", end=""
    )
    print(f"; importing SQLAlchemy alone {statistics.median(floor):.2f} s")


def _list(seconds: list[float]) -> str:
    return ", ".join(f"{value:.1f}" for value in seconds) + " s"


if __name__ == "__main__":
    main()
