"""The verbs of `commonplace projects`: one function each, plain data in and out.

Projects are named as a person types them (a name in any case, an id or its beginning, a ref); conversations likewise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from commonplace.archive.conversations import reading
from commonplace.archive.core import Archive
from commonplace.archive.projects import assignments, history, lookup, registry
from commonplace.archive.projects.assignments import Change
from commonplace.archive.projects.assistants import Assistant
from commonplace.archive.scope import Scope
from commonplace.errors import Refused
from commonplace.model import Project
from commonplace.moments import to_iso
from commonplace.projects import listings
from commonplace.projects.naming import KeyPhrases
from commonplace.stages.mapping import merges, project_names
from commonplace.stages.mapping.naming import Naming
from commonplace.stages.mapping.using import Assigning

Plain = dict[str, Any]
_SHOWN = 50


def list_projects(archive: Archive) -> list[Plain]:
    """Every project with its counts, where its name is from, and its newest titles; the largest first."""
    return [_listed(one) for one in registry.list_projects(archive)]


def show(archive: Archive, project: str | Project, *, limit: int = _SHOWN) -> Plain:
    """A project with its newest conversations, its ids and what happened to it."""
    found = project if isinstance(project, Project) else lookup.find_project(archive, project)
    entries = reading.list_conversations(archive, Scope(project=found.id), limit=limit)
    (listed,) = registry.list_projects(archive, only=found)
    newest = [
        {"id": one.id, "title": one.title, "updated_at": to_iso(one.updated_at), "category": one.category}
        for one in entries
    ]
    events = [_event(event) for event in history.history(archive, project_id=found.id, limit=limit)]
    return {**_listed(listed), "newest": newest, "history": events}


def rename(archive: Archive, project: str, name: str | None = None, *, description: str | None = None) -> Plain:
    """A person's name for a project. Without one the name it has is confirmed."""
    found = lookup.find_project(archive, project)
    wanted = " ".join((name or found.name).split())
    namesakes = [
        other.id
        for other in registry.load(archive)
        if other.name.casefold() == wanted.casefold() and other.id != found.id
    ]
    if namesakes:
        raise Refused(
            f"There is another project of that name ({namesakes[0]}).",
            hint=f"If they are one: commonplace projects merge {found.id} {namesakes[0]}",
        )
    return _event(history.rename(archive, found.id, wanted, description=description))


def merge(archive: Archive, source: str, target: str) -> Plain:
    """Everything of one project becomes the other's."""
    found = lookup.find_project(archive, source), lookup.find_project(archive, target)
    return _event(history.merge(archive, found[0].id, found[1].id))


def split(archive: Archive, project: str, name: str, *, ids: Sequence[str] = (), refs: Sequence[str] = ()) -> Plain:
    """A new project of some of a project's conversations, or of some of its ids with what came under them."""
    found = lookup.find_project(archive, project)
    wanted = [reading.find_conversation(archive, id) for id in ids]
    moved = [_ref_meant(ref, found.refs) for ref in refs]
    return _event(history.split(archive, found.id, name, ids=wanted, refs=moved))


def _ref_meant(typed: str, refs: Sequence[str]) -> str:
    """The one of a project's ids that begins so; what is typed, where that is none or several."""
    begun = [ref for ref in refs if ref.startswith(typed)]
    return begun[0] if len(begun) == 1 and typed not in refs else typed


def undo(archive: Archive, event: str | None = None) -> Plain:
    """Undo what a person did to projects; without an id the newest that stands."""
    return _event(history.undo(archive, event))


def create(archive: Archive, name: str) -> Plain:
    """A project of this name, new or known."""
    project_id = registry.ensure_named(archive, [name])[registry.title_ref(name)]
    return {"id": project_id, "name": registry.names(archive)[project_id]}


def assign(archive: Archive, project: str, ids: Sequence[str], *, new: bool = False) -> Plain:
    """These conversations are in this project, whatever a rule says. `new`: make the project if there is none."""
    if new and not lookup.is_known(archive, project):
        create(archive, project)
    found = lookup.find_project(archive, project)
    wanted = {reading.find_conversation(archive, id): found.id for id in ids}
    return _changed(assignments.assign(archive, wanted), asked=len(wanted))


def assign_several(archive: Archive, project: str, ids: Sequence[str]) -> Plain:
    """The same of many, as one event that is undone as a whole."""
    if not lookup.is_known(archive, project):
        create(archive, project)
    return _event(history.assign(archive, lookup.find_project(archive, project).id, ids))


def unassign(archive: Archive, ids: Sequence[str], *, to_rules: bool = False) -> Plain:
    """These conversations are in no project, whatever a rule says. `to_rules`: let the rules decide again instead."""
    found = [reading.find_conversation(archive, id) for id in ids]
    if to_rules:
        return _changed(assignments.release(archive, found), asked=len(found))
    return _changed(assignments.assign(archive, dict.fromkeys(found)), asked=len(found))


def suggest(archive: Archive, *, project: str | None = None, above: float = 0.0, limit: int = _SHOWN) -> list[Plain]:
    """What similarity suggests but is not sure enough of, the surest first."""
    project_id = lookup.find_project(archive, project).id if project else None
    return [
        {**msgspec.structs.asdict(one), "created_at": to_iso(one.created_at)}
        for one in assignments.suggestions(archive, project_id=project_id, above=above, limit=limit)
    ]


