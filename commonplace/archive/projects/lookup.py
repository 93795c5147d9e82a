"""Which project a person means: by an id or its beginning, a ref, or a name, and what is near where there is none."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from sqlalchemy import or_, select

from commonplace.archive.core import Archive
from commonplace.archive.projects.registry import load, title_ref
from commonplace.archive.schema import projects
from commonplace.errors import NotThere, Refused
from commonplace.model import Project

_SHOWN_CANDIDATES = 5
_NEAR = 3


def project_id_of(archive: Archive, typed: str) -> str:
    """The id of the project that a person means; looked up at once where they typed an id or the whole name."""
    table = projects.c
    meant = or_(table.id == typed, table.name == typed)
    query = select(table.id).where(table.owner == archive.owner, table.merged_into.is_(None), meant)
    with archive.read() as connection:
        found: list[str] = list(connection.execute(query.limit(2)).scalars())
    return found[0] if len(found) == 1 else find_project(archive, typed).id


def find_project(archive: Archive, typed: str) -> Project:
    """The project that a person means by an id or its beginning, a ref, or a name in any case."""
    wanted = typed.strip()
    loaded = load(archive)
    exact = [project for project in loaded if wanted == project.id or wanted in project.refs]
    named = [project for project in loaded if project.name.casefold() == wanted.casefold()]
    alias = [project for project in loaded if title_ref(wanted) in project.refs]
    begun = [
        project
        for project in loaded
        if len(wanted) >= 4 and any(known.startswith(wanted) for known in (project.id, *project.refs))
    ]
    for found in (exact, named, alias, begun):
        if len(found) == 1:
            return found[0]
        if found:
            more = ", ..." if len(found) > _SHOWN_CANDIDATES else ""
            candidates = ", ".join(project.id for project in found[:_SHOWN_CANDIDATES])
            raise Refused(f"{typed!r} could be several projects: {candidates}{more}.", hint="Use an id.")
    if into := _merged_into(archive, wanted):
        raise NotThere(f"The project {typed!r} was merged into {into!r}.", hint="That can be undone.")
    raise NotThere(f"There is no project {typed!r}.", hint=_perhaps(wanted, [project.name for project in loaded]))


def _merged_into(archive: Archive, project_id: str) -> str | None:
    """The project that one with this id is part of now, by its name."""
    table = projects.c
    query = select(table.id, table.name, table.merged_into).where(table.owner == archive.owner)
    with archive.read() as connection:
        known = {row.id: row for row in connection.execute(query)}
    seen: set[str] = set()
    found = known.get(project_id)
    while found is not None and found.merged_into is not None and found.id not in seen:
        seen.add(found.id)
        found = known.get(found.merged_into)
    return found.name if found is not None and found.id != project_id else None


def _perhaps(typed: str, names: Iterable[str]) -> str:
    by_folded = {name.casefold(): name for name in names}
    near = [repr(by_folded[name]) for name in get_close_matches(typed.casefold(), by_folded, n=_NEAR)]
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    return f"{meant}`commonplace projects list` shows them."


def is_known(archive: Archive, typed: str) -> bool:
    """Whether this is a project's id, one of its refs, or what titles may call it."""
    loaded = load(archive)
    known = {ref for project in loaded for ref in (project.id, title_ref(project.name), *project.refs)}
    return typed in known or title_ref(typed) in known
