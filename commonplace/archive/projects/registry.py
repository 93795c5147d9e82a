"""The registry of projects: which there are, and every id under which a source knows them.

A project's own id never changes and is made of the first thing that was known of it, so that an archive rebuilt from
the same exports has the same ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, func, select

from commonplace.archive.core import Archive
from commonplace.archive.rows import add, batched
from commonplace.archive.schema import assignments, conversations, project_refs, projects
from commonplace.model import Project
from commonplace.moments import now

NameSource = Literal["person", "sidebar", "title", "inferred", "id"]
MERGED = "merged"
TITLE_REF = "title:"
SPLIT_REF = "split:"
"""What a project that was split off is first known by. It means nothing to anybody else."""
_OWN_ID = re.compile(r"p-[0-9a-f]{10}")
_SAMPLES = 3


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A project with what it holds now."""

    id: str
    name: str
    name_source: str
    status: str
    description: str | None
    instructions: str | None
    colour: str | None
    refs: list[str]
    conversations: int
    suggestions: int
    first_at: int | None
    last_at: int | None
    sample_titles: list[str]


def project_id_for(ref: str) -> str:
    """The id of the project that is first known by this ref. An id of ours, from a list that was exported, stays."""
    if _OWN_ID.fullmatch(ref):
        return ref
    return f"p-{blake2b(ref.encode(), digest_size=5).hexdigest()}"


def title_ref(name: str) -> str:
    """The ref of a project as titles name it, however they write it."""
    return TITLE_REF + " ".join(name.split()).casefold()


def refs(archive: Archive) -> dict[str, str]:
    """Every ref with its project's id."""
    with archive.read() as connection:
        return refs_of(connection, archive.owner)


def refs_of(connection: Connection, owner: str) -> dict[str, str]:
    query = select(project_refs.c.ref, project_refs.c.project_id).where(project_refs.c.owner == owner)
    return {row.ref: row.project_id for row in connection.execute(query)}


def names(archive: Archive) -> dict[str, str]:
    """The name of each project that is not merged into another, by id."""
    query = select(projects.c.id, projects.c.name).where(projects.c.owner == archive.owner)
    with archive.read() as connection:
        return {row.id: row.name for row in connection.execute(query.where(projects.c.merged_into.is_(None)))}


def sorted_names(archive: Archive) -> list[str]:
    """The same names alone, as in an index."""
    return sorted(names(archive).values(), key=str.casefold)


def register(archive: Archive, found: Iterable[str]) -> list[str]:
    """Add a project for every ref that is not known yet; the ids of the new ones."""
    wanted = sorted(set(found))
    with archive.write() as connection:
        known = refs_of(connection, archive.owner)
        missing = [ref for ref in wanted if ref not in known]
        return add_projects(connection, archive.owner, {ref: (placeholder(ref), "id") for ref in missing})


def refs_in_use(archive: Archive) -> set[str]:
    """The refs, and what titles would call them, of projects that hold conversations or that a person or the sidebar
    named."""
    table = conversations.c
    used = select(table.project_id).where(table.owner == archive.owner, table.project_id.is_not(None)).distinct()
    with archive.read() as connection:
        ids = set(connection.execute(used).scalars())
        by_project = refs_by_project(connection, archive.owner)
    known = [one for one in load(archive) if one.id in ids or one.name_source in ("person", "sidebar")]
    return {ref for one in known for ref in (title_ref(one.name), *by_project.get(one.id, ()))}


def ensure_named(archive: Archive, wanted: Iterable[str], *, source: NameSource = "person") -> dict[str, str]:
    """The project that each of these names means; one that there is not yet has its name from `source`."""
    asked: dict[str, str] = {}
    for name in wanted:
        asked.setdefault(title_ref(name), " ".join(name.split()))
    with archive.write() as connection:
        known = refs_of(connection, archive.owner) | _by_name(connection, archive.owner)
        new: dict[str, tuple[str, str]] = {ref: (name, source) for ref, name in asked.items() if ref not in known}
        add_projects(connection, archive.owner, new)
        known = known | {ref: project_id_for(ref) for ref in new}
        aliases = {ref: known[ref] for ref in asked}
        add_refs(connection, archive.owner, aliases)
        return aliases


_FOLDER = re.compile(r"(?:/|[A-Za-z]:[/\\]|\\\\)(?:[^\n]*[/\\])?([^/\\\n]+)[/\\]?")
"""Where a coding agent worked: the whole of it, and its last part."""


def placeholder(ref: str) -> str:
    """What a project is called while nothing but its id is known; a folder, as it is called itself."""
    if folder := _FOLDER.fullmatch(ref):
        return folder[1]
    return f"Project {ref.removeprefix('g-p-').removeprefix('g-')[:8]}"


def add_project(connection: Connection, owner: str, ref: str, name: str) -> str:
    """A new project by a person's word, which titles may name from now on; its id."""
    project_id = add_projects(connection, owner, {ref: (name, "person")})[0]
    add_refs(connection, owner, {title_ref(name): project_id})
    return project_id


def ids_by_name(archive: Archive) -> dict[str, str]:
    """The projects that are in use, by the ref that titles would have for their name."""
    with archive.read() as connection:
        return _by_name(connection, archive.owner)


