"""Several documents are written at once, and what was noted of them is noted or told."""

from __future__ import annotations

import pytest

from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations.contract import Document, Entries
from commonplace.destinations.together import bring_together
from commonplace.errors import Halt
from commonplace.model import LedgerItem, Outcome
from tests.destinations.documents import document

PART = LedgerItem(id="m1", input_hash="h", remote_id="i1")


class _Door:
    is_stopped = False

    def stop(self) -> None:
        self.is_stopped = True

    def abandon(self) -> None:
        self.is_stopped = True


def bring(one: Document, ledger: Entries) -> Outcome:
    ledger.add_items(one.conversation.id, [PART])
    ledger.done(one.conversation.id, one.input_hash, "there")
    return Outcome(conversation_id=one.conversation.id, state="created")


def test_a_part_is_noted_before_whatever_is_asked_for_after_it(sqlite_archive: Archive) -> None:
    known = ArchiveLedger(sqlite_archive, "fake:there")

    def look(one: Document, ledger: Entries) -> Outcome:
        bring(one, ledger)
        assert ledger.items(one.conversation.id) == [PART]
        return Outcome(conversation_id=one.conversation.id, state="created")

    batch = [document(str(n)) for n in range(5)]
    assert len(bring_together(batch, look, known, _Door(), at_once=3)) == 5
    assert all(known.items(one.conversation.id) == [PART] for one in batch)


def test_where_a_part_cannot_be_noted_the_whole_is_not_called_done(
    sqlite_archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = ArchiveLedger(sqlite_archive, "fake:there")

    def full(*_: object) -> None:
        raise Halt("The disk is full.")

    monkeypatch.setattr(known, "add_items", full)
    with pytest.raises(Halt, match="full"):
        bring_together([document("1")], bring, known, _Door(), at_once=1)
    assert known.is_empty()
