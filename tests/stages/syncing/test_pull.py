"""What people change in Notion comes back, wins, and is not written over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from commonplace.archive.conversations.reading import Filed, conversation_ids, load_filed
from commonplace.archive.core import Archive
from commonplace.destinations.notion import NotionSettings, open_notion
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.stages.importing.stage import import_paths
from commonplace.stages.syncing.stage import SyncReport, sync
from tests.fakes.notion import FakeNotion


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


def _sync(book: Archive, notion: FakeNotion) -> SyncReport:
    database = next(iter(notion.sources.values())).database_id
    settings = NotionSettings(
        token=notion.token, base_url=notion.base_url, database_id=database, requests_per_minute=6000
    )
    destination = open_notion(settings)
    try:
        return sync(book, destination, taxonomy=taxonomy_named(book, "everyday"))
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


def test_a_category_that_is_none_is_told_and_left(book: Archive, notion: FakeNotion) -> None:
    _sync(book, notion)
    edited = conversation_ids(book)[0]
    notion.pass_time(5)
    notion.edit(notion.row(edited).id, Category="Knitting")
    report = _sync(book, notion)
    assert (report.pulled, report.conflicts) == (0, 1)
    assert report.problems[0].conversation_id == edited
    assert _filed(book, edited).category != "Knitting"
