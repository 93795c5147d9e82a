"""What people do to projects (merge, split, rename, set an assistant, assign many), so that each can be undone.

An event says what it moved. Undoing moves back what is still where the event put it; what was moved again since then,
by a person or by another event, stays where it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import Connection, Row, delete, select, update

from commonplace.archive.core import Archive
from commonplace.archive.projects import assignments as words
from commonplace.archive.projects import assistants, names, registry
from commonplace.archive.rows import add, batched, from_json, to_json
from commonplace.archive.schema import assignments, conversations, project_events, project_refs, projects
from commonplace.errors import NotThere, Refused
from commonplace.moments import now

_MOVABLE = ("project_id", "rule", "confidence", "evidence", "rules_hash", "content_hash")


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, and what it takes to undo it."""

    id: str
    kind: str
    detail: dict[str, Any]
    happened_at: int
    undone_at: int | None = None


def merge(archive: Archive, source_id: str, target_id: str) -> Event:
    """Everything of `source_id` is `target_id`'s from now on: conversations, refs, suggestions, its name in titles."""
    if source_id == target_id:
        raise Refused("A project cannot be merged into itself.")
    with archive.write() as connection:
        source = _project(connection, archive.owner, source_id)
        _project(connection, archive.owner, target_id)
        owned = assignments.c.owner == archive.owner
        members = _ids(connection, owned & (assignments.c.project_id == source_id))
        suggested = _ids(connection, owned & (assignments.c.suggested_project_id == source_id))
        registry.add_refs(connection, archive.owner, {registry.title_ref(source.name): source_id})
        refs = [ref for ref, id in registry.refs_of(connection, archive.owner).items() if id == source_id]
        _move_refs(connection, archive.owner, refs, target_id)
        _move(connection, archive.owner, members, source_id, target_id)
        _move_suggestions(connection, archive.owner, suggested, source_id, target_id)
        _set(connection, archive.owner, source_id, merged_into=target_id, status=registry.MERGED)
        detail = {
            "source": source_id,
            "target": target_id,
            "status": source.status,
            "refs": refs,
            "members": members,
            "suggested": suggested,
        }
        return _note(connection, archive.owner, "merge", detail)


def split(
    archive: Archive, project_id: str, name: str, *, ids: Collection[str] = (), refs: Collection[str] = ()
) -> Event:
    """A new project of some of a project's conversations, by a person's word, and of some of its refs.

    What an id put into the project moves along with that id; what is named in `ids` moves whatever put it there.
    """
    cleaned = " ".join(name.split())
    with archive.write() as connection:
        _project(connection, archive.owner, project_id)
        known = registry.refs_of(connection, archive.owner)
        foreign = [ref for ref in refs if known.get(ref) != project_id]
        if foreign:
            raise Refused(
                f"{foreign[0]!r} is not an id of this project.", hint="`commonplace projects show` lists them."
            )
        in_project = (assignments.c.owner == archive.owner) & (assignments.c.project_id == project_id)
        members = {row.conversation_id: row for row in connection.execute(select(assignments).where(in_project))}
        strangers = [id for id in ids if id not in members]
        if strangers:
            raise Refused(f"{strangers[0]!r} is not in this project.", hint="Assign it instead.")
        led = [id for id, row in members.items() if row.rule != "person" and from_json(row.evidence).get("ref") in refs]
        moved = sorted({*ids, *led})
        if not cleaned or not (moved or refs):
            raise Refused("A split needs a name and conversations or ids to move.")
        event_id = uuid4().hex
        new_id = registry.add_project(connection, archive.owner, f"{registry.SPLIT_REF}{event_id}", cleaned)
        _move_refs(connection, archive.owner, refs, new_id)
        before = {id: _movable(members[id]) for id in moved}
        _restore(connection, archive.owner, {id: {**before[id], "project_id": new_id} for id in led})
        by_person = {"project_id": new_id, "rule": "person", "confidence": 1.0, "rules_hash": "person"}
        _restore(connection, archive.owner, {id: {**before[id], **by_person} for id in ids})
        detail = {"project": project_id, "new": new_id, "refs": sorted(refs), "before": before}
        return _note(connection, archive.owner, "split", detail, event_id)


def rename(archive: Archive, project_id: str, name: str, *, description: str | None = None) -> Event:
    """A person's name for a project. Titles that use the old one still mean it."""
    cleaned = " ".join(name.split())
    if not cleaned:
        raise Refused("A project needs a name.")
    with archive.write() as connection:
        before = _project(connection, archive.owner, project_id)
        names.rename_in(connection, archive.owner, project_id, cleaned, "person", description=description)
        said = {name: getattr(before, name) for name in ("name", "name_source", "description")}
        after = {"name": cleaned, "description": before.description if description is None else description}
        return _note(connection, archive.owner, "rename", {"project": project_id, "before": said, **after})


