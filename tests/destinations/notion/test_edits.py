"""What a person changes in Notion comes back once, and no push writes over it."""

from __future__ import annotations

import pytest

from commonplace.destinations.notion import NotionDestination
from commonplace.moments import now
from tests.destinations.notion.conftest import Open
from tests.destinations.notion.world import FileLedger, document, edits_of
from tests.fakes.notion import FakeNotion


def pulled(
    destination: NotionDestination, ledger: FileLedger, since: int | None = None
) -> list[tuple[str, str, object]]:
    return [(edit.conversation_id, edit.field, edit.value) for edit in edits_of(destination, ledger, since)]


def test_our_own_writes_are_no_edits(destination: NotionDestination, ledger: FileLedger) -> None:
    destination.write([document(n) for n in range(3)], ledger)
    destination.write([document(0, category="Other", tags=["b", "a"])], ledger)
    assert pulled(destination, ledger) == []


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"Category": "Cooking"}, "category", "Cooking"),
        ({"Category": None}, "category", None),
        ({"Category": "Soup\u201a salad"}, "category", "Soup, salad"),
        ({"Tags": ["python", "mine"]}, "tags", ["python", "mine"]),
        ({"Project": "House"}, "project", "House"),
        ({"Name": "A better title"}, "title", "A better title"),
    ],
)
def test_a_persons_change_comes_back_once(
    notion: FakeNotion, destination: NotionDestination, ledger: FileLedger,
    changes: dict[str, object], field: str, value: object,
) -> None:  # fmt: skip
    destination.write([document(n) for n in range(3)], ledger)
    notion.edit(notion.row("chatgpt:talk-1").id, **changes)
    assert pulled(destination, ledger) == [("chatgpt:talk-1", field, value)]
    assert pulled(destination, ledger) == []


def test_the_order_of_tags_is_no_edit(notion: FakeNotion, destination: NotionDestination, ledger: FileLedger) -> None:
    destination.write([document(1)], ledger)
    notion.edit(notion.rows()[0].id, Tags=["notion", "python"])
    assert pulled(destination, ledger) == []


def test_a_name_with_a_comma_is_no_edit(notion: FakeNotion, destination: NotionDestination, ledger: FileLedger) -> None:
    destination.write([document(1, category="Soup, salad", project_name="A, B")], ledger)
    assert pulled(destination, ledger) == []


def test_what_notion_spells_in_its_own_way_is_no_edit(
    notion: FakeNotion, destination: NotionDestination, ledger: FileLedger
) -> None:
    notion.spelling = str.casefold
    destination.write([document(1, project_name="House")], ledger)
    assert pulled(destination, ledger) == []
    destination.write([document(1, project_name="House", summary="Another.", tags=["SQL"])], ledger)
    assert notion.rows()[0].value("Tags") == ["sql"]
    assert pulled(destination, ledger) == []


def test_only_what_was_edited_since_is_read(
    notion: FakeNotion, destination: NotionDestination, ledger: FileLedger
) -> None:
    destination.write([document(n) for n in range(150)], ledger)
    notion.pass_time(10)
    notion.edit(notion.row("chatgpt:talk-7").id, Category="Cooking")
    before = notion.count()
    since = now() + 8 * 60 * 1_000_000
    assert pulled(destination, ledger, since) == [("chatgpt:talk-7", "category", "Cooking")]
    assert notion.count() - before == 1


def test_an_edit_that_was_pulled_is_pushed_back_as_it_is(
    notion: FakeNotion, destination: NotionDestination, ledger: FileLedger
) -> None:
    destination.write([document(1)], ledger)
    page = notion.rows()[0]
    notion.edit(page.id, Category="Cooking")
    assert pulled(destination, ledger) == [("chatgpt:talk-1", "category", "Cooking")]
    assert [o.state for o in destination.write([document(1, category="Cooking")], ledger)] == ["updated"]
    assert page.value("Category") == "Cooking"
    assert pulled(destination, ledger) == []
    notion.edit(page.id, Category="Coding")
    assert pulled(destination, ledger) == [("chatgpt:talk-1", "category", "Coding")]


def test_a_push_of_other_things_leaves_an_edit_alone(
    notion: FakeNotion, destination: NotionDestination, ledger: FileLedger
) -> None:
    destination.write([document(1)], ledger)
    page = notion.rows()[0]
    notion.edit(page.id, Category="Cooking", Name="Mine")
    assert [o.state for o in destination.write([document(1, turns=4)], ledger)] == ["updated"]
    assert (page.value("Category"), page.title) == ("Cooking", "Mine")
    assert sorted(pulled(destination, ledger)) == [
        ("chatgpt:talk-1", "category", "Cooking"),
        ("chatgpt:talk-1", "title", "Mine"),
    ]


@pytest.mark.parametrize("count", [1, 5])
def test_a_push_that_disagrees_with_an_edit_is_a_conflict_and_the_edit_stays(
    notion: FakeNotion, open_: Open, ledger: FileLedger, count: int
) -> None:
    open_().write([document(n) for n in range(count)], ledger)
    page = notion.row("chatgpt:talk-0")
    notion.edit(page.id, Category="Cooking")
    destination = open_()
    changed = [document(n, category="Travel", summary="New.") for n in range(count)]
    outcomes = {o.conversation_id: o for o in destination.write(changed, ledger)}
    outcome = outcomes["chatgpt:talk-0"]
    assert outcome.state == "conflict"
    assert outcome.reason == "A person changed Category in Notion; it was left as it is."
    assert (page.value("Category"), page.value("Analysis")) == ("Cooking", "New.")
    assert {o.state for i, o in outcomes.items() if i != "chatgpt:talk-0"} <= {"updated"}
    assert {o.state for o in open_().write(changed, ledger)} == {"unchanged"}
    assert pulled(open_(), ledger) == [("chatgpt:talk-0", "category", "Cooking")]


def test_after_the_pull_of_a_conflict_the_person_has_won(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    open_().write([document(1)], ledger)
    page = notion.rows()[0]
    notion.edit(page.id, Category="Cooking")
    open_().write([document(1, category="Travel")], ledger)
    destination = open_()
    assert pulled(destination, ledger) == [("chatgpt:talk-1", "category", "Cooking")]
    assert [o.state for o in destination.write([document(1, category="Cooking")], ledger)] == ["updated"]
    assert [o.state for o in open_().write([document(1, category="Gardening")], ledger)] == ["updated"]
    assert page.value("Category") == "Gardening"


def test_many_changed_fields_are_looked_at_in_few_requests(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    open_().write([document(n) for n in range(60)], ledger)
    before = notion.count()
    open_().write([document(n, category="Travel") for n in range(60)], ledger)
    assert notion.count() - before == 61


def test_a_pull_that_is_broken_off_yields_the_rest_later(
    notion: FakeNotion, destination: NotionDestination, ledger: FileLedger
) -> None:
    destination.write([document(n) for n in range(3)], ledger)
    for n in range(3):
        notion.edit(notion.row(f"chatgpt:talk-{n}").id, Category="Cooking")
    edits = destination.pull(ledger, None)
    first = next(edits)
    edits.close()  # type: ignore[attr-defined]
    assert first.conversation_id in {i for i, _, _ in pulled(destination, ledger)}
