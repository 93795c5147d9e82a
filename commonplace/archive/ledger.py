"""A destination instance's memory in the archive: what is there, as which inputs, and what became of every attempt.

It fits `destinations.contract.Ledger` without knowing it. Every method that writes commits before it returns.

A stage finds what is pending by comparing `input_hash` and state: `done`, `failed`, `conflict`, `queued` and `baseline`
are settled for these inputs. `intent` and `uncertain` are in doubt: where the service can be asked they are pending,
else they wait until a person says `resend` or `accept`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Row,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from commonplace.archive.core import Archive
from commonplace.archive.memory import mark_of, recall, remember
from commonplace.archive.rows import arriving, batched, from_json, putting, to_json
from commonplace.archive.schema import ledger, ledger_items
from commonplace.model import LedgerEntry, LedgerItem, LedgerState
from commonplace.moments import now

_PAGE = 500
_ADOPTED = "adopted archives"

# Made once: to make such a statement takes longer than the database takes for it.
_parts = ledger_items.c
_IS_PART = and_(*(_parts[name] == bindparam(name) for name in ("owner", "destination", "conversation_id")))
_PARTS = select(ledger_items).where(_IS_PART).order_by(_parts.position)
_LAST_POSITION = select(func.coalesce(func.max(_parts.position), 0)).where(_IS_PART)
_ADD_PARTS = insert(ledger_items)


class ArchiveLedger:
    """The ledger of one destination instance, for the archive's owner."""

    def __init__(self, archive: Archive, instance: str) -> None:
        self.instance = instance
        self._archive = archive
        self._ours = self._of(ledger)

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

    def refused(self, conversation_id: str) -> None:
        """The service turned the request away for now: nothing came of it, and it is pending as before."""
        self._decide([conversation_id], state="failed", input_hash="", reason="The service wants to be asked later.")

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

    def queue(self, conversation_id: str, input_hash: str, detail: Mapping[str, Any] | None = None) -> None:
        """Ready to be sent together with others."""
        self._write(conversation_id, input_hash, "queued", detail=detail)

    def removed(self, conversation_id: str) -> None:
        """It is not there any more, and nothing is known of it."""
        with self._archive.write() as connection:
            for table in (ledger_items, ledger):
                ours = self._of(table) & (table.c.conversation_id == conversation_id)
                connection.execute(delete(table).where(ours))

    def remote_ids(self) -> Iterator[tuple[str, LedgerEntry]]:
        """Every conversation that is known to be at the destination, in the order of their ids."""
        return self._where(ledger.c.remote_id.is_not(None))

    def in_state(self, *states: LedgerState, prefix: str = "") -> Iterator[tuple[str, LedgerEntry]]:
        """Every key in one of these states that begins so, in the order of the keys."""
        begins_so = ledger.c.conversation_id.startswith(prefix, autoescape=True)
        return self._where(ledger.c.state.in_(states) & begins_so)

    def _where(self, clause: ColumnElement[bool]) -> Iterator[tuple[str, LedgerEntry]]:
        after = ""
        while True:
            query = (
                select(ledger)
                .where(self._ours, clause, ledger.c.conversation_id > after)
                .order_by(ledger.c.conversation_id)
                .limit(_PAGE)
            )
            with self._archive.read() as connection:
                page = connection.execute(query).all()
            if not page:
                return
            yield from ((row.conversation_id, _entry(row)) for row in page)
            after = page[-1].conversation_id

    def recall(self, name: str) -> str | None:
        """What was last remembered of the destination under this name."""
        return recall(self._archive, self._key(name))

    def remember(self, name: str, value: str) -> None:
        """Something of the destination as a whole."""
        remember(self._archive, self._key(name), value)

    def archives(self) -> list[str]:
        """The mark of this archive, and those of the archives whose place it took."""
        return [mark_of(self._archive), *(self.recall(_ADOPTED) or "").split()]

    def adopt(self, marks: Collection[str]) -> None:
        """What these archives wrote there is ours from now on."""
        self.remember(_ADOPTED, " ".join(sorted({*self.archives()[1:], *marks})))

    def _key(self, name: str) -> str:
        return f"{name}:{self._archive.owner}:{self.instance}"

    def items(self, conversation_id: str) -> list[LedgerItem]:
        """The parts of a conversation that are there, in their order."""
        with self._archive.read() as connection:
            found = connection.execute(_PARTS, self._key_of(conversation_id)).all()
        return [LedgerItem(id=row.item_id, input_hash=row.input_hash, remote_id=row.remote_id) for row in found]

    def add_items(self, conversation_id: str, items: Sequence[LedgerItem]) -> None:
        """These parts are there too, behind the others."""
        key = self._key_of(conversation_id)
        with self._archive.write() as connection:
            start = connection.execute(_LAST_POSITION, key).scalar_one() + 1
            values = [
                {**key, "position": position, "item_id": item.id, "input_hash": item.input_hash,
                 "remote_id": item.remote_id}
                for position, item in enumerate(items, start)
            ]  # fmt: skip
            if values:
                connection.execute(_ADD_PARTS, values)

    def drop_items(self, conversation_id: str, ids: Iterable[str]) -> None:
        """These parts are not there any more."""
        if not (ids := list(ids)):
            return
        of_it = self._of(ledger_items) & (ledger_items.c.conversation_id == conversation_id)
        with self._archive.write() as connection:
            for some in batched(ids):
                connection.execute(delete(ledger_items).where(of_it, ledger_items.c.item_id.in_(some)))

    def is_empty(self) -> bool:
        """Whether nothing was ever done there."""
        with self._archive.read() as connection:
            return connection.execute(select(ledger.c.state).where(self._ours).limit(1)).first() is None

    def counts(self, prefix: str = "") -> dict[LedgerState, int]:
        """How many keys that begin so are in which state."""
        begins_so = ledger.c.conversation_id.startswith(prefix, autoescape=True)
        query = select(ledger.c.state, func.count().label("total")).where(self._ours, begins_so)
        query = query.group_by(ledger.c.state)
        with self._archive.read() as connection:
            return {row.state: row.total for row in connection.execute(query)}

    def settle(self) -> int:
        """What a run that died left unanswered is uncertain; how many that are. Only while nobody else writes there."""
        unanswered = "The run ended before an answer came."
        with self._archive.write() as connection:
            intents = update(ledger).where(self._ours, ledger.c.state == "intent")
            return connection.execute(intents.values(state="uncertain", reason=unanswered)).rowcount

    def resend(self, keys: Collection[str]) -> list[str]:
        """What is to be sent (again) whatever is known of it: those of the keys that there are."""
        return self._decide(keys, state="failed", input_hash="", reason="It is to be sent again.")

    def resend_in_doubt(self, keys: Collection[str]) -> list[str]:
        """The same, of those alone that are still in doubt, or changed there."""
        among: tuple[LedgerState, ...] = ("uncertain", "conflict")
        return self._decide(keys, state="failed", input_hash="", reason="It is to be sent again.", among=among)

    def accept(self, keys: Collection[str]) -> list[str]:
        """What is taken to be right as it is there: those of the keys that were in doubt, or changed there."""
        return self._decide(keys, state="done", reason=None, among=("intent", "uncertain", "conflict"))

    def _decide(self, keys: Collection[str], *, among: tuple[LedgerState, ...] = (), **values: Any) -> list[str]:
        decided: list[str] = []
        with self._archive.write() as connection:
            for some in batched(sorted(keys)):
                of_these = [self._ours, ledger.c.conversation_id.in_(some)]
                if among:
                    of_these.append(ledger.c.state.in_(among))
                statement = update(ledger).where(*of_these).values(**values, updated_at=now())
                decided += connection.execute(statement.returning(ledger.c.conversation_id)).scalars().all()
        return decided

    def _key_of(self, conversation_id: str) -> dict[str, str]:
        return {"owner": self._archive.owner, "destination": self.instance, "conversation_id": conversation_id}

    def _of(self, table: Table) -> ColumnElement[bool]:
        return (table.c.owner == self._archive.owner) & (table.c.destination == self.instance)

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
        key = self._key_of(conversation_id)
        said: dict[str, Any] = {"state": state, "input_hash": input_hash, "reason": reason, "updated_at": now()}
        if detail is not None:
            said["detail"] = to_json(dict(detail))
        if state == "done":
            said |= {"remote_id": remote_id, "remote_url": remote_url}
        with self._archive.write() as connection:
            statement = _noting(connection.dialect.name, state, tuple(said))
            connection.execute(statement, {**key, **said, "attempts": int(state == "intent")})


def count_states(archive: Archive) -> dict[str, dict[str, int]]:
    """At every destination of the owner's, how many conversations are in which state."""
    table = ledger.c
    query = select(table.destination, table.state, func.count().label("total")).where(table.owner == archive.owner)
    found: dict[str, dict[str, int]] = {}
    with archive.read() as connection:
        for row in connection.execute(query.group_by(table.destination, table.state).order_by(table.destination)):
            found.setdefault(row.destination, {})[row.state] = row.total
    return found


@lru_cache(maxsize=32)
def _noting(dialect: str, state: LedgerState, names: tuple[str, ...]) -> Executable:
    before = case((ledger.c.input_hash == arriving("input_hash"), ledger.c.attempts), else_=0)
    attempts = {"intent": before + 1, "done": literal(0)}.get(state, before)
    return putting(dialect, ledger, {name: arriving(name) for name in names} | {"attempts": attempts})


def _entry(row: Row[Any]) -> LedgerEntry:
    return LedgerEntry(
        state=row.state,
        input_hash=row.input_hash,
        remote_id=row.remote_id,
        remote_url=row.remote_url,
        detail=from_json(row.detail),
        reason=row.reason,
        attempts=row.attempts,
        updated_at=row.updated_at,
    )
