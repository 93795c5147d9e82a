"""How well a person's own archive is sorted: `python -m benchmarks.accounts`.

Five accounts of 1,500 conversations and 40 projects, harder than those of `benchmarks.projects`: half of what is in a
project has no id, most projects have two or three ids, and half of what is in no project speaks of one all the same.
Printed: the precision of what was assigned by likeness; of the merges that were proposed with more than 0.9, how many
are right; and how many projects there were too many.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from benchmarks.generated.worlds import World, fill, words_of_kind
from benchmarks.quality.projects import quality
from commonplace.archive import schema
from commonplace.archive.core import Archive
from commonplace.archive.opening import open_archive
from commonplace.config import ProjectSettings
from commonplace.stages.mapping import merges
from tests.stages.mapping.assigning import map_projects

CONVERSATIONS, PROJECTS, ACCOUNTS = 1500, 40, 5
LOST = 0.5
SPLIT = 0.8
BORROWED = 0.1


class Account(World):
    """An archive's truth in which the unsorted are close to the projects, and projects have several ids."""

    def __init__(self, *, seed: int) -> None:
        super().__init__(CONVERSATIONS, PROJECTS, seed=seed)
        draw = self.random
        self.is_hidden = (self.truth >= 0) & (draw.random(CONVERSATIONS) < LOST)
        self.domain = np.where(self.truth >= 0, self.truth % 20, draw.integers(0, 30, CONVERSATIONS))
        self.borrowed = np.where(
            (self.truth < 0) & (draw.random(CONVERSATIONS) < 0.5), draw.integers(0, PROJECTS, CONVERSATIONS), -1
        )
        ids = np.where(draw.random(PROJECTS) < SPLIT, draw.integers(2, 4, PROJECTS), 1)
        self.part = draw.integers(0, 6, CONVERSATIONS) % ids[np.maximum(self.truth, 0)]

    def words(self, place: int) -> NDArray[np.int64]:
        said = super().words(place)
        if self.borrowed[place] >= 0:
            chosen = self.random.random(len(said)) < BORROWED
            said = words_of_kind(said, chosen, self.random, 2_000_000 + int(self.borrowed[place]), 120)
        return said


def split_ids(archive: Archive, account: Account) -> None:
    """Give each part of a project an id of its own."""
    table = schema.conversations
    with archive.write() as connection:
        for row in connection.execute(select(table.c.id, table.c.project_ref)).all():
            if row.project_ref:
                part = int(account.part[int(row.id[8:])])
                ref = f"g-p-{part:08x}{row.project_ref[12:]}"
                connection.execute(table.update().where(table.c.id == row.id).values(project_ref=ref))


def merge_quality(archive: Archive, account: Account, *, above: float) -> dict[str, float]:
    """Of the merges that are proposed with this confidence, which are right; and how many were to be found."""
    with archive.read() as connection:
        number = {
            row.project_id: int(row.ref[12:], 16)
            for row in connection.execute(schema.project_refs.select())
            if row.ref.startswith("g-p-")
        }
    before = len(number)
    split = before - len(set(number.values()))
    proposed = merges.proposals(archive, above=above)
    right = sum(number[one.source] == number[one.target] for one in proposed)
    merged = 0
    while True:
        events = merges.accept(archive, above=above)
        if not events:
            break
        merged += len(events)
    return {
        "ids": before,
        "too_many": split,
        "proposed": len(proposed),
        "right": right / max(len(proposed), 1),
        "merged_in_all": merged,
    }


def run() -> list[dict[str, Any]]:
    lines = []
    for seed in range(ACCOUNTS):
        account = Account(seed=seed)
        with tempfile.TemporaryDirectory() as folder, open_archive(str(Path(folder) / "archive.db")) as archive:
            fill(archive, account)
            report = map_projects(archive, ProjectSettings())
            line: dict[str, Any] = {"account": seed, **quality(archive, account)}
            line["threshold"] = report.learned.threshold if report.learned else None
        with tempfile.TemporaryDirectory() as folder, open_archive(str(Path(folder) / "archive.db")) as archive:
            fill(archive, account)
            split_ids(archive, account)
            map_projects(archive, ProjectSettings())
            line |= merge_quality(archive, account, above=0.9)
        print(json.dumps({key: round(value, 3) if isinstance(value, float) else value for key, value in line.items()}))
        lines.append(line)
    return lines


def main() -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    lines = run()
    assigned = sum(line["assigned"] for line in lines)
    right = sum(line["assigned"] * line["precision"] for line in lines)
    proposed = sum(line["proposed"] for line in lines)
    merges_right = sum(line["proposed"] * line["right"] for line in lines)
    told = {
        "precision": round(right / max(assigned, 1), 3),
        "assigned": assigned,
        "merges_right": round(merges_right / max(proposed, 1), 3),
        "merged": sum(line["merged_in_all"] for line in lines),
        "too_many": sum(line["too_many"] for line in lines),
    }
    print(json.dumps(told))
    return 0 if told["precision"] >= 0.9 and told["merges_right"] >= 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
