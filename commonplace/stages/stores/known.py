"""What is known of vector stores: one for a project, in it one file for each of the project's conversations.

Two kinds of ledger hold it, so it is in backups, and what is restored uploads nothing again: `openai-stores:HOST` has
the store of each project, `openai-store:HOST:PROJECT` the file of each conversation, by which a conversation that is
forgotten here is told to be still there.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import select

from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.memory import mark_of
from commonplace.archive.schema import conversations
from commonplace.model import LedgerEntry
from commonplace.openai.client import OPENAI_URL, Account, account_of
from commonplace.session import Session
from commonplace.stages.asking import OWN

VERSION = "s1"
"""Of the files: another one is other files."""
BYTES = "bytes"
OWNER = "commonplace"


class KnownStore(msgspec.Struct, frozen=True, kw_only=True):
    """A project's store that is there, as far as we know."""

    project_id: str
    store_id: str
    conversation_of: dict[str, str]
    """By file, the conversation that it holds."""
    left: frozenset[str]
    """Those of them that are in the project no more, or were forgotten here."""
    waiting: int
    """Conversations that are not in it as they are now, or should not be."""


def stores_of(session: Session) -> ArchiveLedger:
    """The store of each project."""
    return ArchiveLedger(session.archive, f"openai-stores:{_host(account_of(session.settings, session.environment))}")


def files_of(session: Session, project_id: str) -> ArchiveLedger:
    """The file of each conversation in a project's store."""
    host = _host(account_of(session.settings, session.environment))
    return ArchiveLedger(session.archive, f"openai-store:{host}:{project_id}")


def marks_of(archive: Archive, project_id: str) -> dict[str, str]:
    """What a store is found by, where no answer told its id."""
    return {"owner": OWNER, "archive": mark_of(archive), "project": project_id}


def file_name(archive: Archive, conversation_id: str, input_hash: str) -> str:
    """What a file is found by: no other archive and no other state of the conversation has it."""
    plain = re.sub(r"[^A-Za-z0-9-]", "_", conversation_id)[:100]
    return f"{plain}.{mark_of(archive)}.{input_hash[-16:]}.md"


def wanted_in(archive: Archive, project_id: str) -> dict[str, str]:
    """The conversations that belong into a project's store, each with the hash of what its file is made of. What was
    asked and answered here is none of them: no answer stands on an answer."""
    table = conversations.c
    inside = (table.owner == archive.owner) & (table.project_id == project_id)
    query = select(table.id, table.content_hash).where(inside, table.source != OWN).order_by(table.id)
    with archive.read() as connection:
        return {row.id: f"{VERSION}:{row.content_hash}" for row in connection.execute(query)}


def is_current(entry: LedgerEntry | None, input_hash: str) -> bool:
    """Whether nothing is to be done: it is there as it is now, or cannot be."""
    return entry is not None and entry.state in ("done", "failed") and entry.input_hash == input_hash


def store_of(session: Session, project_id: str) -> KnownStore | None:
    """A project's store, where it was filled. Nothing is asked there."""
    entry = stores_of(session).get([project_id]).get(project_id)
    if entry is None or not entry.remote_id:
        return None
    known = files_of(session, project_id)
    wanted = wanted_in(session.archive, project_id)
    entries = known.get(wanted)
    there = {found.remote_id or "": id for id, found in known.remote_ids()}
    left = frozenset(id for id in there.values() if id not in wanted)
    return KnownStore(
        project_id=project_id,
        store_id=entry.remote_id,
        conversation_of=there,
        left=left,
        waiting=len(left) + sum(not is_current(entries.get(id), input_hash) for id, input_hash in wanted.items()),
    )


def known_stores(session: Session) -> list[KnownStore]:
    """Every store that is there, as far as we know."""
    found = (store_of(session, project_id) for project_id, _ in stores_of(session).remote_ids())
    return [one for one in found if one is not None]


def _host(account: Account) -> str:
    return urlsplit(account.base_url or OPENAI_URL).netloc