def accept(
    archive: Archive, ids: Sequence[str] = (), *, project: str | None = None, above: float | None = None
) -> Plain:
    """The suggestions for these conversations are right; or all for a project, or all that are this sure."""
    wanted = _suggested(archive, ids, project, above)
    return _changed(assignments.assign(archive, wanted), asked=len(wanted))


def reject(archive: Archive, ids: Sequence[str] = (), *, project: str | None = None) -> Plain:
    """Not this project: what is suggested for these conversations, or what a rule assigned, is never said again."""
    if project is not None and not ids:
        ids = list(_suggested(archive, (), project, None))
    elif not ids:
        raise Refused("Nothing was named to reject.", hint="Name conversations, or --project.")
    found = [reading.find_conversation(archive, id) for id in ids]
    return _changed(assignments.reject(archive, found), asked=len(found))


def _suggested(archive: Archive, ids: Sequence[str], project: str | None, above: float | None) -> dict[str, str | None]:
    if not ids and project is None and above is None:
        raise Refused("Nothing was named to accept.", hint="Name conversations, --project or --above.")
    project_id = lookup.find_project(archive, project).id if project else None
    waiting = assignments.suggestions(archive, project_id=project_id, above=above or 0.0)
    open_ones: dict[str, str | None] = {one.conversation_id: one.project_id for one in waiting}
    if not ids:
        return open_ones
    found = [reading.find_conversation(archive, id) for id in ids]
    missing = [id for id in found if id not in open_ones]
    if missing:
        raise Refused(f"Nothing is suggested for {missing[0]!r}.", hint="Use `commonplace projects assign`.")
    return {id: open_ones[id] for id in found}


def precisions(archive: Archive, shares: Sequence[float]) -> list[Plain]:
    """How many suggestions are at least so sure, and what share of those is right: as sure as they are on average,
    which was measured on conversations whose project is known."""
    sure = [one.confidence for one in assignments.suggestions(archive, limit=None)]
    found = [(share, [one for one in sure if one >= share]) for share in shares]
    return [
        {"above": share, "suggestions": len(some), "precision": sum(some) / len(some)} for share, some in found if some
    ]


def set_assistant(archive: Archive, project: str, wanted: Assistant | None) -> Plain:
    """Another one; None: as the project's own instructions make it."""
    return _event(history.set_assistant(archive, lookup.find_project(archive, project).id, wanted))


def suggest_merges(archive: Archive, *, above: float = 0.0, limit: int = _SHOWN) -> list[Plain]:
    """Projects that seem to be one under several ids, the surest first."""
    return [msgspec.structs.asdict(one) for one in merges.proposals(archive, above=above)[:limit]]


def accept_merges(archive: Archive, *, above: float) -> Plain:
    """Merge all that are this sure; each is an event of its own, to be undone by itself."""
    return {"merged": [_event(event) for event in merges.accept(archive, above=above)]}


def reject_merge(archive: Archive, projects: Sequence[str]) -> Plain:
    """These two are not one."""
    return {"refused": list(merges.refuse(archive, projects))}


def import_names(archive: Archive, text: str) -> Plain:
    """Take over names from the sidebar's JSON or a `projects.toml`."""
    return msgspec.structs.asdict(project_names.take_over(archive, text))


def infer_names(
    archive: Archive,
    projects: Sequence[str] = (),
    *,
    using: Naming = Naming(namer=KeyPhrases()),
    every: bool = False,
    again: bool = False,
) -> Plain:
    """Propose names for all projects that have none, or for these, or for `every` one whose name was only proposed; a
    person's and the sidebar's stay. `again`: ask also where the titles are what they were."""
    ids: list[str] | None = [lookup.find_project(archive, project).id for project in projects] or None
    if every and ids is None:
        ids = [one.id for one in registry.load(archive)]
    done = project_names.infer(Assigning(archive=archive, naming=using), ids, again=again)
    current = registry.names(archive)
    named = [{"id": project_id, "name": current[project_id]} for project_id in done.named]
    return {"named": named, "cost_usd": round(done.usage.cost_usd, 6), "problems": done.problems}


def export(archive: Archive, *, form: Literal["toml", "json"] = "toml") -> str:
    """The registry as a `projects.toml` that `import-names` reads, or as JSON."""
    loaded = registry.load(archive)
    if form == "toml":
        return listings.to_toml([msgspec.structs.replace(one, refs=_shown_refs(one.refs)) for one in loaded])
    return msgspec.json.format(msgspec.json.encode(loaded), indent=2).decode() + "\n"


def _listed(one: registry.Listed) -> Plain:
    told = {"refs": _shown_refs(one.refs), "first_at": to_iso(one.first_at), "last_at": to_iso(one.last_at)}
    return {**msgspec.structs.asdict(one), **told}


def _shown_refs(refs: Sequence[str]) -> list[str]:
    return [ref for ref in refs if not ref.startswith(registry.SPLIT_REF)]


def _event(event: history.Event) -> Plain:
    """Without the long lists that undoing needs: how many they hold."""
    detail = {key: len(value) if isinstance(value, list | dict) else value for key, value in event.detail.items()}
    return {
        "id": event.id,
        "kind": event.kind,
        "detail": detail,
        "happened_at": to_iso(event.happened_at),
        "undone_at": to_iso(event.undone_at),
    }


def _changed(changes: Sequence[Change], *, asked: int) -> Plain:
    return {"asked": asked, "moved": len(changes), "changed": [msgspec.structs.asdict(change) for change in changes]}
