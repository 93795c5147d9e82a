"""What Prefect adds: the pipeline as a flow against the same library calls without it, in one run.

    python -m benchmarks.orchestration --conversations 5000

Both start from an empty archive, a fresh process and the same export; the flow also from a running local server, as it
does at night. Printed: wall time of both, what the flow adds, its task runs, the server's CPU, and a second run that
finds nothing to do.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.generated.export import generate
from commonplace.config import load
from commonplace.stack import server

MEGABYTES_PER_THOUSAND = 43
ALLOWED_SHARE, ALLOWED_SECONDS = 0.15, 5.0

DIRECT = """
import sys, time
from pathlib import Path
started = time.perf_counter()
from commonplace.session import open_session
from commonplace.stages.categorizing.stage import categorize
from commonplace.stages.embedding import embed_pending
from commonplace.stages.importing.stage import import_exports
from commonplace.stages.mapping.stage import map_projects
from commonplace.stages.syncing.stage import sync
with open_session() as session:
    import_exports(session, [Path(sys.argv[1])])
    embed_pending(session)
    categorize(session)
    map_projects(session)
    sync(session, "markdown")
print(time.perf_counter() - started)
"""
FLOW = """
import sys, time
started = time.perf_counter()
from flows.pipeline import pipeline
pipeline(paths=[sys.argv[1]])
print(time.perf_counter() - started)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=5000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="orchestration-") as name:
        folder = Path(name)
        export = folder / "export.zip"
        size = options.conversations * MEGABYTES_PER_THOUSAND * 1000
        count = generate(export, size=size, shape="mixed", container="zip", seed=7)
        print(f"{count} conversations")
        direct = _timed(DIRECT, folder / "direct", export)
        figures = _as_flow(folder / "flow", export)
    added = figures["first"] - direct
    allowed = direct * ALLOWED_SHARE + ALLOWED_SECONDS
    print(f"plain stages            {direct:8.1f} s")
    print(f"the pipeline as a flow  {figures['first']:8.1f} s   {figures['first'] / direct:.2f} x")
    print(f"Prefect adds            {added:8.1f} s   allowed {allowed:.1f} s (15 % + 5 s): {added / allowed:.2f}")
    print(f"task runs               {figures['task_runs']:8d}     allowed 500")
    print(f"server CPU              {figures['server_cpu']:8.1f} s")
    print(f"nothing to do           {figures['second']:8.1f} s   allowed 10 s")


def _as_flow(home: Path, export: Path) -> dict[str, Any]:
    home.mkdir()
    settings, _ = load({"COMMONPLACE_HOME": str(home)}, folder=home)
    running = server.ensure(settings)
    try:
        environment = {**server.client_environment(running, settings), "PREFECT_LOGGING_LEVEL": "WARNING"}
        cpu = _cpu_seconds(running.pid)
        first = _timed(FLOW, home, export, environment)
        second = _timed(FLOW, home, export, environment)
        server.drain(running, settings, seconds=120)
        task_runs = server.count_task_runs(running, settings, {}) or 0
        return {
            "first": first,
            "second": second,
            "server_cpu": _cpu_seconds(running.pid) - cpu,
            "task_runs": task_runs,
        }
    finally:
        server.stop(settings)


def _timed(program: str, home: Path, export: Path, environment: dict[str, str] | None = None) -> float:
    """The seconds that a program says it took, imports included."""
    home.mkdir(exist_ok=True)
    variables = {**os.environ, **(environment or {}), "COMMONPLACE_HOME": str(home)}
    ended = subprocess.run(
        [sys.executable, "-c", program, str(export)], env=variables, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        sys.exit(ended.stderr[-3000:])
    return float(json.loads(ended.stdout.strip().splitlines()[-1]))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"({time.perf_counter() - started:.0f} s in all)")
