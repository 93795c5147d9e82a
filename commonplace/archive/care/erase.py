"""Taking conversations out of the archive: rows, everything that was made of them, and the traces in the database file.

What stays is a tombstone, which is the conversation's id alone, and what is known of the pages at destinations, without
anything that they say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, delete, select, update

from commonplace.archive.conversations import imports
from commonplace.archive.core import Archive
from commonplace.archive.engine import outside_transactions, overwriting
from commonplace.archive.faults import told
from commonplace.archive.projects import names
from commonplace.archive.rows import add
from commonplace.archive.schema import (
    assignments,
    attachments,
    conversations,
    corrections,
    features,
    ledger,
    messages,
    passages,
    project_models,
    tombstones,
    verdicts,
)
from commonplace.archive.search import text_index
from commonplace.archive.verdicts.learned import unlearn
from commonplace.errors import CommonplaceError
from commonplace.model import about_project
from commonplace.moments import now

_SAID_ABOUT = (verdicts, corrections, assignments, features)


def erase(connection: Connection, owner: str, ids: Sequence[str], *, at: int | None = None) -> set[str]:
    """These conversations of an owner, for good; the hashes of the files that they showed."""
    keys = keys_of(connection, owner, ids)
    shown = files_shown(connection, keys)
    moment = now() if at is None else at
    with _overwriting(connection):
        add(connection, tombstones, [_stone(owner, id, moment) for id in ids])
        concerned = _projects_of(connection, owner, ids)
        told_of = _projects_told_of(connection, owner, ids)
        imports.forget_attachments(connection, owner, keys)
        for table in _SAID_ABOUT:
            connection.execute(delete(table).where(table.c.owner == owner, table.c.conversation_id.in_(ids)))
        for table in (attachments, passages, messages):
            connection.execute(delete(table).where(table.c.conversation_key.in_(keys)))
        connection.execute(delete(conversations).where(conversations.c.key.in_(keys)))
        known = (ledger.c.owner == owner) & ledger.c.conversation_id.in_(ids)
        connection.execute(update(ledger).where(known).values(remote_url=None, detail="{}", reason=None))
        connection.execute(delete(project_models).where(project_models.c.owner == owner))
        unlearn(connection, owner, ids)
        names.forget_told(connection, owner, told_of)
        names.forget_names(connection, owner, concerned)
    return shown


def _stone(owner: str, id: str, moment: int) -> dict[str, object]:
    return {"owner": owner, "conversation_id": id, "forgotten_at": moment}


def keys_of(connection: Connection, owner: str, ids: Sequence[str]) -> list[int]:
    """The keys of those of the conversations that are there."""
    table = conversations.c
    return list(connection.execute(select(table.key).where(table.owner == owner, table.id.in_(ids))).scalars())


def files_shown(connection: Connection, keys: Collection[int]) -> set[str]:
    """The hashes of the files that these conversations show."""
    query = select(attachments.c.sha256).where(attachments.c.conversation_key.in_(keys))
    return set(connection.execute(query.where(attachments.c.sha256.is_not(None)).distinct()).scalars())


def _projects_of(connection: Connection, owner: str, ids: Sequence[str]) -> set[str]:
    """The projects that they are in, or may belong to."""
    table = assignments.c
    query = select(table.project_id, table.suggested_project_id)
    rows = connection.execute(query.where(table.owner == owner, table.conversation_id.in_(ids)).distinct())
    return {id for row in rows for id in row if id is not None}


def _projects_told_of(connection: Connection, owner: str, ids: Sequence[str]) -> list[str]:
    """What sources call the projects that one of these tells about as a whole."""
    table = conversations.c
    query = select(table.external_id, table.project_ref).where(
        table.owner == owner, table.id.in_(ids), table.project_ref.is_not(None)
    )
    return [row.project_ref for row in connection.execute(query) if row.external_id == about_project(row.project_ref)]


@contextmanager
def _overwriting(connection: Connection) -> Iterator[None]:
    """On SQLite, what is deleted is overwritten at once, in the text index as well."""
    with overwriting(connection), text_index.overwriting(connection):
        yield


def rewrite(archive: Archive) -> bool:
    """Leave nothing in the database's file of what it held earlier and had deleted or replaced. False if not possible.

    A server's files are its own business: it is told to free what is not used any more.
    """
    alone = outside_transactions(archive.engine)
    try:
        if not archive.is_sqlite:
            with told(), alone.connect() as connection:
                connection.exec_driver_sql("VACUUM")
            return True
        text_index.compact(archive)
        with told(), alone.connect() as connection:
            connection.exec_driver_sql("VACUUM")
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    except CommonplaceError:  # no room for a second copy, or somebody reads an earlier state
        return False
    return not busy
