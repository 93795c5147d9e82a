"""A folder of notes beside people: they move, rename, edit and delete, and nothing of theirs is lost."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations.contract import Document
from commonplace.destinations.markdown import MarkdownSettings, open_markdown
from commonplace.destinations.markdown.vault import Vault
from commonplace.errors import Halt
from commonplace.model import Attachment, Message, Outcome
from tests.destinations.documents import MARCH, document


class Desk:
    """A folder, a ledger, and runs of processes that know each other only through them."""

    def __init__(self, folder: Path, archive: Archive) -> None:
        self.folder = folder
        self._archive = archive

    def write(self, *batch: Document, files: Any = None, **settings: Any) -> list[Outcome]:
        destination = open_markdown(MarkdownSettings(folder=str(self.folder), **settings), files)
        ledger = ArchiveLedger(self._archive, destination.instance)
        outcomes = destination.write(batch, ledger)
        destination.finish(outcomes, ledger)
        return outcomes

    def states(self, *batch: Document, **settings: Any) -> list[str]:
        return [outcome.state for outcome in self.write(*batch, **settings)]

    def ledger(self) -> ArchiveLedger:
        return ArchiveLedger(self._archive, f"markdown:{self.folder}")

    def files(self) -> list[str]:
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.folder).as_posix() for path in found)

    def read(self, path: str) -> str:
        return (self.folder / path).read_text()

    def append(self, path: str, more: bytes) -> None:
        (self.folder / path).write_bytes((self.folder / path).read_bytes() + more)

    def change(self, path: str, old: str, new: str) -> None:
        text = self.read(path)
        assert old in text
        (self.folder / path).write_text(text.replace(old, new))


@pytest.fixture
def desk(tmp_path: Path, sqlite_archive: Archive) -> Desk:
    return Desk(tmp_path / "notes", sqlite_archive)


NOTE = "conversations/2026/A title.md"


def test_a_note_is_complete(desk: Desk) -> None:
    desk.write(
        document(
            "1",
            "How: to?",
            "Why #1?",
            "So.",
            category="Work",
            category_emoji="💼",
            tags=["Two words", "#x", "12"],
            summary="It is so.",
            project_name="Garden",
            conversation={"model": "gpt-6", "url": "https://chatgpt.com/c/1"},
        ),
        timezone="Asia/Tokyo",
    )
    text = desk.read("conversations/2026/How to.md")
    head, _, region = text.partition("-->\n")
    assert head.splitlines()[:-1] == [
        "---",
        "id: chatgpt:1",
        'title: "How: to?"',
        "aliases:",
        '  - "How: to?"',
        "created: 2026-03-01T09:00:00",
        "updated: 2026-03-01T09:00:00",
        "category: Work",
        "tags:",
        "  - Two-words",
        "  - x",
        "project: Garden",
        "source: chatgpt",
        "model: gpt-6",
        "url: https://chatgpt.com/c/1",
        "message_count: 2",
        "summary: It is so.",
        "---",
    ]
    assert region == (
        "# How: to?\n\n2026-03-01 09:00 · Project: [Garden](../../projects/Garden.md) · "
        "Category: 💼 [Work](../../categories/Work.md) · [Open the original](https://chatgpt.com/c/1)\n\n"
        "## You\n\nWhy #1?\n\n## Assistant\n\nSo.\n<!-- commonplace:end -->\n"
    )


def test_messages_say_when_they_were_said_and_answers_by_which_model(desk: Desk) -> None:
    minute = 60_000_000
    said = [
        ("user", None, 0),
        ("assistant", "gpt-6", 1),
        ("assistant", "gpt-6", 1),
        ("user", None, 24 * 60),
        ("user", None, None),
    ]
    messages = [
        Message(
            id=f"1-{n}",
            role=role,  # type: ignore[arg-type]
            text=f"Text {n}.",
            digest=b"x",
            position=n,
            model=model,
            created_at=None if after is None else MARCH + after * minute,
        )
        for n, (role, model, after) in enumerate(said)
    ]
    desk.write(document("1", messages=messages))
    headings = [line for line in desk.read(NOTE).splitlines() if line.startswith("## ")]
    assert headings == ["## You · 00:00", "## Assistant · gpt-6 · 00:01", "## You · 2026-03-02 00:00", "## You"]


def test_a_file_name_with_brackets_leads_to_its_file(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"1,2")

    class Files:
        def path_of(self, attachment: Attachment) -> Path:
            return tmp_path / "bytes"

    attachment = Attachment(id="f1", name="plan [v2].csv", kind="file", sha256="ab" * 32)
    message = Message(
        id="m",
        role="assistant",
        text="Here is [plan [v2].csv](attachment:f1).",
        digest=b"x",
        position=0,
        attachments=[attachment],
    )
    desk.write(document("1", messages=[message]), files=Files())
    assert "(../../attachments/plan%20v2-ababababab.csv)" in desk.read(NOTE)


def test_index_pages_list_what_belongs_to_them_and_go_with_the_last(desk: Desk) -> None:
    desk.write(
        document("1", "First [one]", project_name="Garden", category="Work"),
        document("2", "Second", project_name="Garden", conversation={"created_at": None, "updated_at": None}),
    )
    page = desk.read("projects/Garden.md")
    assert "2 conversations\n\n- [First \\[one\\]](../conversations/2026/First%20one.md) · 2026-03-01\n" in page
    assert "- [Second](../conversations/undated/Second.md)\n" in page
    assert "categories/Work.md" in desk.files()
    desk.write(document("1", "First [one]", version=2), document("2", "Second", version=2, project_name="House"))
    assert [path for path in desk.files() if not path.startswith("conv")] == ["projects/House.md"]


def test_what_a_person_writes_on_an_index_page_keeps_it(desk: Desk) -> None:
    desk.write(document("1", project_name="Garden"))
    desk.append("projects/Garden.md", b"My plans.\n")
    desk.write(document("1", project_name="House", version=2))
    page = desk.read("projects/Garden.md")
    assert page.endswith("My plans.\n")
    assert "# Garden\n\nNo conversations\n<!--" in page


def test_a_title_that_changes_renames_the_note_and_leaves_no_orphan(desk: Desk) -> None:
    desk.write(document("1", "Before"))
    assert desk.states(document("1", "After", version=2)) == ["updated"]
    assert desk.files() == ["conversations/2026/After.md"]


def test_notes_of_one_title_are_told_apart_by_their_ids(desk: Desk) -> None:
    desk.write(document("aaa", "Same"), document("bbb", "Same"), document("ccc", "SAME"))
    assert desk.files() == [
        "conversations/2026/SAME (ccc).md",
        "conversations/2026/Same (bbb).md",
        "conversations/2026/Same.md",
    ]
    desk.write(document("bbb", "Other", version=2))
    assert "conversations/2026/Other.md" in desk.files()
    assert len(desk.files()) == 3


def test_a_file_of_a_person_is_never_overwritten(desk: Desk) -> None:
    mine = desk.folder / NOTE
    mine.parent.mkdir(parents=True)
    mine.write_text("My own note.")
    desk.write(document("1"))
    assert mine.read_text() == "My own note."
    assert desk.files() == ["conversations/2026/A title (1).md", NOTE]


def test_a_note_is_found_wherever_a_person_moved_it_and_stays_there(desk: Desk) -> None:
    desk.write(document("1", project_name="Garden"))
    moved = desk.folder / "My folder" / "deeper" / "My name.md"
    moved.parent.mkdir(parents=True)
    (desk.folder / NOTE).rename(moved)
    assert desk.states(document("1", "New title", "New words", version=2, project_name="Garden")) == ["updated"]
    assert "New words" in moved.read_text()
    assert "(../../projects/Garden.md)" in moved.read_text()
    assert "(../My%20folder/deeper/My%20name.md)" in desk.read("projects/Garden.md")
    assert desk.files() == ["My folder/deeper/My name.md", "projects/Garden.md"]


def test_a_note_that_was_only_moved_still_follows_its_title(desk: Desk) -> None:
    desk.write(document("1", "Before"))
    (desk.folder / "mine").mkdir()
    (desk.folder / "conversations/2026/Before.md").rename(desk.folder / "mine/Before.md")
    desk.write(document("1", "After", version=2))
    assert desk.files() == ["mine/After.md"]


def test_what_is_written_around_our_text_is_kept(desk: Desk) -> None:
    desk.write(document("1"))
    desk.change(NOTE, "---\n<!-- ", "rating: 5\n---\nMy thoughts first.\n\n<!-- ")
    desk.append(NOTE, b"\nMy thoughts after.\r\nNot UTF-8: \xff\n")
    assert desk.states(document("1", "A title", "New words", version=2)) == ["updated"]
    data = (desk.folder / NOTE).read_bytes()
    assert b"rating: 5\n" in data
    assert b"---\nMy thoughts first.\n\n<!-- commonplace:begin" in data
    assert data.endswith(b"<!-- commonplace:end -->\n\nMy thoughts after.\r\nNot UTF-8: \xff\n")
    assert b"New words" in data


def test_a_change_to_our_text_is_kept_beside_it_and_told_once(desk: Desk) -> None:
    desk.write(document("1"))
    desk.change(NOTE, "A test.", "My better answer.")
    assert desk.states(document("1")) == ["conflict"]
    copy = desk.read("conversations/2026/A title (edited copy).md")
    assert "My better answer." in copy
    assert "commonplace_copy_of: chatgpt:1\n" in copy
    assert "<!-- commonplace:" not in copy
    assert "\nid:" not in copy
    assert "A test." in desk.read(NOTE)
    assert desk.ledger().get(["chatgpt:1"])["chatgpt:1"].state == "conflict"
    assert desk.states(document("1")) == ["unchanged"]
    assert len(desk.files()) == 2
    desk.change(NOTE, "A test.", "Another answer.")
    assert desk.states(document("1", version=2)) == ["conflict"]
    assert "Another answer." in desk.read("conversations/2026/A title (edited copy 2).md")


def test_a_note_whose_marks_are_gone_is_kept_beside_it(desk: Desk) -> None:
    desk.write(document("1"))
    (desk.folder / NOTE).write_text("---\nid: chatgpt:1\nmine: 1\n---\nAll my own now.\n")
    assert desk.states(document("1", version=2)) == ["conflict"]
    assert "All my own now." in desk.read("conversations/2026/A title (edited copy).md")
    assert "A test." in desk.read(NOTE)
    assert "mine: 1" in desk.read(NOTE)


def test_what_programs_do_by_themselves_is_no_change(desk: Desk) -> None:
    """Other line ends, spaces at the ends of lines, links rewritten because the note was moved."""
    desk.write(document("1", project_name="Garden"))
    text = desk.read(NOTE).replace("../../projects/Garden.md", "projects/Garden.md").replace("A test.", "A test.  ")
    (desk.folder / NOTE).write_bytes(text.replace("\n", "\r\n").encode())
    assert desk.states(document("1", project_name="Garden", version=2)) == ["updated"]
    assert desk.states(document("1", project_name="Garden", version=3)) == ["unchanged"]


def test_a_killed_run_tells_of_a_conflict_in_the_next(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write(document("1"))
    desk.change(NOTE, "A test.", "My better answer.")
    with monkeypatch.context() as patched:
        patched.setattr(ArchiveLedger, "done", lambda *args, **options: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            desk.write(document("1", version=2))
    assert desk.states(document("1", version=2)) == ["conflict"]
    assert desk.states(document("1", version=2)) == ["unchanged"]
    assert len(desk.files()) == 2


def test_a_deleted_note_comes_back_or_stays_away(desk: Desk) -> None:
    desk.write(document("1"))
    (desk.folder / NOTE).unlink()
    assert desk.states(document("1", version=2), on_deleted="skip") == ["skipped"]
    assert desk.files() == []
    assert desk.ledger().get(["chatgpt:1"])["chatgpt:1"].input_hash == "v2"
    assert desk.states(document("1", version=3)) == ["created"]


def test_a_folder_that_disappeared_stops_the_run(desk: Desk) -> None:
    desk.write(document("1"))
    shutil.rmtree(desk.folder)
    with pytest.raises(Halt, match="not there any more"):
        desk.write(document("1", version=2))
    desk.folder.mkdir()
    assert desk.states(document("1", version=2)) == ["created"]


def test_a_full_disk_stops_the_run_and_what_was_done_is_noted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.fsync, []

    def full_at_the_second(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full_at_the_second)
        with pytest.raises(Halt, match="No space left"):
            desk.write(document("1", "One"), document("2", "Two"), document("3", "Three"))
    assert desk.files() == ["conversations/2026/One.md"]
    assert {id: entry.state for id, entry in desk.ledger().remote_ids()} == {"chatgpt:1": "done"}
    assert desk.states(*(document(n, title) for n, title in (("1", "One"), ("2", "Two"), ("3", "Three")))) == [
        "unchanged",
        "created",
        "created",
    ]


def test_one_note_that_cannot_be_written_fails_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Vault.create

    def refuse(self: Vault, note_id: str | None, text: str, candidates: Any) -> str:
        if note_id == "chatgpt:2":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(self, note_id, text, candidates)

    monkeypatch.setattr(Vault, "create", refuse)
    outcomes = desk.write(document("1", "One"), document("2", "Two"), document("3", "Three"))
    assert [outcome.state for outcome in outcomes] == ["created", "failed", "created"]
    assert outcomes[1].reason == "The note could not be written: Permission denied."
    assert desk.ledger().get(["chatgpt:2"])["chatgpt:2"].state == "failed"


class Pictures:
    def __init__(self, path: Path) -> None:
        self._path = path

    def path_of(self, attachment: Attachment) -> Path | None:
        return self._path if attachment.sha256 else None


def _with_pictures(*attachments: Attachment, text: str, version: int = 1) -> Document:
    said = Message(id="m", role="assistant", text=text, digest=b"x", attachments=list(attachments))
    return document("1", messages=[said], version=version)


def test_attachments_come_along(desk: Desk, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"picture")
    here = Attachment(id="f1", kind="image", name="My pic*.png", sha256="ab" * 32, size=7)
    gone = Attachment(id="f2", kind="file", name="report.pdf")
    text = "![My pic](attachment:f1) and [report](attachment:f2) and [x](attachment:f3)"
    desk.write(_with_pictures(here, gone, text=text), files=Pictures(source))
    assert "![My pic](../../attachments/My%20pic-ababababab.png) and *file: report.pdf* and *x*" in desk.read(NOTE)
    assert (desk.folder / "attachments/My pic-ababababab.png").read_bytes() == b"picture"
    desk.write(_with_pictures(here, gone, text=text, version=2), files=Pictures(source), attachments=False)
    assert "*image: My pic\\*.png* and" in desk.read(NOTE)


def _branches() -> Sequence[Message]:
    def said(id: str, role: Any, text: str, **fields: Any) -> Message:
        return Message(id=id, role=role, text=text, digest=b"x", **fields)

    return [
        said("1", "user", "Question"),
        said("2", "assistant", "Old answer", is_active=False),
        said("3", "assistant", "<details><summary>Thoughts</summary>\n\nhm\n\n</details>"),
        said("4", "tool", "42", author="python"),
        said("5", "assistant", "New answer"),
        said("6", "system", "hidden", is_hidden=True),
        said("7", "user", "   "),
    ]


def test_branches_thoughts_and_tools_are_folded(desk: Desk) -> None:
    desk.write(document("1", messages=list(_branches())))
    body = desk.read(NOTE).split("-->\n", 1)[1]
    assert body == (
        "# A title\n\n2026-03-01 00:00\n\n## You\n\nQuestion\n\n"
        "> [!quote]- Another branch, 1 message\n>\n> **Assistant**\n>\n> Old answer\n\n"
        "## Assistant\n\n> [!note]- Thoughts\n>\n> hm\n\n> [!example]- Tool: python\n>\n> 42\n\nNew answer\n"
        "<!-- commonplace:end -->\n"
    )


def test_where_several_people_speak_each_has_a_name(desk: Desk) -> None:
    said = [Message(id="1", role="user", text="I'll send it.", digest=b"x")]
    said.append(Message(id="2", role="user", text="Great.", digest=b"x", author="Ana *"))
    desk.write(document("1", messages=said))
    assert "## You\n\nI'll send it.\n\n## Ana \\*\n\nGreat." in desk.read(NOTE)


def test_they_can_be_left_out_and_what_is_missing_is_said(desk: Desk) -> None:
    desk.write(document("1", messages=list(_branches())), branches=False, asides=False)
    body = desk.read(NOTE).split("-->\n", 1)[1]
    assert body == (
        "# A title\n\n2026-03-01 00:00\n\n## You\n\nQuestion\n\n*Another branch, 1 message, is not shown here.*\n\n"
        "## Assistant\n\nNew answer\n<!-- commonplace:end -->\n"
    )


def test_a_message_cannot_end_our_region(desk: Desk) -> None:
    desk.write(document("1", "A title", "```\n<!-- commonplace:end -->\n```\nmore"))
    assert desk.states(document("1", "A title", "```\n<!-- commonplace:end -->\n```\nmore", version=2)) == ["unchanged"]


@pytest.mark.parametrize(
    ("layout", "path"),
    [
        ("project", "conversations/Garden/2026-03-01 A title.md"),
        ("category", "conversations/no category/2026-03-01 A title.md"),
        ("flat", "conversations/2026-03-01 A title.md"),
    ],
)
def test_folders_and_names_are_a_matter_of_taste(desk: Desk, layout: str, path: str) -> None:
    desk.write(document("1", project_name="Garden"))
    desk.write(document("1", project_name="Garden", version=2), layout=layout, dated_names=True)
    assert [found for found in desk.files() if found.startswith("conv")] == [path]


def test_settings_that_change_what_is_written_change_the_hash() -> None:
    plain = MarkdownSettings(folder="a")
    assert plain.written_hash == MarkdownSettings(folder="b", on_deleted="skip").written_hash
    for change in ({"layout": "flat"}, {"timezone": "Asia/Tokyo"}, {"asides": False}, {"remote_images": True}):
        assert MarkdownSettings(folder="a", **change).written_hash != plain.written_hash


def test_what_stands_in_the_way_is_said_before(tmp_path: Path, sqlite_archive: Archive) -> None:
    (tmp_path / "file").write_text("x")
    destination = open_markdown(MarkdownSettings(folder=str(tmp_path / "file")))
    ledger = ArchiveLedger(sqlite_archive, destination.instance)
    assert destination.check(ledger) == [f"{tmp_path / 'file'} is a file. Choose another folder for the notes."]


@pytest.mark.parametrize("asides", [True, False])
def test_cited_sources_are_in_the_note_also_without_a_mark_in_the_text(desk: Desk, asides: bool) -> None:
    cited = {"sources": [{"title": "A page", "url": "https://a.org"}]}
    answer = Message(id="1", role="assistant", text="So it is.", digest=b"x", extra=cited)
    desk.write(document(messages=[answer]), asides=asides)
    assert "So it is.\n\n> [!quote]- Sources\n>\n> - [A page](https://a.org)\n" in desk.read(NOTE)
