"""`connect` makes the database or completes one that is there, and writes nothing before it was agreed to."""

from __future__ import annotations

import pytest

from commonplace.destinations.notion import NotionSettings, connect, open_notion
from commonplace.destinations.notion.properties import FIELDS
from commonplace.errors import Halt, Retryable
from tests.destinations.notion.conftest import Open
from tests.destinations.notion.world import FileLedger, document, edits_of, settings_for
from tests.fakes.notion import OUR_PROPERTIES, FakeNotion


def yes(question: str) -> bool:
    return True


def no(question: str) -> bool:
    return False


def settings(notion: FakeNotion, **changes: object) -> NotionSettings:
    return NotionSettings(token=notion.token, base_url=notion.base_url, **changes)  # type: ignore[arg-type]


def test_a_database_is_made_under_a_page(notion: FakeNotion, ledger: FileLedger) -> None:
    connected = connect(settings(notion, parent_page_id=notion.parent_page_id), confirm=yes)
    assert connected.created
    assert connected.changes == ["created the database"]
    properties = notion.sources[connected.data_source_id].properties
    assert {name: definition["type"] for name, definition in properties.items()} == FIELDS
    destination = open_notion(settings(notion, database_id=connected.database_id))
    assert destination.instance == f"notion:{connected.data_source_id}"
    assert [outcome.state for outcome in destination.write([document(1)], ledger)] == ["created"]
    destination.close()


@pytest.mark.parametrize("project_as", ["select", "relation"])
def test_connecting_again_finds_what_was_made(notion: FakeNotion, project_as: str) -> None:
    given = settings(notion, parent_page_id=notion.parent_page_id, project_as=project_as)
    notion.fail_next("drop", on="POST databases", committed=True)
    with pytest.raises(Retryable, match="did not say"):
        connect(given, confirm=yes)
    first = connect(given, confirm=yes)
    again = connect(given, confirm=yes)
    assert again.database_id == first.database_id
    assert again.projects_data_source_id == first.projects_data_source_id
    assert (again.created, again.changes) == (False, [])
    assert len(notion.databases) == (2 if project_as == "relation" else 1)


def test_nothing_is_made_without_a_yes(notion: FakeNotion) -> None:
    with pytest.raises(Halt, match="Nothing was created"):
        connect(settings(notion, parent_page_id=notion.parent_page_id), confirm=no)
    assert notion.databases == {}
    assert notion.count("POST") == 0


def test_what_is_missing_is_added_after_asking(notion: FakeNotion) -> None:
    source = notion.add_database({"Name": "title", "Tags": "multi_select", "Mine": "checkbox"})
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return True

    connected = connect(settings(notion, database_id=notion.database_of(source)), confirm=confirm)
    assert "Conversation ID (rich_text)" in asked[0]
    assert "Tags" not in connected.added
    assert not connected.created
    assert len(connected.added) == 12
    assert "added Hash" in connected.changes
    assert "Mine" in notion.sources[source].properties
    assert connect(settings(notion, data_source_id=source), confirm=no).added == []


def test_what_is_missing_is_listed_before_anything_is_written(notion: FakeNotion) -> None:
    source = notion.add_database({"Name": "title", "Tags": "multi_select"})
    with pytest.raises(Halt, match=r"lacks: Conversation ID \(rich_text\), Date \(date\)"):
        connect(settings(notion, data_source_id=source), confirm=no)
    assert notion.count("PATCH") == 0


def test_a_property_of_another_type_is_named(notion: FakeNotion) -> None:
    source = notion.add_database(OUR_PROPERTIES | {"Category": "rich_text"})
    with pytest.raises(Halt, match="'Category' is of type rich_text; Category needs select"):
        connect(settings(notion, data_source_id=source), confirm=yes)


def test_a_write_to_a_database_that_does_not_fit_stops_before_anything_is_written(
    notion: FakeNotion, open_: Open, source: str, ledger: FileLedger
) -> None:
    del notion.sources[source].properties["Hash"]
    notion.sources[source].properties["Messages"] |= {"type": "select", "select": {"options": []}}
    destination = open_()
    problems = destination.check(ledger)
    assert [problem.split(".")[0] for problem in problems] == [
        "The property 'Hash' (rich_text) is missing",
        "The property 'Messages' is of type select; Messages needs number",
    ]
    with pytest.raises(Halt, match="does not fit"):
        destination.write([document(1)], ledger)
    assert notion.count("POST pages") == 0


def test_a_property_that_vanishes_during_a_run_stops_it(
    notion: FakeNotion, open_: Open, source: str, ledger: FileLedger
) -> None:
    destination = open_()
    destination.write([document(1)], ledger)
    del notion.sources[source].properties["Analysis"]
    with pytest.raises(Halt, match="The property 'Analysis'"):
        destination.write([document(2)], ledger)
    assert open_().check(ledger) != []


