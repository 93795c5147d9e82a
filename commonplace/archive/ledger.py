"""A destination instance's memory in the archive: what is there, as which inputs, and what became of every attempt.

It fits `destinations.contract.Ledger` without knowing it. Every method that writes commits before it returns.

A stage finds what is pending by comparing `input_hash` and state (`done`, `failed` and `conflict` are settled for these
inputs, `intent` and `uncertain` never are).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from sqlalchemy import Row, case, func, literal, select, update

from commonplace.archive.core import Archive
from commonplace.archive.rows import arriving, batched, put, to_json
from commonplace.archive.schema import ledger
from commonplace.model import LedgerEntry, LedgerState
from commonplace.moments import now

_PAGE = 500


class ArchiveLedger:
    """The ledger of one destination instance, for the archive's owner."""

    def __init__(self, archive: Archive, instance: str) -> None:
        self.instance = instance
        self._archive = archive
        self._ours = (ledger.c.owner == archive.owner) & (ledger.c.destination == instance)

    def check(self) -> None:
        """Raise `Halt` where this run may not write any more."""
        self._archive.check()

    def get(self, conversation_ids: Iterable[str]) -> dict[str, LedgerEntry]:
        """The entries that exist, by conversation id."""
        found: dict[str, LedgerEntry] = {}
        with self._archive.read() as connection:
            for page in batched(conversation_ids):
                query = select(ledger).where(self._ours, ledger.c.conversation_id.in_(page))
                found.update((row.conversation_id, _entry(row)) for row in connection.execute(query))
        return found

    def intend(self, conversation_id: str, input_hash: str, detail: Mapping[str, Any] | None = None) -> None:
        """We are about to send a request that must not be sent twice. A known remote id is kept."""
        self._write(conversation_id, input_hash, "intent", detail=detail)

    def done(
        self,
        conversation_id: str,
        input_hash: str,
        remote_id: str,
        remote_url: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """It is there, as these inputs say."""
        self._write(conversation_id, input_hash, "done", detail=detail, remote_id=remote_id, remote_url=remote_url)

    def fail(self, conversation_id: str, input_hash: str, reason: str) -> None:
        """It will not work until its inputs change."""
        self._write(conversation_id, input_hash, "failed", reason=reason)

    def uncertain(
        self, conversation_id: str, input_hash: str, reason: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        """No answer came: it may be there or not."""
        self._write(conversation_id, input_hash, "uncertain", reason=reason, detail=detail)

    def conflict(
        self, conversation_id: str, input_hash: str, reason: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        """A person changed what we wrote: it is left as it is, reported once."""
        self._write(conversation_id, input_hash, "conflict", reason=reason, detail=detail)

    def remote_ids(self) -> Iterator[tuple[str, LedgerEntry]]:
        """Every conversation that is known to be at the destination, in the order of their ids."""
        after = ""
        while True:
            query = (
                select(ledger)
                .where(self._ours, ledger.c.remote_id.is_not(None), ledger.c.conversation_id > after)
                .order_by(ledger.c.conversation_id)
                .limit(_PAGE)
            )
            with self._archive.read() as connection:
                page = connection.execute(query).all()
            if not page:
                return
            yield from ((row.conversation_id, _entry(row)) for row in page)
            after = page[-1].conversation_id

    def counts(self) -> dict[LedgerState, int]:
        """How many conversations are in which state."""
        query = select(ledger.c.state, func.count().label("total")).where(self._ours).group_by(ledger.c.state)
        with self._archive.read() as connection:
            return {row.state: row.total for row in connection.execute(query)}

    def retry_failed(self) -> int:
        """Make everything that failed pending again, whatever its inputs; how many that are."""
        failed = self._ours & (ledger.c.state == "failed")
        with self._archive.write() as connection:
            return connection.execute(update(ledger).where(failed).values(input_hash="")).rowcount

    def _write(
        self,
        conversation_id: str,
        input_hash: str,
        state: LedgerState,
        *,
        reason: str | None = None,
        detail: Mapping[str, Any] | None = None,
        remote_id: str | None = None,
        remote_url: str | None = None,
    ) -> None:
        """One row, in one statement. What is not given stays as it is, except for the reason of the last failure."""
        key = {"owner": self._archive.owner, "destination": self.instance, "conversation_id": conversation_id}
        said: dict[str, Any] = {"state": state, "input_hash": input_hash, "reason": reason, "updated_at": now()}
        if detail is not None:
            said["detail"] = to_json(dict(detail))
        if state == "done":
            said |= {"remote_id": remote_id, "remote_url": remote_url}
        before = case((ledger.c.input_hash == input_hash, ledger.c.attempts), else_=0)
        attempts = {"intent": before + 1, "done": literal(0)}.get(state, before)
        changing = {name: arriving(name) for name in said} | {"attempts": attempts}
        with self._archive.write() as connection:
            put(connection, ledger, [{**key, **said, "attempts": int(state == "intent")}], changing=changing)


def _entry(row: Row[Any]) -> LedgerEntry:
    return LedgerEntry(
        state=row.state,
        input_hash=row.input_hash,
        remote_id=row.remote_id,
        remote_url=row.remote_url,
        detail=msgspec.json.decode(row.detail),
        reason=row.reason,
        attempts=row.attempts,
        updated_at=row.updated_at,
    )