def _by_name(connection: Connection, owner: str) -> dict[str, str]:
    """Projects that are in use, by the ref that titles would have for their name; the older where two share one."""
    query = select(projects.c.id, projects.c.name).where(projects.c.owner == owner, projects.c.merged_into.is_(None))
    found = connection.execute(query.order_by(projects.c.created_at.desc(), projects.c.id)).all()
    return {title_ref(row.name): row.id for row in found}


def add_projects(connection: Connection, owner: str, new: Mapping[str, tuple[str, str]]) -> list[str]:
    """Projects by ref: their name and where it is from."""
    moment = now()
    rows = [
        {
            "owner": owner,
            "id": project_id_for(ref),
            "name": name,
            "name_source": source,
            "created_at": moment,
            "updated_at": moment,
        }
        for ref, (name, source) in new.items()
    ]
    add(connection, projects, rows)
    add_refs(connection, owner, {ref: project_id_for(ref) for ref in new if not _OWN_ID.fullmatch(ref)})
    return [str(row["id"]) for row in rows]


def add_refs(connection: Connection, owner: str, found: Mapping[str, str]) -> None:
    """Let these refs mean these projects, unless they mean another already."""
    rows = [{"owner": owner, "ref": ref, "project_id": project_id} for ref, project_id in found.items()]
    add(connection, project_refs, rows)


def load(archive: Archive) -> list[Project]:
    """Every project that is not merged into another, by name."""
    with archive.read() as connection:
        owned = projects.c.owner == archive.owner
        found = connection.execute(select(projects).where(owned, projects.c.merged_into.is_(None))).all()
        by_project = refs_by_project(connection, archive.owner)
    loaded = [project_from(row, by_project.get(row.id, [])) for row in found]
    return sorted(loaded, key=lambda project: (project.name.casefold(), project.id))


def project_from(row: Row[Any], known_as: list[str]) -> Project:
    return Project(
        id=row.id,
        name=row.name,
        name_source=row.name_source,
        description=row.description,
        instructions=row.instructions,
        status=row.status,
        colour=row.colour,
        refs=known_as,
    )


def refs_by_project(connection: Connection, owner: str) -> dict[str, list[str]]:
    by_project: dict[str, list[str]] = {}
    for ref, project_id in sorted(refs_of(connection, owner).items()):
        by_project.setdefault(project_id, []).append(ref)
    return by_project


def list_projects(archive: Archive, *, only: Project | None = None, samples: int = _SAMPLES) -> list[Listed]:
    """Every project with its counts and so many of its newest titles, which take longest to find, the largest first;
    one alone, where somebody has it already."""
    table = conversations.c
    owned = table.owner == archive.owner, table.project_id == only.id if only else table.project_id.is_not(None)
    counted = select(table.project_id, func.count(), func.min(table.created_at), func.max(table.updated_at))
    waiting = select(assignments.c.suggested_project_id, func.count()).where(
        assignments.c.owner == archive.owner, assignments.c.suggestion_state == "open"
    )
    with archive.read() as connection:
        totals = {row[0]: row[1:] for row in connection.execute(counted.where(*owned).group_by(table.project_id))}
        suggested = dict(tuple(row) for row in connection.execute(waiting.group_by(assignments.c.suggested_project_id)))
        newest = _titles(connection, *owned, most=samples) if samples else {}
    listed = [
        Listed(
            **{name: getattr(project, name) for name in Project.__struct_fields__},
            conversations=totals.get(project.id, (0, None, None))[0],
            suggestions=suggested.get(project.id, 0),
            first_at=totals.get(project.id, (0, None, None))[1],
            last_at=totals.get(project.id, (0, None, None))[2],
            sample_titles=newest.get(project.id, []),
        )
        for project in ([only] if only else load(archive))
    ]
    return sorted(listed, key=lambda one: -one.conversations)


def titles(archive: Archive, *, most: int) -> dict[str, list[str]]:
    """The newest titles in every project: what a name is proposed from."""
    with archive.read() as connection:
        return _titles(connection, conversations.c.owner == archive.owner, most=most)


def _titles(connection: Connection, *which: ColumnElement[bool], most: int) -> dict[str, list[str]]:
    table = conversations.c
    place = func.row_number().over(partition_by=table.project_id, order_by=(table.updated_at.desc(), table.id))
    ranked = (
        select(table.project_id, table.title, place.label("place"))
        .where(*which, table.project_id.is_not(None), table.title.is_not(None), table.title != "")
        .subquery()
    )
    query = select(ranked).where(ranked.c.place <= most).order_by(ranked.c.project_id, ranked.c.place)
    found: dict[str, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.project_id, []).append(row.title)
    return found


def sorted_ids(archive: Archive) -> list[str]:
    """Every conversation that is in a project."""
    table = conversations.c
    query = select(table.id).where(table.owner == archive.owner, table.project_id.is_not(None)).order_by(table.id)
    with archive.read() as connection:
        return list(connection.execute(query).scalars())


def projects_of(archive: Archive, ids: Sequence[str]) -> dict[str, str | None]:
    """The project that each conversation is in now."""
    table = conversations.c
    found: dict[str, str | None] = {}
    with archive.read() as connection:
        for batch in batched(ids):
            query = select(table.id, table.project_id).where(table.owner == archive.owner, table.id.in_(batch))
            found.update((row.id, row.project_id) for row in connection.execute(query))
    return found