def test_names_are_mapped_and_fields_can_be_left_out(notion: FakeNotion, ledger: FileLedger) -> None:
    theirs = {"Titel": "title", "Nummer": "rich_text", "Thema": "select", "Hash": "rich_text"}
    source = notion.add_database(theirs)
    names = dict.fromkeys(FIELDS, "") | {"Conversation ID": "Nummer", "Category": "Thema", "Hash": "Hash"}
    destination = open_notion(settings_for(notion, source, property_names=names))
    assert destination.check(ledger) == []
    destination.write([document(1)], ledger)
    (page,) = notion.rows()
    assert (page.title, page.value("Nummer"), page.value("Thema")) == ("Talk 1", "chatgpt:talk-1", "Coding")
    before = notion.count()
    destination.write([document(1, summary="Unseen.")], ledger)
    assert notion.count() == before
    notion.edit(page.id, Titel="Mine")
    assert [edit.field for edit in edits_of(destination, ledger)] == ["title"]
    destination.close()


def test_categories_get_our_colours_once(notion: FakeNotion, open_: Open, source: str, ledger: FileLedger) -> None:
    documents = [
        document(n, category=["Coding", "Cooking"][n % 2], category_colour=["#d94a45", "blue"][n % 2]) for n in range(6)
    ]
    open_().write(documents, ledger)
    options = notion.sources[source].properties["Category"]["select"]["options"]
    assert {option["name"]: option["color"] for option in options} == {"Coding": "red", "Cooking": "blue"}
    assert notion.count("PATCH data_sources") == 1
    open_().write([document(9, category="Coding", category_colour="#d94a45")], ledger)
    assert notion.count("PATCH data_sources") == 1
    notion.edit(notion.rows()[0].id, Category="Theirs")
    open_().write([document(10, category="Third", category_colour="green")], ledger)
    options = notion.sources[source].properties["Category"]["select"]["options"]
    assert {option["name"] for option in options} == {"Coding", "Cooking", "Theirs", "Third"}


def test_projects_can_be_pages_of_their_own(notion: FakeNotion, ledger: FileLedger) -> None:
    wanted = settings(notion, parent_page_id=notion.parent_page_id, project_as="relation")
    connected = connect(wanted, confirm=yes)
    projects = connected.projects_data_source_id
    assert projects
    destination = open_notion(
        settings_for(notion, connected.data_source_id, project_as="relation", projects_data_source_id=projects)
    )
    assert destination.check(ledger) == []
    notion.fail_next("drop", on="POST pages", committed=True)
    destination.write([document(n, project_name=["House", "Garden"][n % 2]) for n in range(6)], ledger)
    pages = {page.title: page.id for page in notion.rows(projects)}
    assert sorted(pages) == ["Garden", "House"]
    page = notion.row("chatgpt:talk-0")
    assert page.value("Project") == [pages["House"]]
    notion.edit(page.id, Project=[pages["Garden"]])
    assert [(edit.field, edit.value) for edit in edits_of(destination, ledger)] == [("project", "Garden")]
    destination.close()


def test_several_data_sources_need_a_choice(notion: FakeNotion) -> None:
    source = notion.add_database(sources=2)
    with pytest.raises(Halt, match="Set data_source_id"):
        open_notion(settings(notion, database_id=notion.database_of(source)))


def test_a_database_that_is_not_shared_says_what_to_do(notion: FakeNotion) -> None:
    with pytest.raises(Halt, match="Share it with the connection"):
        open_notion(settings(notion, database_id="0" * 32))


def test_a_data_source_s_id_does_for_a_database_s(notion: FakeNotion, source: str) -> None:
    destination = open_notion(settings(notion, database_id=source))
    assert destination.instance == f"notion:{source}"
    destination.close()


def test_no_database_at_all_says_what_to_do(notion: FakeNotion) -> None:
    with pytest.raises(Halt, match="commonplace connect notion"):
        open_notion(settings(notion))


def test_the_token_is_never_shown() -> None:
    shown = NotionSettings(token="ntn_very_secret", database_id="abc")
    assert "very_secret" not in repr(shown)
    assert "very_secret" not in str(shown)
    assert "very_secret" not in repr(shown.__rich_repr__())
    assert "abc" in repr(shown)


def test_only_what_changes_the_pages_changes_the_settings_hash() -> None:
    plain = NotionSettings(token="a")
    assert plain.written_hash == NotionSettings(token="b", requests_per_minute=600, database_id="x").written_hash
    for change in ({"branches": True}, {"asides": False}, {"body": "blocks"}, {"property_names": {"Tags": "T"}}):
        assert NotionSettings(token="a", **change).written_hash != plain.written_hash


@pytest.mark.parametrize(
    ("address", "id"),
    [
        ("https://www.notion.so/me/My-Book-0123456789abcdef0123456789abcdef?v=fedcba9876543210fedcba9876543210",
         "0123456789abcdef0123456789abcdef"),
        ("https://app.notion.com/p/01234567-89ab-cdef-0123-456789abcdef#block", "01234567-89ab-cdef-0123-456789abcdef"),
        ("0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
        ("https://www.notion.so/me/no-id", "https://www.notion.so/me/no-id"),
    ],
)  # fmt: skip
def test_a_pasted_address_is_understood(address: str, id: str) -> None:
    settings = NotionSettings(token="t", database_id=address, parent_page_id=address)
    assert (settings.database_id, settings.parent_page_id) == (id, id)
