"""How fast and how well conversations find their projects: `python -m benchmarks.projects`.

Speed: 10,000, 30,000 and 100,000 conversations are mapped to 500 projects from stored features, without a text in the
archive. Quality, on archives whose truth is known: a share of the conversations belongs to projects, of these some have
lost their id (newer exports do that), and most belong to no project at all though they speak of the same things. Then
the same by leave-out alone: ids of sorted conversations are hidden and looked for again.

Words follow Zipf's law. Projects come in domains that share vocabulary, have phases, times of activity, and small talk.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import update

from benchmarks.generated.worlds import World, fill
from benchmarks.quality.projects import assigned_in, quality
from commonplace.archive import schema
from commonplace.archive.core import Archive
from commonplace.archive.opening import open_archive
from commonplace.config import ProjectSettings
from tests.stages.mapping.assigning import map_projects

SIZES = (10_000, 30_000, 100_000)
PROJECTS = 500


def leave_out(archive: Archive, world: World, *, share: float = 0.3) -> dict[str, float]:
    """Hide the ids of conversations whose project is known, forget all assignments, map again, and look at those.

    What any archive allows, without knowing the truth of the rest.
    """
    draw = np.random.default_rng(3)
    known = np.flatnonzero((world.truth >= 0) & ~world.is_hidden)
    hidden = draw.choice(known, size=int(len(known) * share), replace=False)
    with archive.write() as connection:
        table = schema.conversations
        connection.execute(schema.assignments.delete())
        connection.execute(update(table).values(project_id=None))
        for start in range(0, len(hidden), 500):
            ids = [f"chatgpt:{place:08d}" for place in hidden[start : start + 500]]
            connection.execute(update(table).where(table.c.id.in_(ids)).values(project_ref=None))
    map_projects(archive, ProjectSettings())
    found = assigned_in(archive)
    assigned = [place for place in hidden if found.get(place, ("", -1))[0] == "similar"]
    right = sum(found[place][1] == world.truth[place] for place in assigned)
    return {
        "hidden": len(hidden),
        "assigned": len(assigned),
        "precision": right / max(len(assigned), 1),
        "coverage": len(assigned) / len(hidden),
        "recall": right / len(hidden),
    }


def run(sizes: tuple[int, ...], projects: int) -> Iterator[dict[str, Any]]:
    """One line for each size, the last with the leave-out on the same archive."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder, open_archive(str(Path(folder) / "archive.db")) as archive:
            world = World(size, projects)
            fill(archive, world)
            started, worked = time.perf_counter(), time.process_time()
            report = map_projects(archive, ProjectSettings())
            seconds, worked = time.perf_counter() - started, time.process_time() - worked
            started = time.perf_counter()
            map_projects(archive, ProjectSettings())
            again = time.perf_counter() - started
            learned = report.learned
            yield {
                "conversations": size,
                "projects": projects,
                "seconds": round(seconds, 2),
                "processor_seconds": round(worked, 2),
                "again_seconds": round(again, 2),
                "threshold": learned.threshold if learned else None,
                "expected_coverage": learned.expected_coverage if learned else None,
                **{key: round(value, 3) for key, value in quality(archive, world).items()},
            }
            yield {
                "leave_out_of": size,
                **{key: round(value, 3) for key, value in leave_out(archive, world).items()},
            }


def size_of(line: dict[str, Any]) -> int:
    """The number of conversations that a line is about. Of fewer than there are in SIZES less may be found."""
    return int(line.get("conversations") or line["leave_out_of"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--projects", type=int, default=PROJECTS)
    options = parser.parse_args()
    seconds: dict[int, float] = {}
    worked: dict[int, float] = {}
    is_good = True
    for line in run(tuple(options.sizes), options.projects):
        print(json.dumps(line), flush=True)
        if "conversations" in line:
            seconds[line["conversations"]] = line["seconds"]
            worked[line["conversations"]] = line["processor_seconds"]
        is_good &= line["precision"] >= 0.9 and (line["coverage"] >= 0.3 or size_of(line) < min(SIZES))
    if {30_000, 100_000} <= seconds.keys():
        ratio = round(worked[100_000] / worked[30_000], 2)
        is_good &= seconds[100_000] <= 30 and ratio <= 4
        print(json.dumps({"processor_time_at_100k_to_30k": ratio}))
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
