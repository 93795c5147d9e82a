"""Names for projects: taken over from lists that a person brings, or proposed by a namer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.memory import recall, remember
from commonplace.archive.projects import history, names, registry
from commonplace.errors import Halt, Refused
from commonplace.model import Project, Usage
from commonplace.projects import listings
from commonplace.projects.contract import Proposal, Unnamed
from commonplace.stages.mapping import naming
from commonplace.stages.mapping.naming import Asked
from commonplace.stages.mapping.using import Assigning
from commonplace.stages.work import IN_PROCESS, Chunk, Work, through

_TITLES = 100


class Inferred(msgspec.Struct, frozen=True, kw_only=True):
    """Which projects got a proposed name, what that took, and why it was not all of them."""

    named: list[str]
    usage: Usage = Usage()
    problems: list[str] = []


class NamesReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of names did: ids of projects."""

    source: str
    created: list[str]
    renamed: list[str]
    unchanged: list[str]
    merged: list[str]
    """Known by their titles alone until the list gave their name to an id of ChatGPT's."""


def take_over(archive: Archive, text: str) -> NamesReport:
    """Take over the names of a sidebar's JSON or a `projects.toml`."""
    source, found = listings.parse(text)
    applied = names.apply(archive, found, source)
    merged = _join_namesakes(archive, found)
    return NamesReport(source=source, merged=merged, **msgspec.structs.asdict(applied))


def _join_namesakes(archive: Archive, found: Sequence[Project]) -> list[str]:
    """`[Garden] Roses` and the project that the sidebar calls Garden are one, also where the title was there first."""
    titled = {registry.title_ref(project.name): project.id for project in found if project.id.startswith("g-p-")}
    loaded = registry.load(archive)
    owner_of = {ref: project.id for project in loaded for ref in project.refs}
    by_titles_alone = {
        project.id for project in loaded if all(ref.startswith(registry.TITLE_REF) for ref in project.refs)
    }
    joined = []
    for ref, gizmo in titled.items():
        source, target = owner_of.get(ref), owner_of.get(gizmo)
        if source and target and source != target and source in by_titles_alone and source not in joined:
            history.merge(archive, source, target)
            joined.append(source)
    return joined


def take_over_changed(archive: Archive, path: Path) -> NamesReport | None:
    """Take over a file of names, unless its content was taken over before: later corrections stand."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise Refused(f"The file of project names, {path}, cannot be read.", hint="See [projects] names.") from exc
    key, digest = f"projects.names:{archive.owner}", hashlib.sha256(text.encode()).hexdigest()
    if recall(archive, key) == digest:
        return None
    report = take_over(archive, text)
    remember(archive, key, digest)
    return report


def unnamed(archive: Archive, project_ids: Sequence[str] | None = None) -> list[Unnamed]:
    """What a namer is asked: projects known by an id alone, or those named here if no person named them."""
    sources = ("id",) if project_ids is None else ("id", "inferred")
    wanted = None if project_ids is None else set(project_ids)
    asked = [
        project
        for project in registry.load(archive)
        if project.name_source in sources and (wanted is None or project.id in wanted)
    ]
    titles = registry.titles(archive, most=_TITLES) if asked else {}
    return [
        Unnamed(project_id=project.id, titles=tuple(titles[project.id]), instructions=project.instructions)
        for project in asked
        if project.id in titles
    ]


def record(archive: Archive, proposals: Sequence[Proposal]) -> list[str]:
    """Keep proposed names, marked `inferred`; never over a better one. Equal names are told apart by a number."""
    taken = {project.name.casefold(): project.id for project in registry.load(archive)}
    named: list[Project] = []
    for proposal in proposals:
        name, number = proposal.name, 2
        while taken.get(name.casefold(), proposal.project_id) != proposal.project_id:
            name, number = f"{proposal.name} ({number})", number + 1
        taken[name.casefold()] = proposal.project_id
        named.append(Project(id=proposal.project_id, name=name, description=proposal.description))
    return names.apply(archive, named, "inferred").renamed


def ask_names(using: Assigning, *, ids: list[str]) -> Asked:
    """Have a batch of projects named. The names go to a private file."""
    return naming.ask(using.naming, unnamed(using.archive, ids))


def record_names(using: Assigning, *, ids: list[str]) -> list[str]:
    """Keep what the namer proposed for these projects; which ones got a name."""
    waiting = unnamed(using.archive, ids)
    return record(using.archive, naming.said(using.naming, waiting)) if waiting else []


def infer(
    using: Assigning,
    project_ids: Sequence[str] | None = None,
    *,
    again: bool = False,
    spent: float = 0.0,
    work: Work = IN_PROCESS,
) -> Inferred:
    """Ask the namer what is not known yet, and keep what it says.

    `again`: ask also what was answered before. `spent`: by this run, on other things. What could not be asked is left
    for the next time, and said.
    """
    waiting = unnamed(using.archive, project_ids)
    planned = naming.plan(using.naming, waiting, again=again, spent=spent)
    batches = {tuple(project.project_id for project in batch): batch for batch in planned.batches}
    problems = [planned.stopped] if planned.stopped else []
    usage = Usage()

    def add(_: Chunk, asked: Asked | None) -> None:
        nonlocal usage
        usage += asked.usage if asked else Usage()
        problems.extend([asked.problem] if asked and asked.problem else [])

    try:
        through(
            work,
            ask_names,
            using,
            list(batches),
            label="names",
            on_end=add,
            errors=problems,
            question=lambda chunk: naming.cache_key(using.naming, batches[tuple(chunk)]),
        )
    except Halt as halt:
        using.archive.check()
        problems.append(str(halt))
    named = work.do(record_names, using, ids=[project.project_id for project in waiting]) if waiting else []
    return Inferred(named=named, usage=usage, problems=problems)
