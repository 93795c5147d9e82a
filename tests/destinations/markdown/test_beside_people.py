"""A folder of notes beside people: they move, rename, edit and delete, and nothing of theirs is lost."""

from __future__ import annotations

import errno
import os
import shutil
from typing import Any

import pytest

from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations.markdown.vault import Vault
from commonplace.errors import Halt
from tests.destinations.documents import document
from tests.destinations.markdown.notes import NOTE, Notes


def test_what_a_person_writes_on_an_index_page_keeps_it(notes: Notes) -> None:
    notes.write(document("1", project_name="Garden"))
    notes.append("projects/Garden.md", b"My plans.\n")
    notes.write(document("1", project_name="House", version=2))
    page = notes.read("projects/Garden.md")
    assert page.endswith("My plans.\n")
    assert "# Garden\n\nNo conversations\n<!--" in page


def test_a_file_of_a_person_is_never_overwritten(notes: Notes) -> None:
    mine = notes.folder / NOTE
    mine.parent.mkdir(parents=True)
    mine.write_text("My own note.")
    notes.write(document("1"))
    assert mine.read_text() == "My own note."
    assert notes.files() == ["conversations/2026/A title (1).md", NOTE]


def test_a_note_is_found_wherever_a_person_moved_it_and_stays_there(notes: Notes) -> None:
    notes.write(document("1", project_name="Garden"))
    moved = notes.folder / "My folder" / "deeper" / "My name.md"
    moved.parent.mkdir(parents=True)
    (notes.folder / NOTE).rename(moved)
    assert notes.states(document("1", "New title", "New words", version=2, project_name="Garden")) == ["updated"]
    assert "New words" in moved.read_text()
    assert "(../../projects/Garden.md)" in moved.read_text()
    assert "(../My%20folder/deeper/My%20name.md)" in notes.read("projects/Garden.md")
    assert notes.files() == ["My folder/deeper/My name.md", "projects/Garden.md"]


def test_a_note_that_was_only_moved_still_follows_its_title(notes: Notes) -> None:
    notes.write(document("1", "Before"))
    (notes.folder / "mine").mkdir()
    (notes.folder / "conversations/2026/Before.md").rename(notes.folder / "mine/Before.md")
    notes.write(document("1", "After", version=2))
    assert notes.files() == ["mine/After.md"]


def test_what_is_written_around_our_text_is_kept(notes: Notes) -> None:
    notes.write(document("1"))
    notes.change(NOTE, "---\n<!-- ", "rating: 5\n---\nMy thoughts first.\n\n<!-- ")
    notes.append(NOTE, b"\nMy thoughts after.\r\nNot UTF-8: \xff\n")
    assert notes.states(document("1", "A title", "New words", version=2)) == ["updated"]
    data = (notes.folder / NOTE).read_bytes()
    assert b"rating: 5\n" in data
    assert b"---\nMy thoughts first.\n\n<!-- commonplace:begin" in data
    assert data.endswith(b"<!-- commonplace:end -->\n\nMy thoughts after.\r\nNot UTF-8: \xff\n")
    assert b"New words" in data


def test_a_change_to_our_text_is_kept_beside_it_and_told_once(notes: Notes) -> None:
    notes.write(document("1"))
    notes.change(NOTE, "A test.", "My better answer.")
    assert notes.states(document("1")) == ["conflict"]
    copy = notes.read("conversations/2026/A title (edited copy).md")
    assert "My better answer." in copy
    assert "commonplace_copy_of: chatgpt:1\n" in copy
    assert "<!-- commonplace:" not in copy
    assert "\nid:" not in copy
    assert "A test." in notes.read(NOTE)
    assert notes.ledger().get(["chatgpt:1"])["chatgpt:1"].state == "conflict"
    assert notes.states(document("1")) == ["unchanged"]
    assert len(notes.files()) == 2
    notes.change(NOTE, "A test.", "Another answer.")
    assert notes.states(document("1", version=2)) == ["conflict"]
    assert "Another answer." in notes.read("conversations/2026/A title (edited copy 2).md")


