"""Projects that titles name by convention: `[Garden] Roses`.

Two titles that share a name, or one that names a known project, are sure. A name in one title alone becomes a
suggestion, and sure as soon as a second one says it: then the first follows. A person who set patterns of their own is
taken at their word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import select

from commonplace.archive.core import Archive
from commonplace.archive.projects import assignments, registry
from commonplace.archive.projects.assignments import Decision
from commonplace.archive.projects.registry import NameSource
from commonplace.archive.schema import conversations
from commonplace.config import ProjectSettings
from commonplace.projects import rules
from commonplace.projects.rules import Looked
from commonplace.projects.title_names import is_name

ALONE = 0.5
"""How sure a suggestion is that one title makes."""


class Titled(msgspec.Struct, frozen=True):
    """What titles name: refs with the name as it was first written."""

    sure: dict[str, str] = {}
    alone: dict[str, str] = {}
    followers: list[str] = []
    """Earlier conversations whose name has become sure since."""


def ref_of(title: str | None, settings: ProjectSettings) -> tuple[str, str] | None:
    """The ref and the name of the project that a title names."""
    name = rules.name_in_title(title, rules.title_patterns(settings))
    return (registry.title_ref(name), name) if name and (is_asked_for(settings) or is_name(name)) else None


def is_asked_for(settings: ProjectSettings) -> bool:
    """Whether a person said what in a title names a project."""
    return settings.title_patterns != ProjectSettings().title_patterns


def name_source(settings: ProjectSettings) -> NameSource:
    """Whose word the names in titles are."""
    return "person" if is_asked_for(settings) else "title"


def named_in(archive: Archive, settings: ProjectSettings, looked: Sequence[Looked]) -> Titled:
    """What the titles of these conversations name."""
    names: dict[str, str] = {}
    for one in looked:
        if named := ref_of(one.title, settings):
            names.setdefault(*named)
    in_use = registry.refs_in_use(archive)
    unknown = set() if is_asked_for(settings) else names.keys() - in_use
    saying = _saying(archive, settings, unknown) if unknown else {}
    alone = {ref for ref in unknown if len(saying.get(ref, ())) < 2}
    followers = {id for ref in unknown - alone for id in saying[ref]}
    followers |= {id for id, ref in assignments.suggested_by_title(archive).items() if ref in in_use}
    return Titled(
        sure={ref: name for ref, name in names.items() if ref not in alone},
        alone={ref: name for ref, name in names.items() if ref in alone},
        followers=sorted(followers - {one.conversation_id for one in looked}),
    )


def _saying(archive: Archive, settings: ProjectSettings, refs: Iterable[str]) -> dict[str, list[str]]:
    """Which conversations' titles say each of these names."""
    wanted = set(refs)
    found: dict[str, list[str]] = {}
    table = conversations.c
    with archive.read() as connection:
        for row in connection.execute(select(table.id, table.title).where(table.owner == archive.owner)):
            named = ref_of(row.title, settings)
            if named and named[0] in wanted:
                found.setdefault(named[0], []).append(row.id)
    return found


def suggest(
    archive: Archive, settings: ProjectSettings, decisions: Sequence[Decision], titles: dict[str, str | None]
) -> list[Decision]:
    """The same decisions; an orphan with nothing better gets what its title alone names."""
    refs = registry.refs(archive)

    def suggested(decision: Decision) -> Decision:
        named = ref_of(titles.get(decision.conversation_id), settings)
        if decision.rule != "orphan" or decision.suggested_project_id or named is None or named[0] not in refs:
            return decision
        return msgspec.structs.replace(
            decision,
            evidence={**decision.evidence, "ref": named[0], "said_by": "title"},
            suggested_project_id=refs[named[0]],
            suggestion_confidence=ALONE,
        )

    return [suggested(decision) for decision in decisions]
