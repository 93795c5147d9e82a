"""What projects are called, and who said so.

A name knows where it is from, and a better source is never overwritten by a lesser one: a person, the sidebar of the
assistant, the titles of conversations, a proposal made from them, the bare id.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select, update

from commonplace.archive.core import Archive
from commonplace.archive.projects import registry
from commonplace.archive.schema import assignments, project_refs, projects
from commonplace.model import Project
from commonplace.moments import now

RANK: dict[str, int] = {"person": 4, "sidebar": 3, "title": 2, "inferred": 1, "id": 0}


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What names from elsewhere did: ids of projects."""

    created: list[str]
    renamed: list[str]
    unchanged: list[str]


def rename_in(
    connection: Connection,
    owner: str,
    project_id: str,
    name: str,
    source: str,
    *,
    description: str | None = None,
) -> None:
    """Give a project a name; names that a person or the sidebar gave stay known as what titles may use."""
    where = (projects.c.owner == owner) & (projects.c.id == project_id)
    before = connection.execute(select(projects).where(where)).one()
    values: dict[str, Any] = {"name": name, "name_source": source, "updated_at": now()}
    if description is not None:
        values["description"] = description
    connection.execute(update(projects).where(where).values(values))
    aliases = [name] if RANK[source] >= RANK["sidebar"] else []
    aliases += [before.name] if RANK[before.name_source] >= RANK["sidebar"] else []
    registry.add_refs(connection, owner, {registry.title_ref(alias): project_id for alias in aliases})


def apply(archive: Archive, found: Sequence[Project], source: registry.NameSource) -> Applied:
    """Take over names and descriptions that came from elsewhere, where `source` outranks what is known.

    Each project is known by its refs; one that is not known yet is created.
    """
    created: list[str] = []
    renamed: list[str] = []
    unchanged: list[str] = []
    with archive.write() as connection:
        known = registry.refs_of(connection, archive.owner) | _own_ids(connection, archive.owner)
        for project in found:
            project_id = next((known[ref] for ref in (project.id, *project.refs) if ref in known), None)
            if project_id is None:
                project_id = registry.add_projects(connection, archive.owner, {project.id: (project.name, source)})[0]
                created.append(project_id)
            new_refs = dict.fromkeys((ref for ref in (project.id, *project.refs) if ref not in known), project_id)
            registry.add_refs(connection, archive.owner, {ref: id for ref, id in new_refs.items() if ref != id})
            known |= new_refs
            is_changed = _take_over(connection, archive.owner, project_id, project, source)
            if project_id not in created:
                (renamed if is_changed else unchanged).append(project_id)
    return Applied(created=created, renamed=renamed, unchanged=unchanged)


def forget_names(connection: Connection, owner: str, concerned: Collection[str]) -> None:
    """Conversations of these projects were forgotten: so is what was made of their titles.

    A proposed name is proposed anew, by what is left; a project that titles alone made goes when nothing is left in it.
    """
    of_these = (projects.c.owner == owner) & projects.c.id.in_(concerned)
    by_project = registry.refs_by_project(connection, owner)
    for row in connection.execute(select(projects).where(of_these)).all():
        this = (projects.c.owner == owner) & (projects.c.id == row.id)
        if row.name_source == "inferred":
            ref = min(
                (ref for ref in by_project.get(row.id, []) if not ref.startswith(registry.TITLE_REF)), default=row.id
            )
            bare = {"name": registry.placeholder(ref), "name_source": "id", "description": None, "updated_at": now()}
            connection.execute(update(projects).where(this).values(bare))
        elif row.name_source == "title" and not _has_members(connection, owner, row.id):
            connection.execute(delete(projects).where(this))
            refs = (project_refs.c.owner == owner) & (project_refs.c.project_id == row.id)
            connection.execute(delete(project_refs).where(refs))


def forget_told(connection: Connection, owner: str, told_of: Collection[str]) -> None:
    """What a source said of these projects was forgotten: its name, unless a person gave it, and its instructions."""
    known = registry.refs_of(connection, owner)
    for ref in told_of:
        this = (projects.c.owner == owner) & (projects.c.id == known.get(ref, ""))
        row = connection.execute(select(projects).where(this)).one_or_none()
        if row is None:
            continue
        values: dict[str, Any] = {"instructions": None, "updated_at": now()}
        if row.name_source == "sidebar":
            values |= {"name": registry.placeholder(ref), "name_source": "id", "description": None}
            titled = (project_refs.c.project_id == row.id) & project_refs.c.ref.startswith(registry.TITLE_REF)
            connection.execute(delete(project_refs).where(project_refs.c.owner == owner, titled))
        connection.execute(update(projects).where(this).values(values))


def _has_members(connection: Connection, owner: str, project_id: str) -> bool:
    table = assignments.c
    meant = (table.project_id == project_id) | (table.suggested_project_id == project_id)
    query = select(table.conversation_id).where(table.owner == owner, meant).limit(1)
    return connection.execute(query).first() is not None


def _own_ids(connection: Connection, owner: str) -> dict[str, str]:
    """Every project's id as a ref of it; of one that was merged, the project that it was merged into."""
    query = select(projects.c.id, projects.c.merged_into).where(projects.c.owner == owner)
    into = {row.id: row.merged_into for row in connection.execute(query)}
    found = {}
    for id in into:
        end = id
        while into.get(end) is not None:
            end = into[end]
        found[id] = end
    return found


def _take_over(connection: Connection, owner: str, project_id: str, project: Project, source: str) -> bool:
    """What is said of a project, unless a better source named it; whether its name changed."""
    where = (projects.c.owner == owner) & (projects.c.id == project_id)
    before = connection.execute(select(projects).where(where)).one()
    if RANK[source] < RANK[before.name_source]:
        return False
    said = {
        name: getattr(project, name) for name in ("description", "instructions", "colour") if getattr(project, name)
    }
    if project.status != before.status and source == "person" and before.merged_into is None:
        said["status"] = project.status
    if said:
        connection.execute(update(projects).where(where).values({**said, "updated_at": now()}))
    if before.name != project.name or before.name_source != source:
        rename_in(connection, owner, project_id, project.name, source)
    return bool(before.name != project.name)
