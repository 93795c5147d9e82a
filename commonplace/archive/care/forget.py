"""Forgetting: a person's wish, and the only deletion there is.

A conversation goes with its messages, attachments, verdicts and everything else that was said about it. A tombstone
stays, which is its id alone, so that importing the kept exports again does not bring it back. Files go when no other
message shows them. On SQLite the file is written anew, so the words are not in it any more.

Two things stay unless asked for otherwise, and the report tells of them: the bytes inside the kept exports, which are
whole files (`purge_exports` removes them all), and the pages at destinations, which are the person's own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from commonplace.archive.care.erase import erase, files_shown, keys_of, rewrite
from commonplace.archive.core import Archive
from commonplace.archive.files.files import EXPORT, remove_files
from commonplace.archive.leases import hold, importing
from commonplace.archive.rows import batched, wait_for_other_writers
from commonplace.archive.schema import (
    attachments,
    conversations,
    files,
    imports,
    ledger,
    messages,
    tombstones,
    vector_kinds,
)
from commonplace.archive.scope import Scope
from commonplace.errors import Refused

_AT_ONCE = 200


class ForgetReport(msgspec.Struct, kw_only=True):
    """What went, or what would go."""

    dry_run: bool
    conversation_ids: list[str] = msgspec.field(default_factory=list)
    messages: int = 0
    attachments: int = 0
    files: int = 0
    bytes: int = 0
    still_at: dict[str, int] = msgspec.field(default_factory=dict)
    """Destination instances and how many of the conversations they show."""
    exports_kept: int = 0
    """Kept exports that may still have the words in them."""
    exports_purged: int = 0
    copies: list[str] = msgspec.field(default_factory=list)
    """Backups and older copies of the archive on this machine that may still have the words."""
    copies_removed: int = 0
    is_rewritten: bool = True
    """False when the database's file could not be written anew, and may hold traces of earlier states."""
    vectors_left: list[str] = msgspec.field(default_factory=list)
    """Files that cannot be written anew, and have the vectors of what was forgotten. They go with the next that can."""


def forget(
    archive: Archive,
    *,
    ids: Collection[str] = (),
    project: str | None = None,
    before: int | None = None,
    purge_exports: bool = False,
    dry_run: bool = False,
) -> ForgetReport:
    """Forget these conversations, those of a project (its id or name), and those untouched since before a moment.

    Killed halfway, what is gone is gone completely, and asking again does the rest.
    """
    if not (ids or project or before is not None or purge_exports):
        raise Refused("Nothing was named to forget.", hint="Name conversations, a project or a date.")
    if dry_run:
        return _look(archive, _wanted(archive, ids, project, before), purge_exports)
    with hold(archive, importing(archive.owner)) as lease:
        archive = lease.archive
        wanted = _wanted(archive, ids, project, before)
        report = _look(archive, wanted, purge_exports)
        report.dry_run = False
        with _without_files_of_vectors(archive, report):
            for some in batched(wanted, _AT_ONCE):
                _forget(archive, some)
        if purge_exports:
            remove_files(archive, _exports(archive), exports=True)
        report.is_rewritten = rewrite(archive)
    return report


def _wanted(archive: Archive, ids: Collection[str], project: str | None, before: int | None) -> list[str]:
    """The ids of what is there to be forgotten. Refused for an id that nobody ever heard of."""
    table = conversations.c
    scopes = [Scope(project=project)] if project is not None else []
    scopes += [Scope(until=before)] if before is not None else []
    parts = [scope.clause(archive) for scope in scopes]
    with archive.read() as connection:
        found = _present(connection, archive.owner, ids)
        if parts:
            query = select(table.id).where(or_(*parts))
            found |= set(connection.execute(query).scalars())
        unknown = set(ids) - found - _tombstoned(connection, archive.owner, ids)
    if unknown:
        raise Refused(f"There is no conversation {min(unknown)!r}.", hint="`commonplace search` shows the ids.")
    return sorted(found)


def _present(connection: Connection, owner: str, ids: Collection[str]) -> set[str]:
    table = conversations.c
    return {
        id
        for some in batched(sorted(ids))
        for id in connection.execute(select(table.id).where(table.owner == owner, table.id.in_(some))).scalars()
    }


