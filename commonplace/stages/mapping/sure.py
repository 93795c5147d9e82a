"""The first step of mapping: what ids, titles and custom GPTs say; and which conversations are pending at all.

Projects that are met for the first time appear in the registry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Row

from commonplace.archive.core import Archive
from commonplace.archive.projects import assignments, history, registry, vectors
from commonplace.archive.projects.assignments import Change, Decision
from commonplace.archive.rows import from_json
from commonplace.config import ProjectSettings
from commonplace.projects import learning, rules, terms
from commonplace.projects.rules import Clue, Looked
from commonplace.stages.mapping import meaning, project_names, titles
from commonplace.stages.mapping.titles import Titled
from commonplace.stages.selection import Selection


class Hashes(msgspec.Struct, frozen=True):
    """What an assignment must carry to be current: of the rules; of the rules and of what was learned from."""

    rules: str
    orphans: str


class Sure(msgspec.Struct, frozen=True, kw_only=True):
    """What the sure rules did, and which conversations they leave to similarity."""

    decided: int = 0
    changed: list[Change] = msgspec.field(default_factory=list)
    left: list[str] = msgspec.field(default_factory=list)
    new_projects: list[str] = msgspec.field(default_factory=list)


def hashes(archive: Archive, settings: ProjectSettings) -> Hashes:
    """What a current assignment carries now."""
    of_rules = rules.rules_hash(settings)
    of_orphans = f"{of_rules}:{rules.sources_hash(settings)}"
    if not settings.similarity:
        return Hashes(of_rules, of_orphans)
    kind = f"{terms.KIND}:{learning.VERSION}{meaning.generation(archive)}"
    return Hashes(of_rules, f"{of_orphans}:{kind}:{vectors.generation(archive)}")


def assign_sure(archive: Archive, settings: ProjectSettings, selection: Selection = Selection()) -> Sure:
    """Decide by id, title and custom GPT what is pending; projects met for the first time are registered."""
    assignments.settle(archive)
    take_over_names(archive, settings)
    current = hashes(archive, settings)
    looked = look(archive, current, selection)
    titled = titles.named_in(archive, settings, looked)
    if selection.limit is None:
        looked += look(archive, current, Selection(ids=tuple(titled.followers), force=True))
    if not looked:
        return Sure()
    found = read_clues(archive, settings, looked, titled)
    new = registry.register(archive, _used_refs(found))
    registry.ensure_named(archive, _gpt_names(archive, settings))
    named = [*titled.sure.values(), *titled.alone.values()]
    registry.ensure_named(archive, named, source=titles.name_source(settings))
    decisions = decide_sure(archive, looked, found)
    decided = {decision.conversation_id for decision in decisions}
    changed = assignments.record(archive, decisions, current.rules, current.orphans)
    left = {one.conversation_id for one in looked} - decided
    if decided and selection.limit is None:  # there is more to learn from now: older orphans are asked about again
        left |= {row.id for row in _pending(archive, hashes(archive, settings), selection)} - decided
    return Sure(decided=len(decided), changed=changed, left=sorted(left), new_projects=new)


def take_over_names(archive: Archive, settings: ProjectSettings) -> None:
    """Read the settings' file of names, if it says something else than when it was read last."""
    if settings.names:
        project_names.take_over_changed(archive, Path(settings.names).expanduser())


def look(archive: Archive, current: Hashes, selection: Selection) -> list[Looked]:
    """What the sure rules see of every conversation that is pending."""
    into = history.successors(archive)
    return [
        Looked(
            conversation_id=row.id,
            content_hash=row.content_hash,
            title=row.title,
            project_ref=row.project_ref,
            gpt_ref=row.gpt_ref,
            message_refs=_message_refs(row.extra),
            rejected=rejected_of(row, into),
        )
        for row in _pending(archive, current, selection)
    ]


def _pending(archive: Archive, current: Hashes, selection: Selection) -> Iterable[Row[Any]]:
    return assignments.pending(
        archive,
        current.rules,
        current.orphans,
        selection.clause(archive),
        limit=selection.limit,
        force=selection.force,
    )


def rejected_of(row: Row[Any], into: Mapping[str, str]) -> tuple[str, ...]:
    """The projects a person ruled out for a conversation, and those that they were merged into."""
    return tuple(
        id for project in assignments.rejected_in(row.evidence) for id in {project, into.get(project, project)}
    )


def _message_refs(extra: str) -> tuple[str, ...]:
    if "message_gizmo_ids" not in extra:
        return ()
    found = from_json(extra).get("message_gizmo_ids")
    return tuple(ref for ref in found if isinstance(ref, str)) if isinstance(found, list) else ()


def read_clues(archive: Archive, settings: ProjectSettings, looked: Sequence[Looked], titled: Titled) -> list[Clue]:
    """Every ref that the conversations name; a name that one title alone has is left out."""
    gpts = gpt_refs(archive, settings)
    found: list[Clue] = []
    for one in looked:
        named = titles.ref_of(one.title, settings)
        found += rules.clues(one, named[0] if named and named[0] not in titled.alone else None, gpts=gpts)
    return found


def gpt_refs(archive: Archive, settings: ProjectSettings) -> dict[str, str]:
    """The settings' custom GPTs, each with a ref of the project it stands for."""
    known = registry.names(archive).keys() | registry.refs(archive).keys()
    return {gpt: named if named in known else registry.title_ref(named) for gpt, named in settings.gpts.items()}


def _gpt_names(archive: Archive, settings: ProjectSettings) -> list[str]:
    known = registry.names(archive).keys() | registry.refs(archive).keys()
    return [named for named in settings.gpts.values() if named not in known]


def _used_refs(found: Iterable[Clue]) -> set[str]:
    return {clue.ref for clue in found if clue.rule == "id"}


def decide_sure(
    archive: Archive, looked: Sequence[Looked], found: Sequence[Clue], extra_refs: Mapping[str, str] | None = None
) -> list[Decision]:
    """A decision for each conversation that a sure rule knows a project for."""
    known = {**registry.refs(archive), **{id: id for id in registry.names(archive)}, **(extra_refs or {})}
    frame = rules.decide(looked, found, known)
    return [
        Decision(
            conversation_id=row["conversation_id"],
            content_hash=row["content_hash"],
            rule=row["rule"],
            project_id=row["project_id"],
            confidence=row["confidence"],
            evidence=rules.evidence(row),
        )
        for row in frame.iter_rows(named=True)
    ]
