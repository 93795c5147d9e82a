"""Whatever people call a column or an option, it is the one it was; a column that is gone stops the run."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from commonplace.destinations.kind import Choice
from commonplace.destinations.notion import schema
from commonplace.destinations.notion.kind import KIND
from commonplace.destinations.notion.schema import connect
from commonplace.errors import Halt
from tests.destinations.notion.conftest import Open
from tests.destinations.notion.world import FileLedger, document, edits_of, settings_for
from tests.fakes.notion import FakeNotion


def next_process(notion: FakeNotion, open_: Open, source: str) -> None:
    """Whatever the process remembers is gone."""
    schema.forget(open_().client, source)


@pytest.mark.parametrize("name", ["Name", "Category", "Tags", "Project", "Conversation ID", "Hash", "Analysis"])
def test_a_renamed_column_is_followed(
    notion: FakeNotion, open_: Open, source: str, ledger: FileLedger, name: str
) -> None:
    documents = [document(n, project_name="House") for n in range(3)]
    open_().write(documents, ledger)
    notion.rename_property(source, name, "Theirs")
    for fresh in (False, True):
        if fresh:
            next_process(notion, open_, source)
        destination = open_()
        assert edits_of(destination, ledger) == []
        assert {o.state for o in destination.write(documents, ledger)} == {"unchanged"}
    changed = [document(n, project_name="Garden", category="Travel", summary="New.", tags=["x"]) for n in range(3)]
    assert {o.state for o in open_().write(changed, ledger)} == {"updated"}
    page = notion.rows()[0]
    shown = {column: page.value("Theirs" if column == name else column) for column in ("Project", "Category", "Tags")}
    assert shown == {"Project": "Garden", "Category": "Travel", "Tags": ["x"]}
    assert open_().check(ledger) == []


def test_an_edit_in_a_renamed_column_comes_back(
    notion: FakeNotion, open_: Open, source: str, ledger: FileLedger
) -> None:
    open_().write([document(1)], ledger)
    notion.rename_property(source, "Category", "Topic")
    next_process(notion, open_, source)
    notion.edit(notion.rows()[0].id, Topic="Cooking")
    assert [(edit.field, edit.value) for edit in edits_of(open_(), ledger)] == [("category", "Cooking")]


@pytest.mark.parametrize("name", ["Category", "Tags", "Project", "Conversation ID"])
def test_a_column_that_is_gone_stops_the_pull_and_nothing_comes_back(
    notion: FakeNotion, open_: Open, source: str, ledger: FileLedger, name: str
) -> None:
    open_().write([document(n, project_name="House") for n in range(3)], ledger)
    notion.remove_property(source, name)
    next_process(notion, open_, source)
    with pytest.raises(Halt, match=f"The property '{name}'"):
        edits_of(open_(), ledger)


def test_a_column_that_goes_while_a_process_lives_stops_it_too(
    notion: FakeNotion, open_: Open, source: str, ledger: FileLedger
) -> None:
    destination = open_()
    destination.write([document(1, project_name="House")], ledger)
    notion.remove_property(source, "Project")
    with pytest.raises(Halt, match="The property 'Project'"):
        edits_of(destination, ledger)


def test_a_column_that_is_mapped_anew_is_looked_for_by_its_name(
    notion: FakeNotion, open_: Open, source: str, ledger: FileLedger
) -> None:
    open_().write([document(1)], ledger)
    notion.define(notion.sources[source], {"Topic": {"select": {}}})
    next_process(notion, open_, source)
    open_(property_names={"Category": "Topic"}).write([document(1, summary="New.")], ledger)
    assert notion.rows()[0].value("Topic") == "Coding"


@pytest.mark.parametrize("fresh", [False, True], ids=["learned from answers", "read from the schema"])
def test_a_renamed_option_is_followed_for_all_rows_at_once(
    notion: FakeNotion, open_: Open, source: str, ledger: FileLedger, fresh: bool
) -> None:
    documents = [document(n, project_name="House") for n in range(4)]
    open_().write(documents, ledger)
    if fresh:
        next_process(notion, open_, source)
        open_().write([document(9)], ledger)
    notion.rename_option(source, "Category", "Coding", "Programming")
    notion.rename_option(source, "Tags", "python", "snake")
    notion.rename_option(source, "Project", "House", "Home")
    next_process(notion, open_, source)
    destination = open_()
    assert edits_of(destination, ledger) == []
    changed = [document(n, project_name="House", summary="New.", turns=3) for n in range(5)]
    assert {o.state for o in destination.write(changed, ledger)} == {"updated", "created"}
    for page in notion.rows()[:5]:
        assert page.value("Category") == "Programming"
        assert page.value("Tags") == ["snake", "notion"]
    assert notion.row("chatgpt:talk-4").value("Project") == "Home"
    options = notion.sources[source].properties["Category"]["select"]["options"]
    assert [option["name"] for option in options] == ["Programming"]
    notion.pass_time(5)
    notion.edit(notion.rows()[0].id, Category="Cooking")
    assert [(edit.field, edit.value, edit.before) for edit in edits_of(open_(), ledger)] == [
        ("category", "Cooking", "Coding")
    ]


class Declines:
    """Somebody who agrees to nothing."""

    def answer(self, question: str, *, is_secret: bool = False, choices: Callable[[], list[Choice]] = list) -> str:
        return ""

    def agrees(self, question: str) -> bool:
        return False


def test_connecting_again_does_not_offer_a_renamed_column(
    notion: FakeNotion, open_: Open, source: str, ledger: FileLedger
) -> None:
    open_().write([document(1)], ledger)
    notion.rename_property(source, "Project", "Theirs")
    asked: list[str] = []

    def ledger_of(instance: str) -> FileLedger:
        asked.append(instance)
        return ledger

    connection = KIND.connect(settings_for(notion, source), Declines(), ledger_of)
    assert connection.told["added"] == "nothing"
    assert asked == [open_().instance]
    with pytest.raises(Halt, match="lacks: Project"):
        KIND.connect(settings_for(notion, source), Declines(), lambda _: FileLedger())


@pytest.mark.parametrize("name", ["Category", "Tags", "Project", "Conversation ID", "Analysis"])
def test_a_column_that_was_removed_and_made_again_says_nothing_of_a_person(
    notion: FakeNotion, open_: Open, source: str, ledger: FileLedger, name: str
) -> None:
    documents = [document(n, project_name="House") for n in range(2)]
    open_().write(documents, ledger)
    before = {page.id: page.value(name) for page in notion.rows()}
    notion.remove_property(source, name)
    next_process(notion, open_, source)
    with pytest.raises(Halt):
        edits_of(open_(), ledger)
    connect(settings_for(notion, source), confirm=lambda _: True)
    next_process(notion, open_, source)
    for row in notion.rows():
        notion.edit(row.id, Model="another")
    assert edits_of(open_(), ledger) == []
    changed = [document(0, project_name="House", turns=3), msgspec.structs.replace(documents[1], is_forced=True)]
    assert {o.state for o in open_().write(changed, ledger)} == {"updated"}
    assert {page.id: page.value(name) for page in notion.rows()} == before
    assert edits_of(open_(), ledger) == []
