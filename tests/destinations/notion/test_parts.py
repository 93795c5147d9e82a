"""Conversations longer than a page continue on pages inside it; nothing is missing, nothing is doubled."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any

import pytest

from commonplace.destinations.notion import NotionSettings
from commonplace.destinations.notion.page.dialect import MarkdownDialect
from commonplace.destinations.notion.page.layout import Room, part_of, spans_of
from commonplace.destinations.notion.render import body_of
from commonplace.errors import Halt
from commonplace.model import Outcome
from tests.destinations.notion.conftest import Open
from tests.destinations.notion.test_write import FAULTS
from tests.destinations.notion.world import FileLedger, document
from tests.fakes.notion import FakeNotion, Page

LIMIT = 10
ROW = "chatgpt:talk-1"


@pytest.fixture
def notion() -> Iterator[FakeNotion]:
    """Pages that are soon full."""
    with FakeNotion(per_window=100_000, records_per_page=LIMIT + 5) as server:
        yield server


@pytest.fixture(params=["markdown", "blocks"])
def body(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def turns(number: int) -> list[str]:
    return [f"Turn {n} is said." for n in range(number)]


def pages(notion: FakeNotion) -> list[Page]:
    row = notion.row(ROW)
    return [row, *notion.inside(row.id)]


def said(notion: FakeNotion) -> list[str]:
    """What the pages say, one after the other, without speakers and links."""
    texts = [block.text for page in pages(notion) for block in page.blocks if block.type != "child_page"]
    return [text for text in texts if text not in ("You", "Assistant")]


def write(open_: Open, ledger: FileLedger, texts: list[str], **changes: Any) -> Outcome:
    """By a process of its own."""
    (outcome,) = open_(blocks_per_page=LIMIT, **changes).write([document(1, texts=texts)], ledger)
    return outcome


def test_a_long_conversation_is_one_row_with_parts_inside(
    notion: FakeNotion, open_: Open, ledger: FileLedger, body: str
) -> None:
    assert write(open_, ledger, turns(23), body=body).state == "created"
    assert len(notion.rows()) == 1
    assert said(notion) == turns(23)
    assert [page.title for page in pages(notion)[1:]] == [f"Part {n} of this conversation" for n in range(2, 6)]
    assert [block.type for block in notion.row(ROW).blocks][-4:] == ["child_page"] * 4
    assert notion.count("POST pages") == 5
    before = notion.count()
    assert write(open_, ledger, turns(23), body=body).state == "unchanged"
    assert notion.count() == before


def test_what_is_new_goes_onto_the_last_page_and_then_onto_another(
    notion: FakeNotion, open_: Open, ledger: FileLedger, body: str
) -> None:
    write(open_, ledger, turns(6), body=body)
    for number, inside in ((9, 1), (10, 1), (11, 2), (19, 3)):
        kept = [page.id for page in pages(notion)]
        before = notion.count()
        assert write(open_, ledger, turns(number), body=body).state == "updated"
        assert notion.count() - before <= 4
        assert [page.id for page in pages(notion)][: len(kept)] == kept
        assert len(pages(notion)) == inside + 1
        assert said(notion) == turns(number)
    assert notion.count("PATCH blocks" if body == "blocks" else "PATCH pages")


def test_what_changed_on_a_part_is_written_there(
    notion: FakeNotion, open_: Open, ledger: FileLedger, body: str
) -> None:
    write(open_, ledger, turns(18), body=body)
    old = [page.id for page in pages(notion)]
    changed = [*turns(8), "Said anew.", *turns(18)[9:]]
    assert write(open_, ledger, changed, body=body).state == "updated"
    assert [page.id for page in pages(notion)] == old
    assert said(notion) == changed
    assert write(open_, ledger, turns(7), body=body).state == "updated"
    assert [page.id for page in pages(notion)] == old[:2]
    assert said(notion) == turns(7)


def test_what_changed_on_the_first_page_writes_all_anew(
    notion: FakeNotion, open_: Open, ledger: FileLedger, body: str
) -> None:
    write(open_, ledger, turns(18), body=body)
    row = notion.row(ROW).id
    for texts in (["Said anew.", *turns(18)[1:]], turns(3), turns(15)):
        assert write(open_, ledger, texts, body=body).state == "updated"
        assert said(notion) == texts
        assert [page.id for page in notion.rows()] == [row]
    assert len(pages(notion)) == 3


def slow(*values: Any) -> Any:
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(("kind", "committed"), FAULTS)
@pytest.mark.parametrize(
    ("on", "skip"), [("POST pages", 1), slow("POST pages", 2), slow("PATCH", 0), ("PATCH", 1), slow("GET", 0)]
)
def test_whatever_goes_wrong_each_part_is_there_once(
    notion: FakeNotion, open_: Open, ledger: FileLedger, kind: str, committed: bool, on: str, skip: int
) -> None:
    notion.faults.hang_seconds = 1.0
    if on == "POST pages":
        notion.fail_next(kind, on=on, skip=skip, committed=committed, retry_after=0.05)
    write(open_, ledger, turns(14), timeout_seconds=0.3)
    assert said(notion) == turns(14)
    if on != "POST pages":
        notion.fail_next(kind, on=on, skip=skip, committed=committed, retry_after=0.05)
    changed = ["Said anew.", *turns(19)[1:]]
    assert write(open_, ledger, changed, timeout_seconds=0.3).state == "updated"
    assert said(notion) == changed
    assert len(notion.rows()) == 1
    assert ledger.states() == ["done"]


@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("texts", [turns(14), turns(22), ["Said anew.", *turns(14)[1:]], turns(5)],
                         ids=["new", "more", "changed", "less"])  # fmt: skip
@pytest.mark.parametrize("body", ["markdown", slow("blocks")])
def test_ended_at_any_request_the_next_run_makes_it_whole(
    notion: FakeNotion, open_: Open, texts: list[str], committed: bool, body: str
) -> None:
    for step in count():
        ledger = FileLedger()
        if texts != turns(14):
            write(open_, ledger, turns(14), body=body)
        notion.fail_next("401", skip=step, committed=committed)
        try:
            write(open_, ledger, texts, body=body)
        except Halt:
            write(open_, ledger, texts, body=body)
        assert said(notion) == texts
        assert ledger.states() == ["done"]
        notion.delete(notion.row(ROW).id)
        if notion.faults.clear():
            break
    assert step > 3


def test_pages_that_notion_finds_too_large_all_the_same_are_smaller(
    notion: FakeNotion, open_: Open, ledger: FileLedger, body: str
) -> None:
    (outcome,) = open_(body=body, blocks_per_page=100).write([document(1, texts=turns(40))], ledger)
    assert outcome.state == "created"
    assert said(notion) == turns(40)
    for texts in (turns(44), ["Said anew.", *turns(44)[1:]]):
        (outcome,) = open_(body=body, blocks_per_page=100).write([document(1, texts=texts)], ledger)
        assert outcome.state == "updated"
        assert said(notion) == texts


def test_what_notion_never_takes_fails_with_its_words(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    notion.records_per_page = 1
    outcome = write(open_, ledger, turns(4))
    assert (outcome.state, outcome.reason) == (
        "failed",
        "The page is too large for Notion: The page has too many blocks.",
    )


def test_a_persons_pages_are_never_deleted(notion: FakeNotion, open_: Open, ledger: FileLedger, body: str) -> None:
    write(open_, ledger, turns(14), body=body)
    mine = notion.add_page(notion.row(ROW).id, "Mine")
    assert write(open_, ledger, turns(16), body=body).state == "updated"  # the first page stays as it is
    outcome = write(open_, ledger, ["Said anew.", *turns(14)[1:]], body=body)
    assert outcome.state == "conflict"
    assert outcome.reason is not None
    assert "pages inside" in outcome.reason
    assert mine in notion.inside(notion.row(ROW).id)
    notion.trash(mine.id)
    within = notion.add_page(pages(notion)[1].id, "Mine")
    assert write(open_, ledger, ["Said again.", *turns(14)[1:]], body=body).state == "conflict"
    assert notion.inside(pages(notion)[1].id) == [within]
    notion.trash(within.id)
    assert write(open_, ledger, ["At last.", *turns(14)[1:]], body=body).state == "updated"
    assert said(notion) == ["At last.", *turns(14)[1:]]


@pytest.mark.parametrize("how", ["trash", "delete"])
def test_a_part_that_a_person_removed_is_made_again_or_let_be(
    notion: FakeNotion, open_: Open, ledger: FileLedger, how: str
) -> None:
    write(open_, ledger, turns(14))
    getattr(notion, how)(pages(notion)[-1].id)
    outcome = write(open_, ledger, turns(15), on_deleted="skip")
    assert (outcome.state, len(pages(notion))) == ("conflict", 2)
    write(open_, ledger, turns(16))
    assert said(notion) == turns(16)


@pytest.mark.parametrize("how", ["trash", "delete"])
@pytest.mark.parametrize("which", [0, -1], ids=["first", "last"])
@pytest.mark.parametrize("texts", [turns(7), turns(3), turns(22), ["Said anew.", *turns(14)[1:]], ["All else."],
                                   [*turns(12), "Said anew."]],
                         ids=["shorter", "short", "longer", "replaced", "shrunk", "changed"])  # fmt: skip
def test_without_a_part_that_a_person_removed_there_is_still_one_row(
    notion: FakeNotion, open_: Open, ledger: FileLedger, body: str, texts: list[str], which: int, how: str
) -> None:
    write(open_, ledger, turns(14), body=body)
    row, *parts = pages(notion)
    getattr(notion, how)(parts[which].id)
    assert write(open_, ledger, texts, body=body).state == "updated"
    assert [page.id for page in notion.rows()] == [row.id]
    assert ledger.states() == ["done"]
    if which == -1 or texts[:10] != turns(10):  # else nothing was to be written to the part
        assert said(notion) == texts


@pytest.mark.parametrize("on", ["GET blocks", "PATCH"])
@pytest.mark.parametrize("texts", [turns(7), slow(turns(22)), slow(["Said anew.", *turns(14)[1:]]), ["All else."]],
                         ids=["shorter", "longer", "replaced", "shrunk"])  # fmt: skip
def test_a_part_that_is_removed_at_any_moment_leaves_one_row(
    notion: FakeNotion, open_: Open, body: str, texts: list[str], on: str
) -> None:
    for step in count():
        ledger = FileLedger()
        write(open_, ledger, turns(14), body=body)
        row, part, *_ = (page.id for page in pages(notion))
        notion.fail_next("call", on=on, skip=step, call=partial(notion.delete, part))
        write(open_, ledger, texts, body=body)
        assert [page.id for page in notion.rows()] == [row]
        notion.delete(row)
        if notion.faults.clear():
            break


def test_what_an_unanswered_append_left_on_a_page_with_a_persons_pages_is_not_known(
    notion: FakeNotion, open_: Open, ledger: FileLedger, body: str
) -> None:
    write(open_, ledger, turns(2), body=body)
    mine = notion.add_page(notion.row(ROW).id, "Mine")
    notion.fail_next("drop", on="PATCH", committed=True)
    assert write(open_, ledger, turns(3), body=body).state == "conflict"
    assert write(open_, ledger, turns(4), body=body).state == "conflict"
    notion.trash(mine.id)
    assert write(open_, ledger, turns(5), body=body).state == "updated"
    assert said(notion) == turns(5)


@pytest.mark.parametrize("how", ["trash", "delete"])
def test_a_row_that_a_person_removed_is_made_again_with_its_parts(
    notion: FakeNotion, open_: Open, ledger: FileLedger, how: str
) -> None:
    write(open_, ledger, turns(14))
    getattr(notion, how)(notion.row(ROW).id)
    assert write(open_, ledger, turns(16)).state == "created"
    assert said(notion) == turns(16)


def test_a_lost_ledger_adopts_the_parts_too(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    write(open_, ledger, turns(14))
    write(open_, ledger, turns(16))
    before = notion.count()
    assert write(open_, FileLedger(), turns(16)).state == "unchanged"
    assert notion.count() - before <= 2
    write(open_, FileLedger(), turns(18))
    assert said(notion) == turns(18)
    assert len(notion.rows()) == 1


def test_parts_stay_where_they_were_cut() -> None:
    settings, dialect = NotionSettings(token="t"), MarkdownDialect()
    old = body_of(document(1, texts=turns(20)), settings, dialect)
    spans = spans_of(old, Room(8))
    parts = [part_of(str(n), old, span) for n, span in enumerate(spans)]
    new = body_of(document(1, texts=turns(30)), settings, dialect)
    assert spans_of(new, Room(12), parts)[: len(spans) - 1] == spans[:-1]
    assert spans_of(new, Room(1_000)) == [(0, 30)]
    assert spans_of(body_of(document(1, texts=[]), settings, dialect), Room(8)) == [(0, 0)]


@pytest.mark.parametrize(("items", "parts"), [(5_200, 2), slow(21_000, 5)])
def test_one_message_may_need_several_pages(open_: Open, ledger: FileLedger, items: int, parts: int) -> None:
    texts = ["A list, please.", "\n".join(f"- item {n}" for n in range(items))]
    with FakeNotion(per_window=100_000) as notion:
        source = notion.add_database()
        destination = open_(token=notion.token, base_url=notion.base_url, data_source_id=source)
        (outcome,) = destination.write([document(1, texts=texts)], ledger)
        assert outcome.state == "created"
        found = [text for page in pages(notion) for text in page.text.split("\n") if text.startswith("item")]
        assert found == [f"item {n}" for n in range(items)]
        assert max(page.records for page in pages(notion)) <= 5_000
        assert len(pages(notion)) == parts


def test_a_page_that_a_person_put_pages_into_is_not_taken_away(
    notion: FakeNotion, open_: Open, ledger: FileLedger
) -> None:
    write(open_, ledger, turns(15))
    write_other = open_()
    write_other.write([document(2)], ledger)
    notion.add_page(notion.row("chatgpt:talk-2").id, "Mine")
    outcomes = {o.conversation_id: o.state for o in open_().remove([ROW, "chatgpt:talk-2"], ledger)}
    assert outcomes == {ROW: "removed", "chatgpt:talk-2": "conflict"}
    assert [page.value("Conversation ID") for page in notion.rows()] == ["chatgpt:talk-2"]
    assert set(ledger.get([ROW, "chatgpt:talk-2"])) == {"chatgpt:talk-2"}