def test_a_note_whose_marks_are_gone_is_kept_beside_it(notes: Notes) -> None:
    notes.write(document("1"))
    (notes.folder / NOTE).write_text("---\nid: chatgpt:1\nmine: 1\n---\nAll my own now.\n")
    assert notes.states(document("1", version=2)) == ["conflict"]
    assert "All my own now." in notes.read("conversations/2026/A title (edited copy).md")
    assert "A test." in notes.read(NOTE)
    assert "mine: 1" in notes.read(NOTE)


def test_what_programs_do_by_themselves_is_no_change(notes: Notes) -> None:
    """Other line ends, spaces at the ends of lines, links rewritten because the note was moved."""
    notes.write(document("1", project_name="Garden"))
    text = notes.read(NOTE).replace("../../projects/Garden.md", "projects/Garden.md").replace("A test.", "A test.  ")
    (notes.folder / NOTE).write_bytes(text.replace("\n", "\r\n").encode())
    assert notes.states(document("1", project_name="Garden", version=2)) == ["updated"]
    assert notes.states(document("1", project_name="Garden", version=3)) == ["unchanged"]


def test_a_killed_run_tells_of_a_conflict_in_the_next(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    notes.write(document("1"))
    notes.change(NOTE, "A test.", "My better answer.")
    with monkeypatch.context() as patched:
        patched.setattr(ArchiveLedger, "done", lambda *args, **options: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            notes.write(document("1", version=2))
    assert notes.states(document("1", version=2)) == ["conflict"]
    assert notes.states(document("1", version=2)) == ["unchanged"]
    assert len(notes.files()) == 2


def test_a_deleted_note_comes_back_or_stays_away(notes: Notes) -> None:
    notes.write(document("1"))
    (notes.folder / NOTE).unlink()
    assert notes.states(document("1", version=2), on_deleted="skip") == ["skipped"]
    assert notes.files() == []
    assert notes.ledger().get(["chatgpt:1"])["chatgpt:1"].input_hash == "v2"
    assert notes.states(document("1", version=3)) == ["created"]


def test_a_folder_that_disappeared_stops_the_run(notes: Notes) -> None:
    notes.write(document("1"))
    shutil.rmtree(notes.folder)
    with pytest.raises(Halt, match="not there any more"):
        notes.write(document("1", version=2))
    notes.folder.mkdir()
    assert notes.states(document("1", version=2)) == ["created"]


def test_a_full_disk_stops_the_run_and_what_was_done_is_noted(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.fsync, []

    def full_at_the_second(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full_at_the_second)
        with pytest.raises(Halt, match="No space left"):
            notes.write(document("1", "One"), document("2", "Two"), document("3", "Three"))
    assert notes.files() == ["conversations/2026/One.md"]
    assert {id: entry.state for id, entry in notes.ledger().remote_ids()} == {"chatgpt:1": "done"}
    assert notes.states(*(document(n, title) for n, title in (("1", "One"), ("2", "Two"), ("3", "Three")))) == [
        "unchanged",
        "created",
        "created",
    ]


def test_one_note_that_cannot_be_written_fails_alone(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Vault.create

    def refuse(self: Vault, note_id: str | None, text: str, candidates: Any) -> str:
        if note_id == "chatgpt:2":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(self, note_id, text, candidates)

    monkeypatch.setattr(Vault, "create", refuse)
    outcomes = notes.write(document("1", "One"), document("2", "Two"), document("3", "Three"))
    assert [outcome.state for outcome in outcomes] == ["created", "failed", "created"]
    assert outcomes[1].reason == "The note could not be written: Permission denied."
    assert notes.ledger().get(["chatgpt:2"])["chatgpt:2"].state == "failed"
