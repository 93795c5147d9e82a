"""What people change in the properties of notes comes back, and wins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from commonplace.archive.conversations.reading import Filed, conversation_ids, load_filed
from commonplace.archive.core import Archive
from commonplace.archive.schema import ledger
from commonplace.archive.verdicts.verdicts import correct
from commonplace.destinations.markdown import MarkdownSettings, open_markdown
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.stages.importing.stage import import_paths
from commonplace.stages.syncing.report import SyncReport
from tests.stages.syncing.syncing import sync


class Book:
    """An archive of three conversations, and its folder of notes."""

    def __init__(self, archive: Archive, folder: Path) -> None:
        self.archive = archive
        self.folder = folder
        self.first = conversation_ids(archive)[0]
        correct(archive, self.first, "category", "Coding", origin="cli", taxonomy="everyday")
        correct(archive, self.first, "tags", ["moss garden", "rain"], origin="cli")

    def sync(self) -> SyncReport:
        destination = open_markdown(MarkdownSettings(folder=str(self.folder)))
        return sync(self.archive, destination, taxonomy=taxonomy_named(self.archive, "everyday"))

    def note(self) -> Path:
        return next(path for path in self.folder.rglob("*.md") if f"id: {self.first}\n" in path.read_text())

    def change(self, old: str, new: str) -> None:
        note = self.note()
        text = note.read_text()
        assert old in text
        note.write_text(text.replace(old, new, 1))

    def filed(self) -> Filed:
        return next(iter(load_filed(self.archive, [self.first])))


@pytest.fixture
def book(sqlite_archive: Archive, tmp_path: Path) -> Book:
    write_sample(tmp_path / "sample.zip", conversations=3)
    import_paths(sqlite_archive, [tmp_path / "sample.zip"])
    made = Book(sqlite_archive, tmp_path / "notes")
    assert made.sync().created == 3
    return made


def test_a_category_and_a_project_come_back_and_stand(book: Book) -> None:
    book.change("category: Coding\n", "category: Health & Fitness\n")
    if "\nproject: " in book.note().read_text():
        line = next(line for line in book.note().read_text().splitlines() if line.startswith("project: "))
        book.change(line, "project: Knee")
    else:
        book.change("source: chatgpt\n", "source: chatgpt\nproject: Knee\n")
    assert book.sync().pulled == 2
    assert (book.filed().category, book.filed().project_name) == ("Health & Fitness", "Knee")
    assert "category: Health & Fitness\n" in book.note().read_text()
    again = book.sync()
    assert (again.pulled, again.updated, again.conflicts) == (0, 0, 0)


def test_tags_that_were_not_touched_keep_their_spelling(book: Book) -> None:
    book.change("  - moss-garden\n", "  - moss-garden\n  - slate\n")
    book.change("  - rain\n", "")
    assert book.sync().pulled == 1
    assert book.filed().tags == ["moss garden", "slate"]


def test_a_title_that_a_person_gave_is_the_title(book: Book) -> None:
    line = next(line for line in book.note().read_text().splitlines() if line.startswith("title: "))
    book.change(line, "title: What the moss said")
    assert book.sync().pulled == 1
    assert "# What the moss said\n" in book.note().read_text()


def test_a_category_that_is_none_is_told_once_and_left_as_it_is(book: Book) -> None:
    book.change("category: Coding\n", "category: Mosses\n")
    assert book.sync().conflicts == 1
    assert book.sync().conflicts == 0
    assert "category: Mosses\n" in book.note().read_text()
    assert book.filed().category == "Coding"


def test_a_property_that_is_gone_takes_nothing_away_and_an_emptied_project_does(book: Book) -> None:
    book.change("source: chatgpt\n", "source: chatgpt\nproject: Knee\n") if (
        "\nproject: " not in book.note().read_text()
    ) else None
    book.sync()
    project = book.filed().project_name
    line = next(line for line in book.note().read_text().splitlines() if line.startswith("project: "))
    book.change(f"{line}\n", "")
    assert book.sync().pulled == 0
    assert book.filed().project_name == project
    book.change("source: chatgpt\n", "source: chatgpt\nproject:\n")
    assert book.sync().pulled == 1
    assert book.filed().project_name is None


def test_a_persons_word_survives_the_loss_of_the_ledger(book: Book) -> None:
    book.change("category: Coding\n", "category: Math\n")
    with book.archive.write() as connection:
        connection.execute(ledger.delete())
    assert book.sync().pulled == 1
    assert book.filed().category == "Math"


def test_notes_that_nobody_touched_are_not_read(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    from commonplace.destinations.markdown import edits

    def read(text: str) -> None:
        raise AssertionError("read")

    monkeypatch.setattr(edits, "read_note", read)
    assert book.sync().pulled == 0
    os.utime(book.note(), ns=(1, 1))
    with pytest.raises(AssertionError, match="read"):
        book.sync()


@pytest.mark.parametrize(
    "written",
    [
        "category: health & fitness\n",
        "category: 'Health & Fitness' # mine\n",
        "category:\n  - Health & Fitness\n",
        "category: [Health & Fitness]\n",
        'category: "[[Health & Fitness]]"\n',
        'category: "[[categories/Health & Fitness|fit]]"\n',
    ],
)
def test_however_a_vault_writes_a_word_it_comes_back_as_often_as_it_is_said(book: Book, written: str) -> None:
    for _ in range(2):
        book.change("category: Coding\n", written)
        book.sync()
        assert book.filed().category == "Health & Fitness"
        correct(book.archive, book.first, "category", "Coding", origin="cli", taxonomy="everyday")
        book.sync()


@pytest.mark.parametrize("nothing", ["", "~", "null", "[]"])
def test_a_property_that_says_nothing_is_no_word(book: Book, nothing: str) -> None:
    book.change("category: Coding\n", f"category: {nothing}\n")
    assert book.sync().conflicts == 0
    assert book.filed().category == "Coding"