def set_assistant(archive: Archive, project_id: str, wanted: assistants.Assistant | None) -> Event:
    """A project's assistant; None: as if nobody had set one."""
    with archive.write() as connection:
        _project(connection, archive.owner, project_id)
        before = assistants.kept_for(connection, archive.owner, project_id)
        after = None if wanted is None else msgspec.json.encode(wanted).decode()
        if before == after:
            raise Refused("This is how the assistant is.")
        assistants.keep(connection, archive.owner, project_id, after)
        detail = {"project": project_id, "before": before, "after": after}
        return _note(connection, archive.owner, "assistant", detail)


def assign(archive: Archive, project_id: str, ids: Sequence[str]) -> Event:
    """A person's word on several at once: they are in this project. Noted first, so that half of it can be undone."""
    with archive.write() as connection:
        _project(connection, archive.owner, project_id)
        before: dict[str, Any] = dict.fromkeys(ids)
        for batch in batched(ids):
            where = (assignments.c.owner == archive.owner) & assignments.c.conversation_id.in_(batch)
            rows = connection.execute(select(assignments).where(where))
            before |= {row.conversation_id: _movable(row) for row in rows}
        event = _note(connection, archive.owner, "assign", {"project": project_id, "before": before})
    words.assign(archive, dict.fromkeys(ids, project_id))
    return event


def history(archive: Archive, *, project_id: str | None = None, limit: int | None = None) -> list[Event]:
    """What happened to projects, the newest first."""
    query = select(project_events).where(project_events.c.owner == archive.owner)
    query = query.order_by(project_events.c.happened_at.desc(), project_events.c.id)
    with archive.read() as connection:
        events = [_event(row) for row in connection.execute(query)]
    named = ("source", "target", "project", "new")
    found = [one for one in events if project_id is None or project_id in (one.detail.get(key) for key in named)]
    return found[:limit]


def undo(archive: Archive, event_id: str | None = None) -> Event:
    """Undo an event; without an id the newest one that stands."""
    with archive.write() as connection:
        query = select(project_events).where(project_events.c.owner == archive.owner)
        if event_id is None:
            query = query.where(project_events.c.undone_at.is_(None))
        else:
            query = query.where(project_events.c.id.startswith(event_id, autoescape=True))
        row = connection.execute(query.order_by(project_events.c.happened_at.desc()).limit(1)).one_or_none()
        if row is None:
            raise Refused("There is nothing to undo.", hint="`commonplace projects show` lists what happened.")
        event = _event(row)
        if event.undone_at is not None:
            raise Refused("This has been undone already.")
        _UNDO[event.kind](connection, archive.owner, event.detail)
        if event.kind == "merge":
            _ask_again(connection, archive.owner, event.detail["target"], since=event.happened_at)
        undone = now()
        where = (project_events.c.owner == archive.owner) & (project_events.c.id == event.id)
        connection.execute(update(project_events).where(where).values(undone_at=undone))
        return msgspec.structs.replace(event, undone_at=undone)


def _undo_merge(connection: Connection, owner: str, detail: Mapping[str, Any]) -> None:
    source_id, target_id = detail["source"], detail["target"]
    _set(connection, owner, source_id, merged_into=None, status=detail["status"])
    _move_refs(connection, owner, detail["refs"], source_id, only_of=target_id)
    _move(connection, owner, detail["members"], target_id, source_id)
    _move_suggestions(connection, owner, detail["suggested"], target_id, source_id)


def _ask_again(connection: Connection, owner: str, project_id: str, *, since: int) -> None:
    """What a rule brought in while the two were one may belong to the other: the next mapping decides it anew."""
    meanwhile = (assignments.c.project_id == project_id) & (assignments.c.assigned_at >= since)
    by_rule = (assignments.c.owner == owner) & meanwhile & (assignments.c.rule != "person")
    connection.execute(update(assignments).where(by_rule).values(rules_hash=""))


def _undo_split(connection: Connection, owner: str, detail: Mapping[str, Any]) -> None:
    project_id, new_id = detail["project"], detail["new"]
    still_there = set(_ids(connection, (assignments.c.owner == owner) & (assignments.c.project_id == new_id)))
    _restore(connection, owner, {id: values for id, values in detail["before"].items() if id in still_there})
    later = sorted(still_there - detail["before"].keys())
    _move(connection, owner, later, new_id, project_id)
    every = [ref for ref, id in registry.refs_of(connection, owner).items() if id == new_id]
    _move_refs(connection, owner, every, project_id, only_of=new_id)
    suggested = _ids(connection, (assignments.c.owner == owner) & (assignments.c.suggested_project_id == new_id))
    _move_suggestions(connection, owner, suggested, new_id, project_id)
    _set(connection, owner, new_id, merged_into=project_id, status=registry.MERGED)


def _undo_rename(connection: Connection, owner: str, detail: Mapping[str, Any]) -> None:
    project = _project(connection, owner, detail["project"])
    if any(getattr(project, said) != detail[said] for said in ("name", "description") if said in detail):
        raise Refused("The project has been renamed again since then.")
    _set(connection, owner, detail["project"], **detail["before"])


