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
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import update

from commonplace.archive import rows, schema
from commonplace.archive.core import Archive
from commonplace.archive.opening import open_archive
from commonplace.archive.projects import vectors as features
from commonplace.config import ProjectSettings
from commonplace.projects import terms
from tests.stages.mapping.assigning import map_projects

SIZES = (10_000, 30_000, 100_000)
PROJECTS = 500
VOCABULARY = 40_000
DOMAINS = 60
PHASES = 3
IN_PROJECTS, HIDDEN = 0.35, 0.4
CATEGORIES = tuple(f"category {number}" for number in range(15))
START, DAY = 1_680_000_000_000_000, 86_400_000_000
_HEAD = (
    *("key", "owner", "id", "source", "external_id", "title", "created_at", "updated_at", "content_hash"),
    *("project_ref", "message_count", "character_count", "imported_at", "category"),
)


class World:
    """An archive's truth: which conversation belongs where, and which words it is made of."""

    def __init__(self, conversations: int, projects: int, *, seed: int = 7) -> None:
        self.random = np.random.default_rng(seed)
        draw = self.random
        self.projects = projects
        self.truth = np.where(draw.random(conversations) < IN_PROJECTS, _skewed(draw, conversations, projects), -1)
        self.is_hidden = (self.truth >= 0) & (draw.random(conversations) < HIDDEN)
        self.domain = np.where(self.truth >= 0, self.truth % DOMAINS, draw.integers(0, DOMAINS * 2, conversations))
        self.phase = draw.integers(0, PHASES, conversations)
        begun = draw.integers(0, 900, projects)
        span = 20 + 60 * self.phase + draw.integers(0, 60, conversations)
        busy = begun[np.maximum(self.truth, 0)] + span
        self.days = np.where(self.truth >= 0, busy, draw.integers(0, 1100, conversations))
        is_usual = draw.random(conversations) < 0.7
        self.category = np.where(
            is_usual, self.domain % len(CATEGORIES), draw.integers(0, len(CATEGORIES), conversations)
        )
        self.zipf = np.cumsum(1.0 / np.arange(2, VOCABULARY + 2))

    def words(self, place: int) -> NDArray[np.int64]:
        """Everybody's words, its domain's, and its project's and phase's; or those of a subject of its own."""
        draw = self.random
        count = int(np.clip(draw.lognormal(4.6, 0.8), 12, 1200))
        kinds = draw.random(count)
        said = np.searchsorted(self.zipf, draw.random(count) * self.zipf[-1])
        said = words_of_kind(said, kinds < 0.22, draw, 1_000_000 + int(self.domain[place]), 400)
        if self.truth[place] >= 0:
            project = int(self.truth[place])
            said = words_of_kind(said, (kinds >= 0.22) & (kinds < 0.32), draw, 2_000_000 + project, 120)
            subject = 3_000_000 + project * PHASES + int(self.phase[place])
            return words_of_kind(said, (kinds >= 0.32) & (kinds < 0.36), draw, subject, 60)
        return words_of_kind(said, (kinds >= 0.22) & (kinds < 0.36), draw, 4_000_000 + place, 60)


def _skewed(draw: np.random.Generator, count: int, projects: int) -> NDArray[np.int64]:
    """Some projects are large and most are small."""
    share = 1.0 / np.arange(3, projects + 3) ** 0.7
    return draw.choice(projects, size=count, p=share / share.sum())


def words_of_kind(
    said: NDArray[np.int64], chosen: NDArray[np.bool_], draw: np.random.Generator, kind: int, size: int
) -> NDArray[np.int64]:
    """Some words replaced by those of a vocabulary, its first words being its commonest."""
    places = (draw.random(int(chosen.sum())) ** 2 * size).astype(np.int64)
    said[chosen] = VOCABULARY + (kind * 7919 + places * 104729) % 20_000_003
    return said


def fill(archive: Archive, world: World) -> None:
    """Write conversations and their features, as an import and a first `compute` leave them."""
    heads: list[tuple[Any, ...]] = []
    vectors: list[tuple[str, str, bytes]] = []
    for place in range(len(world.truth)):
        said = world.words(place)
        title = [int(word) for word in said[: 2 + place % 4]]
        id, content_hash = f"chatgpt:{place:08d}", blake2b(str(place).encode(), digest_size=8).hexdigest()
        moment = START + int(world.days[place]) * DAY
        project = int(world.truth[place])
        ref = f"g-p-{project:032x}" if project >= 0 and not world.is_hidden[place] else None
        heads.append(
            (
                *(place + 1, archive.owner, id, "chatgpt", f"{place:08d}", " ".join(f"w{word}" for word in title)),
                *(moment, moment, content_hash, ref, 2, 100, moment, CATEGORIES[world.category[place]]),
            )
        )
        counted = Counter({f"w{word}": total for word, total in Counter(said.tolist()).items()})
        counted.update({f"w{word}": terms.TITLE_COUNT for word in title})
        vectors.append((id, content_hash, terms.encode(counted)))
    with archive.write() as connection:
        for start in range(0, len(heads), 5000):
            rows.insert_rows(connection, schema.conversations, _HEAD, heads[start : start + 5000])
    features.store(archive, terms.KIND, vectors)


def quality(archive: Archive, world: World) -> dict[str, float]:
    """Precision of everything that similarity assigned, and how much of what had lost its id it found."""
    found = _found(archive)
    similar = [(place, project) for place, (rule, project) in found.items() if rule == "similar"]
    suggested = [(place, project) for place, (rule, project) in found.items() if rule == "orphan" and project >= 0]
    right = sum(world.truth[place] == project for place, project in similar)
    good = sum(world.truth[place] == project for place, project in suggested)
    hidden = int(world.is_hidden.sum())
    return {
        "hidden": hidden,
        "assigned": len(similar),
        "precision": right / max(len(similar), 1),
        "coverage": sum(world.truth[place] >= 0 for place, _ in similar) / max(hidden, 1),
        "recall": right / max(hidden, 1),
        "suggested": len(suggested),
        "suggestions_right": good / max(len(suggested), 1),
        "recall_with_suggestions": (right + good) / max(hidden, 1),
    }


def _found(archive: Archive) -> dict[int, tuple[str, int]]:
    """For each conversation the rule and the project, assigned or suggested; -1: neither."""
    with archive.read() as connection:
        refs = {row.project_id: row.ref for row in connection.execute(schema.project_refs.select())}
        rows = connection.execute(schema.assignments.select()).all()
    number = {project: int(ref[4:], 16) for project, ref in refs.items() if ref.startswith("g-p-")}
    return {
        int(row.conversation_id[8:]): (row.rule, number.get(row.project_id or row.suggested_project_id, -1))
        for row in rows
    }


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
    found = _found(archive)
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
