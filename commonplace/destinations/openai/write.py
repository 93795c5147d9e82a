"""One conversation is brought to OpenAI: made empty, then filled, then continued where it grew.

Adding cannot be repeated and nothing can be looked up but the items behind a known one. So what is about to be added is
noted before (`adding`, many at a time), and whatever stands behind the last known item afterwards is ours if it says
that, in its order; all else was said there, and stays. Making a conversation cannot be looked up at all: where no
answer came another is made, and the first may be an empty shell (`shells`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from commonplace.destinations.contract import Document, Entries
from commonplace.destinations.openai.items import AT_ONCE, THERE, Piece, hash_of_item, metadata_of, pieces_of
from commonplace.destinations.openai.service import Item, Service
from commonplace.destinations.openai.settings import ConversationSettings
from commonplace.errors import Halt, Permanent, Retryable
from commonplace.model import LedgerEntry, LedgerItem, Outcome
from commonplace.openai.errors import Failing, Missing, NoAnswer, Stopped

ADDING, SHELLS, BEFORE, METADATA = "adding", "shells", "before", "metadata"
TRIES = 5
NOTED = 500
"""So many pieces are noted as about to be added, before the first of them is."""
UNKNOWN = ""
"""The hash of inputs that nothing is made of: what is noted under it is not up to date."""


class Writer:
    """Writes conversations, each by itself: several may be under way in as many threads."""

    def __init__(
        self, service: Service, settings: ConversationSettings, *, sleep: Callable[[float], None] | None = None
    ) -> None:
        self._service = service
        self._settings = settings
        self._sleep = sleep or service.rest

    def write(self, document: Document, entry: LedgerEntry | None, ledger: Entries) -> Outcome:
        id = document.conversation.id
        is_known = entry is not None and entry.state == "done" and entry.input_hash == document.input_hash
        if entry and is_known and not document.is_forced:
            return Outcome(conversation_id=id, state="unchanged", remote_id=entry.remote_id)
        try:
            return self._bring(document, entry, ledger)
        except Permanent as error:
            ledger.fail(id, document.input_hash, str(error))
            return Outcome(conversation_id=id, state="failed", reason=str(error))

    def _bring(self, document: Document, entry: LedgerEntry | None, ledger: Entries) -> Outcome:
        id, detail = document.conversation.id, dict(entry.detail) if entry else {}
        remote_id, is_changed = entry.remote_id if entry else None, False
        is_new = remote_id is None
        if entry and remote_id is not None:
            try:
                strangers = settle(self._service, id, remote_id, detail, ledger)
            except Missing:
                if self._settings.on_deleted == "skip":
                    ledger.done(id, document.input_hash, remote_id, detail=detail)
                    return Outcome(conversation_id=id, state="skipped", reason="Somebody deleted it there.")
                ledger.removed(id)
                remote_id, entry, detail = None, None, {}
            else:
                if strangers:
                    reason = "It went on there meanwhile: the next sync takes that in first."
                    return Outcome(conversation_id=id, state="skipped", remote_id=remote_id, reason=reason)
        wanted = pieces_of(document, asides=self._settings.asides)
        known = ledger.items(id) if entry else []
        there = _same(known, wanted)
        if remote_id is not None and (left := known[there:]):
            is_changed = True
            if any(is_theirs(item) for item in left):  # it forked before what was said there, which stays there
                detail[BEFORE] = list(dict.fromkeys([*detail.get(BEFORE, ()), remote_id]))
                remote_id = None
            else:
                self._take_back(id, remote_id, left, ledger)
        noted = there
        if remote_id is None:
            there, noted = 0, NOTED
            remote_id = self._make(document, entry, wanted[:noted], detail, ledger)
            if known:  # of the one before
                ledger.drop_items(id, [item.id for item in known])
        for start in range(there, len(wanted), AT_ONCE):
            if start >= noted:
                noted = start + NOTED
                detail[ADDING] = _pairs(wanted[start:noted])
                ledger.intend(id, document.input_hash, detail)
            self._add(id, remote_id, wanted[start : start + AT_ONCE], detail, ledger)
            is_changed = True
        is_changed |= self._describe(document, remote_id, detail, ledger)
        ledger.done(id, document.input_hash, remote_id, detail={k: v for k, v in detail.items() if k != ADDING})
        state = "created" if is_new else "updated" if is_changed else "unchanged"
        return Outcome(conversation_id=id, state=state, remote_id=remote_id)  # type: ignore[arg-type]

    def _take_back(self, id: str, remote_id: str, left: Sequence[LedgerItem], ledger: Entries) -> None:
        for item in reversed(left):
            ledger.check()
            self._service.delete_item(remote_id, item.remote_id)
            ledger.drop_items(id, [item.id])

    def _make(
        self,
        document: Document,
        entry: LedgerEntry | None,
        first: Sequence[Piece],
        detail: dict[str, Any],
        ledger: Entries,
    ) -> str:
        """An empty one; that its first pieces will be added is noted together with its id."""
        id, metadata = document.conversation.id, metadata_of(document)
        if entry and entry.state in ("intent", "uncertain") and entry.detail.get("making"):
            detail[SHELLS] = detail.get(SHELLS, 0) + 1
        ledger.check()
        ledger.intend(id, document.input_hash, detail | {"making": True})
        try:
            remote_id = self._service.create(metadata)
        except (NoAnswer, Failing):
            raise
        except (Retryable, Halt):
            ledger.refused(id)
            raise
        detail.pop("making", None)
        detail |= {METADATA: _hash(metadata), ADDING: _pairs(first)}
        ledger.done(id, UNKNOWN, remote_id, detail=detail)
        return remote_id

    def _add(self, id: str, remote_id: str, pieces: Sequence[Piece], detail: dict[str, Any], ledger: Entries) -> None:
        """After any doubt, what is there decides what is still to be added."""
        ledger.check()
        for attempt in range(1, TRIES + 1):
            try:
                _note(id, pieces, self._service.add(remote_id, pieces), ledger)
                return
            except Stopped:
                raise
            except Retryable as error:
                if attempt == TRIES:
                    raise
                self._sleep(error.retry_after if error.retry_after is not None else 0.5 * 2 ** (attempt - 1))
                if settle(self._service, id, remote_id, detail, ledger):
                    raise Retryable("It went on there meanwhile: the next sync takes that in first.") from None
                here = {item.id for item in ledger.items(id)}
                pieces = [piece for piece in pieces if piece.id not in here]
                if not pieces:
                    return
                ledger.check()

    def _describe(self, document: Document, remote_id: str, detail: dict[str, Any], ledger: Entries) -> bool:
        """Whether its metadata had to be brought up to date."""
        metadata = metadata_of(document)
        if detail.get(METADATA) == _hash(metadata):
            return False
        ledger.check()
        self._service.update(remote_id, metadata)
        detail[METADATA] = _hash(metadata)
        return True


def settle(service: Service, id: str, remote_id: str, detail: dict[str, Any], ledger: Entries) -> list[Item]:
    """What stands behind the last that is known: ours is noted, the rest is returned. `Missing` if it is all gone."""
    known = ledger.items(id)
    try:
        behind = service.items(remote_id, known[-1].remote_id if known else None)
    except Missing:  # the last known one, or all of it
        everything = service.items(remote_id)
        there = {item["id"] for item in everything}
        ledger.drop_items(id, [item.id for item in known if item.remote_id not in there])
        known = [item for item in known if item.remote_id in there]
        last = known[-1].remote_id if known else None
        behind = everything[[item["id"] for item in everything].index(last) + 1 :] if last else everything
    here, there = {item.id for item in known}, {item.remote_id for item in known}
    behind = [item for item in behind if item["id"] not in there]  # which some servers tell in another order
    adding = [tuple(pair) for pair in detail.get(ADDING, ()) if pair[0] not in here]
    strangers: list[Item] = []
    for item in behind:
        if adding and not strangers and hash_of_item(item) == adding[0][1]:
            piece_id, input_hash = adding.pop(0)
            ledger.add_items(id, [LedgerItem(id=piece_id, input_hash=input_hash, remote_id=item["id"])])
        else:
            strangers.append(item)
    return strangers


def is_theirs(item: LedgerItem) -> bool:
    """Whether it was said there, in the very conversation that it is in."""
    return item.id == f"{THERE}{item.remote_id}"


def _same(known: Sequence[LedgerItem], wanted: Sequence[Piece]) -> int:
    """How many from the first on are there as they should be: behind them the path goes another way."""
    pairs = enumerate(zip(known, wanted, strict=False))
    return next((place for place, (item, piece) in pairs if not _is_same(item, piece)), min(len(known), len(wanted)))


def _pairs(pieces: Sequence[Piece]) -> list[list[str]]:
    return [[piece.id, piece.hash] for piece in pieces]


def _is_same(item: LedgerItem, piece: Piece) -> bool:
    return item.id == piece.id and (is_theirs(item) or item.input_hash == piece.hash)


def _note(id: str, pieces: Sequence[Piece], added: Sequence[Item], ledger: Entries) -> None:
    is_each = len({item["id"] for item in added}) == len(pieces)
    if not is_each or [hash_of_item(item) for item in added] != [piece.hash for piece in pieces]:
        raise NoAnswer("The service does not say which items it made.", hint="The next sync looks what is there.")
    pairs = zip(pieces, added, strict=True)
    ledger.add_items(
        id, [LedgerItem(id=piece.id, input_hash=piece.hash, remote_id=item["id"]) for piece, item in pairs]
    )


def _hash(metadata: dict[str, str]) -> str:
    return blake2b(msgspec.json.encode(sorted(metadata.items())), digest_size=8).hexdigest()
