"""An archive that was lost and made again finds its rows, and every word of a person on them."""

from __future__ import annotations

from typing import Any

import pytest

from commonplace.destinations.contract import Document, Remark
from tests.destinations.notion.conftest import Open
from tests.destinations.notion.world import FileLedger, document, edits_of
from tests.fakes.notion import FakeNotion

CHANGES = {"Category": "Cooking", "Tags": ["mine"], "Project": "Knee", "Name": "My title"}


def judged_anew(**more: Any) -> Document:
    """The same conversation after the archive was lost: other judges, other words."""
    given: dict[str, Any] = {"category": "Travel", "tags": ["judged"], "title": "Judged", "summary": "Anew."}
    return document(1, **given | more)


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_person_changed_is_found_by_its_digest_and_the_rest_is_ours(
    notion: FakeNotion, open_: Open, ledger: FileLedger, name: str
) -> None:
    open_().write([document(1, project_name="House")], ledger)
    page = notion.rows()[0]
    notion.edit(page.id, **{name: CHANGES[name]})
    fresh = FileLedger()
    assert [(edit.conversation_id, edit.value) for edit in edits_of(open_(), fresh)] == [
        ("chatgpt:talk-1", CHANGES[name])
    ]
    (outcome,) = open_().write([judged_anew(project_name="Garden")], fresh)
    assert outcome.state == "conflict"
    shown = {column: page.title if column == "Name" else page.value(column) for column in CHANGES}
    ours = {"Category": "Travel", "Tags": ["judged"], "Project": "Garden", "Name": "Judged"}
    assert shown == ours | {name: CHANGES[name]}
    assert len(notion.rows()) == 1


def test_a_word_of_a_person_that_was_synced_before_stays_theirs(
    notion: FakeNotion, open_: Open, ledger: FileLedger
) -> None:
    theirs = document(1, category="Cooking", tags=["mine"], project_name="Knee", title="My title")
    theirs.persons = frozenset({"category", "tags", "project", "title"})
    open_().write([theirs], ledger)
    fresh = FileLedger()
    assert {(edit.field, str(edit.value)) for edit in edits_of(open_(), fresh)} == {
        ("category", "Cooking"), ("tags", "['mine']"), ("project", "Knee"), ("title", "My title"),
    }  # fmt: skip
    assert open_().write([judged_anew(project_name="Garden")], fresh)[0].state == "conflict"
    assert notion.rows()[0].value("Category") == "Cooking"
    assert open_().write([theirs], fresh)[0].state in ("updated", "unchanged")


def test_nothing_was_changed_and_nothing_comes_back(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    open_().write([document(n) for n in range(3)], ledger)
    fresh = FileLedger()
    assert edits_of(open_(), fresh) == []
    assert open_().write([judged_anew()], fresh)[0].state == "updated"
    assert notion.row("chatgpt:talk-1").value("Category") == "Travel"


def test_a_row_of_a_version_without_digests_is_the_persons(
    notion: FakeNotion, open_: Open, source: str, ledger: FileLedger
) -> None:
    row = notion.add_row(source, {"Name": "Old", "Conversation ID": "chatgpt:talk-1", "Category": "Cooking",
                                  "Hash": "0123456789abcdef-0123456789abcdef-2"})  # fmt: skip
    assert {(edit.field, edit.value) for edit in edits_of(open_(), ledger)} == {
        ("title", "Old"),
        ("category", "Cooking"),
    }
    assert open_().write([judged_anew()], ledger)[0].state == "conflict"
    assert (row.title, row.value("Category"), row.value("Tags")) == ("Old", "Cooking", ["judged"])


def test_a_page_that_was_cut_off_and_whose_ledger_is_lost_is_made_whole(
    notion: FakeNotion, open_: Open, ledger: FileLedger
) -> None:
    long = document(1, texts=["word " * 30_000] * 4)
    notion.fail_next("403", on="PATCH pages")
    with pytest.raises(Exception, match="Notion"):
        open_().write([long], ledger)
    fresh = FileLedger()
    assert edits_of(open_(), fresh) == []
    assert open_().write([long], fresh)[0].state == "updated"
    assert notion.rows()[0].text.count("word word") >= 4 * 14_000


def test_a_second_row_is_told_and_left_alone(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    open_().write([document(n) for n in range(2)], ledger)
    ours = notion.row("chatgpt:talk-1")
    notion.pass_time(5)
    second = notion.copy_row(ours.id)
    notion.edit(second.id, Category="Cooking")
    (remark,) = open_().pull(ledger, None)
    assert isinstance(remark, Remark)
    assert remark.conversation_id == "chatgpt:talk-1"
    assert second.id.replace("-", "") in remark.reason
    assert open_().write([document(1, category="Travel")], ledger)[0].state == "updated"
    assert (ours.value("Category"), second.value("Category")) == ("Travel", "Cooking")
    (problem,) = open_().check(ledger)
    assert problem.startswith("There are 2 rows of chatgpt:talk-1")
