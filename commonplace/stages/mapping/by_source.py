"""The last word: what no rule finds a project for belongs to the project of its source, where that has one.

A device that listens has no projects, and what it heard is like nothing in an archive that is new. Whatever knows
better comes first, also later: such an assignment is asked about again whenever an orphan would be, and nothing is
learned from it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.projects import registry
from commonplace.archive.projects.assignments import Decision
from commonplace.config import ProjectSettings

CONFIDENCE = 0.5
"""It is from there, which says nothing of what it is about."""


def adopt(archive: Archive, settings: ProjectSettings, decisions: Sequence[Decision]) -> list[Decision]:
    """The same decisions; an orphan for which nothing is suggested goes to its source's project."""
    if not settings.sources:
        return list(decisions)
    known = registry.refs(archive) | registry.ids_by_name(archive) | {id: id for id in registry.names(archive)}
    return [_adopted(decision, settings, known) for decision in decisions]


def _adopted(decision: Decision, settings: ProjectSettings, known: dict[str, str]) -> Decision:
    named = settings.sources.get(decision.conversation_id.partition(":")[0])
    if not named or decision.rule != "orphan" or decision.suggested_project_id:
        return decision
    ref = named if named in known else registry.title_ref(named)
    return msgspec.structs.replace(
        decision,
        rule="source",
        project_id=known.get(ref) or registry.project_id_for(ref),
        confidence=CONFIDENCE,
        evidence={**decision.evidence, "ref": ref, "said_by": "source"},
    )


def register(archive: Archive, settings: ProjectSettings, decisions: Sequence[Decision]) -> None:
    """The projects that sources were given are there from now on."""
    of = {one.conversation_id.partition(":")[0] for one in decisions if one.rule == "source"}
    missing = {settings.sources[source] for source in of} - registry.names(archive).keys()
    if missing:
        registry.ensure_named(archive, sorted(missing), source="title")
