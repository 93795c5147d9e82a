"""How well conversations found their projects, beside the truth."""

from __future__ import annotations

from benchmarks.generated.worlds import World
from commonplace.archive import schema
from commonplace.archive.core import Archive


def quality(archive: Archive, world: World) -> dict[str, float]:
    """Precision of everything that similarity assigned, and how much of what had lost its id it found."""
    found = assigned_in(archive)
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


def assigned_in(archive: Archive) -> dict[int, tuple[str, int]]:
    """For each conversation the rule and the project, assigned or suggested; -1: neither."""
    with archive.read() as connection:
        refs = {row.project_id: row.ref for row in connection.execute(schema.project_refs.select())}
        rows = connection.execute(schema.assignments.select()).all()
    number = {project: int(ref[4:], 16) for project, ref in refs.items() if ref.startswith("g-p-")}
    return {
        int(row.conversation_id[8:]): (row.rule, number.get(row.project_id or row.suggested_project_id, -1))
        for row in rows
    }