def _tombstoned(connection: Connection, owner: str, ids: Collection[str]) -> set[str]:
    table = tombstones.c
    query = select(table.conversation_id).where(table.owner == owner)
    return {
        id
        for some in batched(sorted(ids))
        for id in connection.execute(query.where(table.conversation_id.in_(some))).scalars()
    }


def is_forgotten(archive: Archive, conversation_id: str) -> bool:
    """Whether it was here once and is not to come back."""
    with archive.read() as connection:
        return bool(_tombstoned(connection, archive.owner, [conversation_id]))


def _look(archive: Archive, wanted: Sequence[str], purge_exports: bool) -> ForgetReport:
    """What forgetting would take away."""
    report = ForgetReport(dry_run=True, conversation_ids=list(wanted))
    keys: set[int] = set()
    shown: set[str] = set()
    with archive.read() as connection:
        for some in batched(wanted):
            found = keys_of(connection, archive.owner, some)
            keys.update(found)
            report.messages += _count(connection, messages.c.conversation_key.in_(found))
            report.attachments += _count(connection, attachments.c.conversation_key.in_(found))
            shown |= files_shown(connection, found)
            for row in connection.execute(_pages(archive.owner, some)):
                report.still_at[row.destination] = report.still_at.get(row.destination, 0) + row.pages
        going = [row for some in batched(sorted(shown)) for row in _shown_nowhere_else(connection, some, keys)]
        report.files, report.bytes = len(going), sum(size for _, size in going)
    exports = len(_exports(archive))
    report.exports_purged, report.exports_kept = (exports, 0) if purge_exports else (0, exports)
    return report


def _forget(archive: Archive, ids: Sequence[str]) -> None:
    """These conversations, in one transaction; then the files that they alone showed."""
    with archive.write() as connection:
        wait_for_other_writers(connection, archive.owner)
        shown = erase(connection, archive.owner, ids)
    if shown:
        remove_files(archive, shown)


def _count(connection: Connection, which: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).where(which)).scalar_one())


def _pages(owner: str, ids: Sequence[str]) -> Select[Any]:
    table = ledger.c
    shown = (table.owner == owner) & table.conversation_id.in_(ids) & table.remote_id.is_not(None)
    return select(table.destination, func.count().label("pages")).where(shown).group_by(table.destination)


def _shown_nowhere_else(
    connection: Connection, hashes: Sequence[str], keys: Collection[int]
) -> Iterator[tuple[str, int]]:
    """Of these files, with their sizes, those that only the conversations with these keys show."""
    shows = select(attachments.c.sha256, attachments.c.conversation_key).where(attachments.c.sha256.in_(hashes))
    elsewhere = {row.sha256 for row in connection.execute(shows) if row.conversation_key not in keys}
    kept = select(files.c.sha256, files.c.size).where(files.c.sha256.in_(hashes), files.c.kind != EXPORT)
    for row in connection.execute(kept):
        if row.sha256 not in elsewhere:
            yield row.sha256, row.size


def _exports(archive: Archive) -> list[str]:
    """The owner's kept exports, except those that another owner imported as well."""
    others = select(imports.c.sha256).where(imports.c.owner != archive.owner, imports.c.sha256.is_not(None))
    ours = select(imports.c.sha256).where(imports.c.owner == archive.owner)
    query = select(files.c.sha256).where(
        files.c.kind == EXPORT, files.c.sha256.in_(ours), files.c.sha256.not_in(others)
    )
    with archive.read() as connection:
        return list(connection.execute(query).scalars())


@contextmanager
def _without_files_of_vectors(archive: Archive, report: ForgetReport) -> Iterator[None]:
    """What is forgotten is in no such file any more, wherever this is killed: they go first and are made anew."""
    with archive.read() as connection:
        has_vectors = connection.execute(select(vector_kinds.c.key).limit(1)).first() is not None
    if not has_vectors:
        yield
        return
    from commonplace.archive.search import near, passages_files
    from commonplace.archive.search.passages import kinds

    there = [path for kind in kinds(archive) for path in passages_files.remove(archive, kind)]
    yield
    for kind in kinds(archive):
        near.renew(archive, kind, at_once=True)
    report.vectors_left = [str(path) for path in there if path.exists()]
