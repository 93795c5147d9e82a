"""Two archives on one database are noticed, and a lost one can be followed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from commonplace.destinations.notion import NotionDestination
from commonplace.errors import Halt
from tests.destinations.notion.conftest import Open
from tests.destinations.notion.world import FileLedger, document, edits_of
from tests.fakes.notion import FakeNotion

OTHER = "0b0b0b0b"
DOORS: dict[str, Callable[[NotionDestination, FileLedger], object]] = {
    "by reading edits": lambda destination, ledger: list(destination.pull(ledger, None)),
    "before the first page": lambda destination, ledger: destination.write([document(9)], ledger),
}


@pytest.fixture
def other() -> FileLedger:
    return FileLedger(archive=OTHER)


@pytest.mark.parametrize("door", DOORS)
def test_rows_of_another_archive_stop_the_run_with_what_to_do(
    notion: FakeNotion, open_: Open, ledger: FileLedger, other: FileLedger, door: str
) -> None:
    open_().write([document(n) for n in range(3)], other)
    with pytest.raises(Halt, match=f"{OTHER}.*this one is {ledger.archives()[0]}") as caught:
        DOORS[door](open_(), ledger)
    assert f"--adopt {OTHER}" in str(caught.value)
    assert len(notion.rows()) == 3


def test_the_archive_that_was_there_first_notices_too(
    notion: FakeNotion, open_: Open, ledger: FileLedger, other: FileLedger
) -> None:
    open_().write([document(1)], ledger)
    other.marks += ledger.archives()  # as if it took the place of this one, which is not lost
    open_().write([document(2)], other)
    notion.pass_time(5)
    for door in DOORS.values():
        with pytest.raises(Halt, match=OTHER):
            door(open_(), ledger)
    (problem,) = open_().check(ledger)
    assert f"--adopt {OTHER}" in problem


def test_who_takes_the_place_of_a_lost_archive_finds_its_rows_and_what_people_changed(
    notion: FakeNotion, open_: Open, ledger: FileLedger, other: FileLedger
) -> None:
    open_().write([document(n) for n in range(3)], other)
    notion.edit(notion.row("chatgpt:talk-1").id, Category="Cooking")
    ledger.marks.append(OTHER)
    assert [(edit.conversation_id, edit.value) for edit in edits_of(open_(), ledger)] == [("chatgpt:talk-1", "Cooking")]
    states = {o.conversation_id: o.state for o in open_().write([document(n) for n in range(4)], ledger)}
    assert states == {
        "chatgpt:talk-0": "unchanged", "chatgpt:talk-1": "conflict", "chatgpt:talk-2": "unchanged",
        "chatgpt:talk-3": "created",
    }  # fmt: skip
    assert len(notion.rows()) == 4
    assert notion.row("chatgpt:talk-1").value("Category") == "Cooking"
    assert open_().check(ledger) == []


def test_rows_that_an_earlier_version_wrote_have_no_mark_and_are_ours(
    notion: FakeNotion, open_: Open, source: str, ledger: FileLedger
) -> None:
    notion.add_row(source, {"Name": "Old", "Conversation ID": "chatgpt:talk-1", "Hash": "0123-0123-2-a.b.c.d"})
    assert open_().write([document(1)], ledger)[0].state == "conflict"
    assert open_().check(ledger) == []
