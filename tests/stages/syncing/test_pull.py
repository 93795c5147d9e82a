"""What people change in Notion comes back, wins, and is not written over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from commonplace.archive.conversations.reading import Filed, conversation_ids, load_filed
from commonplace.archive.core import Archive
from commonplace.archive.memory import mark_of
from commonplace.archive.opening import open_archive
from commonplace.archive.verdicts.proposals import proposals
from commonplace.archive.verdicts.verdicts import correct
from commonplace.destinations.notion import NotionSettings, open_notion
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stages.categorizing.reviewing import add_category
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.stages.importing.stage import import_paths
from commonplace.stages.mapping import projects
from commonplace.stages.syncing.pending import Wishes
from commonplace.stages.syncing.report import SyncReport
from tests.fakes.notion import FakeNotion
from tests.stages.syncing.syncing import sync


@pytest.fixture
def notion() -> Iterator[FakeNotion]:
    with FakeNotion(per_window=6000) as fake:
        fake.add_database()
        yield fake


@pytest.fixture
def book(sqlite_archive: Archive, tmp_path: Path) -> Archive:
    write_sample(tmp_path / "sample.zip", conversations=6)
    import_paths(sqlite_archive, [tmp_path / "sample.zip"])
    return sqlite_archive


def _sync(book: Archive, notion: FakeNotion, wishes: Wishes = Wishes()) -> SyncReport:
    database = next(iter(notion.sources.values())).database_id
    settings = NotionSettings(
        token=notion.token, base_url=notion.base_url, database_id=database, requests_per_minute=6000
    )
    destination = open_notion(settings)
    try:
        return sync(book, destination, wishes=wishes, taxonomy=taxonomy_named(book, "everyday"))
    finally:
        destination.close()


def _filed(book: Archive, conversation_id: str) -> Filed:
    return next(iter(load_filed(book, [conversation_id])))


def test_a_category_and_a_project_come_back_and_are_not_written_over(book: Archive, notion: FakeNotion) -> None:
    assert _sync(book, notion).created == 6
    edited = conversation_ids(book)[0]
    row = notion.row(edited)
    notion.pass_time(5)
    notion.edit(row.id, Category="Health & Fitness", Project="Knee")
    report = _sync(book, notion)
    assert report.pulled == 2
    assert _filed(book, edited).category == "Health & Fitness"
    assert _filed(book, edited).project_name == "Knee"
    assert notion.row(edited).value("Category") == "Health & Fitness"
    assert _sync(book, notion).pulled == 0


def test_a_category_that_is_none_is_left_and_offered_as_a_new_one(book: Archive, notion: FakeNotion) -> None:
    _sync(book, notion)
    edited, other = conversation_ids(book)[:2]
    notion.pass_time(5)
    for id in (edited, other):
        notion.edit(notion.row(id).id, Category="Knitting")
    report = _sync(book, notion)
    assert (report.pulled, report.conflicts) == (0, 2)
    assert {problem.conversation_id for problem in report.problems} == {edited, other}
    assert "Knitting" not in str(report.problems)
    assert _filed(book, edited).category != "Knitting"
    assert {name: set(ids) for name, ids in proposals(book, "everyday").items()} == {"Knitting": {edited, other}}
    assert _sync(book, notion).conflicts == 0  # told once, offered until it is taken or given up
    assert add_category(book, "everyday", "Knitting", origin="cli") == {"category": "Knitting", "given_to": 2}
    assert proposals(book, "everyday") == {}
    assert _sync(book, notion).conflicts == 0
    assert _filed(book, edited).category == "Knitting"
    assert notion.row(edited).value("Category") == "Knitting"


def test_a_category_that_is_given_up_is_not_offered_any_more(book: Archive, notion: FakeNotion) -> None:
    _sync(book, notion)
    edited = conversation_ids(book)[0]
    for category in ("Knitting", "Weaving", "coding"):
        notion.pass_time(5)
        notion.edit(notion.row(edited).id, Category=category)
        _sync(book, notion)
    assert proposals(book, "everyday") == {}


def test_a_spelling_of_a_category_is_that_category(book: Archive, notion: FakeNotion) -> None:
    _sync(book, notion)
    edited = conversation_ids(book)[0]
    notion.pass_time(5)
    notion.edit(notion.row(edited).id, Category="hEALTH & fitness")
    assert _sync(book, notion).pulled == 1
    assert _filed(book, edited).category == "Health & Fitness"
    assert notion.row(edited).value("Category") == "Health & Fitness"
    assert _sync(book, notion).pulled == 0


@pytest.mark.parametrize("field", ["Category", "Project", "Tags", "Name"])
def test_an_older_edit_there_does_not_beat_a_newer_word_here(book: Archive, notion: FakeNotion, field: str) -> None:
    _sync(book, notion)
    edited = conversation_ids(book)[0]
    there = {"Category": "Coding", "Project": "There", "Tags": ["there"], "Name": "There"}
    here = {"Category": "Health & Fitness", "Project": "Here", "Tags": ["here"], "Name": "Here"}
    notion.pass_time(-10)
    notion.edit(notion.row(edited).id, **{field: there[field]})
    notion.pass_time(10)
    if field == "Project":
        projects.assign(book, "Here", [edited], new=True)
    else:
        name: Any = {"Category": "category", "Tags": "tags", "Name": "title"}[field]
        correct(book, edited, name, here[field], origin="cli", taxonomy="everyday")
    report = _sync(book, notion)
    assert (report.pulled, report.conflicts, report.updated) == (0, 0, 1)
    row = notion.row(edited)
    assert (row.title if field == "Name" else row.value(field)) == here[field]
    assert _sync(book, notion).updated == 0


def test_an_edit_of_what_was_corrected_before_wins_whatever_the_clocks_say(book: Archive, notion: FakeNotion) -> None:
    _sync(book, notion)
    edited = conversation_ids(book)[0]
    correct(book, edited, "category", "Coding", origin="cli", taxonomy="everyday")
    projects.assign(book, "Here", [edited], new=True)
    _sync(book, notion)
    notion.pass_time(-30)  # a clock that is late
    notion.edit(notion.row(edited).id, Category="Health & Fitness", Project="There")
    notion.pass_time(31)
    notion.row(edited).edited = notion.now()
    assert _sync(book, notion).pulled == 2
    assert (_filed(book, edited).category, _filed(book, edited).project_name) == ("Health & Fitness", "There")


def test_a_renamed_column_clears_nothing(book: Archive, notion: FakeNotion) -> None:
    for id in conversation_ids(book):
        projects.assign(book, "Garden", [id], new=True)
    _sync(book, notion)
    (source,) = notion.sources
    notion.pass_time(5)
    notion.rename_property(source, "Project", "Area")
    notion.edit(notion.rows()[0].id, Category="Coding")
    report = _sync(book, notion)
    assert (report.pulled, report.conflicts) == (1, 0)
    assert {_filed(book, id).project_name for id in conversation_ids(book)} == {"Garden"}


def test_a_lost_archive_takes_no_word_of_a_person_away(
    book: Archive, notion: FakeNotion, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    _sync(book, notion)
    ids = conversation_ids(book)
    notion.pass_time(5)
    for id in ids[:3]:
        notion.edit(notion.row(id).id, Category="Health & Fitness", Tags=["mine"], Project="Knee", Name="My title")
    _sync(book, notion)
    for id in ids[3:]:
        notion.edit(notion.row(id).id, Category="Coding")
    with open_archive(new_database("sqlite"), files=tmp_path / "others") as fresh:
        import_paths(fresh, [tmp_path / "sample.zip"])
        refused = _sync(fresh, notion)
        assert refused.stopped
        assert f"--adopt {mark_of(book)}" in (refused.hint or "")
        assert (refused.pulled, refused.created, refused.updated) == (0, 0, 0)
        report = _sync(fresh, notion, Wishes(adopt=(mark_of(book),)))
        assert (report.stopped, report.created, report.conflicts) == (None, 0, 0)
        for id in ids[:3]:
            filed, row = _filed(fresh, id), notion.row(id)
            assert (filed.category, filed.tags, filed.project_name) == ("Health & Fitness", ["mine"], "Knee")
            assert (row.title, row.value("Category"), row.value("Tags")) == ("My title", "Health & Fitness", ["mine"])
        assert {_filed(fresh, id).category for id in ids[3:]} == {"Coding"}
        notion.pass_time(5)
        notion.edit(notion.row(ids[3]).id, Category="Health & Fitness")
        assert _sync(fresh, notion).pulled == 1  # once is enough
    assert len(notion.rows()) == len(ids)
