"""What a mapping would do, as a frame, and nothing of it done."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.projects import lookup, registry, vectors
from commonplace.archive.projects.assignments import Change, Decision
from commonplace.config import ProjectSettings
from commonplace.projects import terms
from commonplace.stages.mapping import similar, sure, titles
from commonplace.stages.mapping.report import RULES, MapReport
from commonplace.stages.selection import Selection

if TYPE_CHECKING:
    import polars as pl


class Preview(msgspec.Struct, frozen=True):
    """Every decision a mapping would make, and the report it would leave of these."""

    decisions: list[Decision]
    report: MapReport
    names: dict[str, str]
    """Of the projects concerned, those that would be new included."""

    def frame(self) -> pl.DataFrame:
        """One row for each conversation that would be decided."""
        import polars as pl

        rows = [
            (
                one.conversation_id,
                one.rule,
                self.names.get(one.project_id or "", one.project_id),
                one.confidence,
                self.names.get(one.suggested_project_id or "", one.suggested_project_id),
                one.suggestion_confidence,
            )
            for one in self.decisions
        ]
        text, number = pl.String, pl.Float64
        schema = {
            "conversation_id": text,
            "rule": text,
            "project": text,
            "confidence": number,
            "suggested": text,
            "suggestion_confidence": number,
        }
        return pl.DataFrame(rows, schema=schema, orient="row")


def preview(archive: Archive, settings: ProjectSettings, selection: Selection = Selection()) -> Preview:
    """What `map_projects` would decide now. Only vectors are kept: they say nothing of projects and cost time."""
    looked = sure.look(archive, sure.hashes(archive, settings), selection)
    titled = titles.named_in(archive, settings, looked)
    looked += sure.look(archive, sure.hashes(archive, settings), Selection(ids=tuple(titled.followers), force=True))
    found = sure.read_clues(archive, settings, looked, titled)
    names = registry.names(archive)
    known = registry.refs(archive)
    new = {clue.ref: registry.placeholder(clue.ref) for clue in found if clue.rule == "id" and clue.ref not in known}
    wanted = [*titled.sure.values(), *settings.gpts.values()]
    new.update((registry.title_ref(name), name) for name in wanted if not lookup.is_known(archive, name))
    refs = {ref: registry.project_id_for(ref) for ref in new}
    refs.update((registry.title_ref(name), id) for id, name in names.items() if registry.title_ref(name) not in known)
    decisions = sure.decide_sure(archive, looked, found, refs)
    decided = {one.conversation_id: one.project_id or "" for one in decisions}
    left = [one.conversation_id for one in looked if one.conversation_id not in decided]
    decisions += _similar(archive, settings, left, decided)
    names |= {refs[ref]: name for ref, name in new.items()}
    names |= {registry.project_id_for(registry.title_ref(name)): name for name in settings.sources.values()} | names
    return Preview(decisions, _report(archive, decisions), names)


def _similar(archive: Archive, settings: ProjectSettings, left: list[str], decided: dict[str, str]) -> list[Decision]:
    model = None
    if settings.similarity and left:
        others = [id for id in similar.unsorted(archive) if id not in decided]
        similar.compute(archive, vectors.missing(archive, terms.KIND, sorted({*left, *decided, *others})))
        taught = {row.id: row for row in similar.teachers(archive)}
        taught |= {row.id: row for row in vectors.described(archive, terms.KIND, sorted(decided))}
        model = similar.learn_from(archive, settings, list(taught.values()), others, decided)
    return similar.decide_similar(archive, settings, model, left)


def _report(archive: Archive, decisions: list[Decision]) -> MapReport:
    rules: Counter[str] = Counter(one.rule for one in decisions)
    suggested = sum(one.suggested_project_id is not None for one in decisions)
    placed = registry.projects_of(archive, [one.conversation_id for one in decisions])
    return MapReport(
        assigned={rule: rules.get(rule, 0) for rule in RULES},
        suggested=suggested,
        orphans=rules.get("orphan", 0) - suggested,
        conversations=len(decisions),
        decided=len(decisions),
        changed=[
            Change(
                conversation_id=one.conversation_id,
                before=placed.get(one.conversation_id),
                after=one.project_id,
                rule=one.rule,
            )
            for one in decisions
            if placed.get(one.conversation_id) != one.project_id
        ],
        dry_run=True,
    )