def _undo_assistant(connection: Connection, owner: str, detail: Mapping[str, Any]) -> None:
    if assistants.kept_for(connection, owner, detail["project"]) != detail["after"]:
        raise Refused("The assistant has been changed again since then.")
    assistants.keep(connection, owner, detail["project"], detail["before"])


def _undo_assign(connection: Connection, owner: str, detail: Mapping[str, Any]) -> None:
    in_it = (assignments.c.owner == owner) & (assignments.c.project_id == detail["project"])
    by_person = set(_ids(connection, in_it & (assignments.c.rule == "person")))
    before = {id: values for id, values in detail["before"].items() if id in by_person}
    _restore(connection, owner, {id: values for id, values in before.items() if values is not None})
    unknown = [id for id, values in before.items() if values is None]
    for batch in batched(unknown):
        where = (assignments.c.owner == owner) & assignments.c.conversation_id.in_(batch)
        connection.execute(delete(assignments).where(where))
    words.set_project(connection, owner, dict.fromkeys(unknown))


_UNDO = {
    "merge": _undo_merge,
    "split": _undo_split,
    "rename": _undo_rename,
    "assistant": _undo_assistant,
    "assign": _undo_assign,
}


def successors(archive: Archive) -> dict[str, str]:
    """For every project that was merged away, the one that stands for it now."""
    query = select(projects.c.id, projects.c.merged_into).where(
        projects.c.owner == archive.owner, projects.c.merged_into.is_not(None)
    )
    with archive.read() as connection:
        step = {row.id: row.merged_into for row in connection.execute(query)}
    found = {}
    for start in step:
        seen = {start}
        end = step[start]
        while end in step and end not in seen:
            seen.add(end)
            end = step[end]
        found[start] = end
    return found


def _project(connection: Connection, owner: str, project_id: str) -> Row[Any]:
    found = connection.execute(
        select(projects).where(projects.c.owner == owner, projects.c.id == project_id)
    ).one_or_none()
    if found is None:
        raise NotThere(f"There is no project {project_id!r}.", hint="`commonplace projects list` shows them.")
    if found.merged_into is not None:
        raise Refused(f"{project_id!r} was merged into {found.merged_into!r}.", hint="Undo the merge first.")
    return found


def _set(connection: Connection, owner: str, project_id: str, **values: Any) -> None:
    where = (projects.c.owner == owner) & (projects.c.id == project_id)
    connection.execute(update(projects).where(where).values(**values, updated_at=now()))


def _ids(connection: Connection, where: Any) -> list[str]:
    query = select(assignments.c.conversation_id).where(where).order_by(assignments.c.conversation_id)
    return list(connection.execute(query).scalars())


def _move(connection: Connection, owner: str, ids: Sequence[str], before: str, after: str) -> None:
    """Those of the conversations that are in one project into another, on the same grounds."""
    for batch in batched(ids):
        where = (assignments.c.owner == owner) & (assignments.c.project_id == before)
        in_batch = assignments.c.conversation_id.in_(batch)
        connection.execute(update(assignments).where(where & in_batch).values(project_id=after))
        where = (conversations.c.owner == owner) & (conversations.c.project_id == before)
        connection.execute(update(conversations).where(where & conversations.c.id.in_(batch)).values(project_id=after))


def _move_suggestions(connection: Connection, owner: str, ids: Sequence[str], before: str, after: str) -> None:
    for batch in batched(ids):
        where = (assignments.c.owner == owner) & (assignments.c.suggested_project_id == before)
        in_batch = assignments.c.conversation_id.in_(batch)
        connection.execute(update(assignments).where(where & in_batch).values(suggested_project_id=after))


def _move_refs(
    connection: Connection, owner: str, refs: Collection[str], project_id: str, *, only_of: str | None = None
) -> None:
    for batch in batched(sorted(refs)):
        where = (project_refs.c.owner == owner) & project_refs.c.ref.in_(batch)
        if only_of is not None:
            where &= project_refs.c.project_id == only_of
        connection.execute(update(project_refs).where(where).values(project_id=project_id))


def _movable(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _MOVABLE}


def _restore(connection: Connection, owner: str, wanted: Mapping[str, Mapping[str, Any]]) -> None:
    """Set the assignments of these conversations, and what the conversations say."""
    for id, values in wanted.items():
        where = (assignments.c.owner == owner) & (assignments.c.conversation_id == id)
        connection.execute(update(assignments).where(where).values(**values))
    words.set_project(connection, owner, {id: values["project_id"] for id, values in wanted.items()})


def _note(connection: Connection, owner: str, kind: str, detail: dict[str, Any], event_id: str | None = None) -> Event:
    event = Event(id=event_id or uuid4().hex, kind=kind, detail=detail, happened_at=now())
    row = {**msgspec.structs.asdict(event), "owner": owner, "detail": to_json(detail)}
    add(connection, project_events, [row])
    return event


def _event(row: Row[Any]) -> Event:
    return Event(
        id=row.id,
        kind=row.kind,
        detail=from_json(row.detail),
        happened_at=row.happened_at,
        undone_at=row.undone_at,
    )
