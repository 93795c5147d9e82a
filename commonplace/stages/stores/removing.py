"""Taking vector stores away, and single conversations out of them. Killed halfway, the same again does the rest."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from commonplace.archive import leases
from commonplace.errors import Halt
from commonplace.openai.client import Client, account_of
from commonplace.openai.stores import Stores
from commonplace.session import Session
from commonplace.stages.stores.known import file_name, files_of, marks_of, stores_of
from commonplace.stages.work import leased


def take_away(session: Session, project_ids: Collection[str]) -> list[str]:
    """The stores of these projects: files first, because they outlive their store, then the store, then a look whether
    it is gone. The projects that had one."""
    with _opened(session) as (ours, stores):
        known = stores_of(ours)
        entries = known.get(project_ids)
        for project_id, entry in entries.items():
            _remove_files(ours, stores, project_id)
            if store_id := entry.remote_id or stores.find(marks_of(ours.archive, project_id)):
                stores.delete(store_id)
                if stores.is_there(store_id):
                    raise Halt("A vector store is still there after it was deleted.", hint="Run the same again later.")
            known.removed(project_id)
        return list(entries)


def _remove_files(session: Session, stores: Stores, project_id: str) -> None:
    """Those that are known, and those that a killed run may have left."""
    files = files_of(session, project_id)
    doubtful = [*files.in_state("intent")]
    uploaded = stores.uploaded() if doubtful else {}
    for id, entry in [*files.remote_ids(), *doubtful, *files.in_state("failed")]:
        if file_id := entry.remote_id or uploaded.get(file_name(session.archive, id, entry.input_hash)):
            stores.delete_file(file_id)
        files.removed(id)


def take_out(session: Session, conversation_ids: Collection[str]) -> int:
    """These conversations out of every store; how many files went. The next filling uploads what belongs there."""
    removed = 0
    with _opened(session) as (ours, stores):
        for project_id, _ in stores_of(ours).remote_ids():
            files = files_of(ours, project_id)
            for id, file in files.get(conversation_ids).items():
                if file.remote_id:
                    stores.delete_file(file.remote_id)
                    files.removed(id)
                    removed += 1
    return removed


@contextmanager
def _opened(session: Session) -> Iterator[tuple[Session, Stores]]:
    account = account_of(session.settings, session.environment)
    with (
        leased(session, leases.syncing(session.archive.owner, stores_of(session).instance)) as ours,
        Client(account, check=ours.archive.check) as client,
    ):
        yield ours, Stores(client)
