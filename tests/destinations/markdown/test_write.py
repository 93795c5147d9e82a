"""What a note says, where it lies, and what it is called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations.contract import Document
from commonplace.destinations.markdown import MarkdownSettings, open_markdown
from commonplace.model import Attachment, Message
from tests.destinations.documents import MARCH, document
from tests.destinations.markdown.notes import NOTE, Notes


def test_a_note_is_complete(notes: Notes) -> None:
    notes.write(
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
    text = notes.read("conversations/2026/How to.md")
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


def test_messages_say_when_they_were_said_and_answers_by_which_model(notes: Notes) -> None:
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
    notes.write(document("1", messages=messages))
    headings = [line for line in notes.read(NOTE).splitlines() if line.startswith("## ")]
    assert headings == ["## You · 00:00", "## Assistant · gpt-6 · 00:01", "## You · 2026-03-02 00:00", "## You"]


def test_a_file_name_with_brackets_leads_to_its_file(notes: Notes, tmp_path: Path) -> None:
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
    notes.write(document("1", messages=[message]), files=Files())
    assert "(../../attachments/plan%20v2-ababababab.csv)" in notes.read(NOTE)


def test_index_pages_list_what_belongs_to_them_and_go_with_the_last(notes: Notes) -> None:
    notes.write(
        document("1", "First [one]", project_name="Garden", category="Work"),
        document("2", "Second", project_name="Garden", conversation={"created_at": None, "updated_at": None}),
    )
    page = notes.read("projects/Garden.md")
    assert "2 conversations\n\n- [First \\[one\\]](../conversations/2026/First%20one.md) · 2026-03-01\n" in page
    assert "- [Second](../conversations/undated/Second.md)\n" in page
    assert "categories/Work.md" in notes.files()
    notes.write(document("1", "First [one]", version=2), document("2", "Second", version=2, project_name="House"))
    assert [path for path in notes.files() if not path.startswith("conv")] == ["projects/House.md"]


def test_a_title_that_changes_renames_the_note_and_leaves_no_orphan(notes: Notes) -> None:
    notes.write(document("1", "Before"))
    assert notes.states(document("1", "After", version=2)) == ["updated"]
    assert notes.files() == ["conversations/2026/After.md"]


def test_notes_of_one_title_are_told_apart_by_their_ids(notes: Notes) -> None:
    notes.write(document("aaa", "Same"), document("bbb", "Same"), document("ccc", "SAME"))
    assert notes.files() == [
        "conversations/2026/SAME (ccc).md",
        "conversations/2026/Same (bbb).md",
        "conversations/2026/Same.md",
    ]
    notes.write(document("bbb", "Other", version=2))
    assert "conversations/2026/Other.md" in notes.files()
    assert len(notes.files()) == 3


class Pictures:
    def __init__(self, path: Path) -> None:
        self._path = path

    def path_of(self, attachment: Attachment) -> Path | None:
        return self._path if attachment.sha256 else None


def _with_pictures(*attachments: Attachment, text: str, version: int = 1) -> Document:
    said = Message(id="m", role="assistant", text=text, digest=b"x", attachments=list(attachments))
    return document("1", messages=[said], version=version)


def test_attachments_come_along(notes: Notes, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"picture")
    here = Attachment(id="f1", kind="image", name="My pic*.png", sha256="ab" * 32, size=7)
    gone = Attachment(id="f2", kind="file", name="report.pdf")
    text = "![My pic](attachment:f1) and [report](attachment:f2) and [x](attachment:f3)"
    notes.write(_with_pictures(here, gone, text=text), files=Pictures(source))
    assert "![My pic](../../attachments/My%20pic-ababababab.png) and *file: report.pdf* and *x*" in notes.read(NOTE)
    assert (notes.folder / "attachments/My pic-ababababab.png").read_bytes() == b"picture"
    notes.write(_with_pictures(here, gone, text=text, version=2), files=Pictures(source), attachments=False)
    assert "*image: My pic\\*.png* and" in notes.read(NOTE)


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


def test_branches_thoughts_and_tools_are_folded(notes: Notes) -> None:
    notes.write(document("1", messages=list(_branches())))
    body = notes.read(NOTE).split("-->\n", 1)[1]
    assert body == (
        "# A title\n\n2026-03-01 00:00\n\n## You\n\nQuestion\n\n"
        "> [!quote]- Another branch, 1 message\n>\n> **Assistant**\n>\n> Old answer\n\n"
        "## Assistant\n\n> [!note]- Thoughts\n>\n> hm\n\n> [!example]- Tool: python\n>\n> 42\n\nNew answer\n"
        "<!-- commonplace:end -->\n"
    )


def test_where_several_people_speak_each_has_a_name(notes: Notes) -> None:
    said = [Message(id="1", role="user", text="I'll send it.", digest=b"x")]
    said.append(Message(id="2", role="user", text="Great.", digest=b"x", author="Ana *"))
    notes.write(document("1", messages=said))
    assert "## You\n\nI'll send it.\n\n## Ana \\*\n\nGreat." in notes.read(NOTE)


def test_they_can_be_left_out_and_what_is_missing_is_said(notes: Notes) -> None:
    notes.write(document("1", messages=list(_branches())), branches=False, asides=False)
    body = notes.read(NOTE).split("-->\n", 1)[1]
    assert body == (
        "# A title\n\n2026-03-01 00:00\n\n## You\n\nQuestion\n\n*Another branch, 1 message, is not shown here.*\n\n"
        "## Assistant\n\nNew answer\n<!-- commonplace:end -->\n"
    )


def test_a_message_cannot_end_our_region(notes: Notes) -> None:
    notes.write(document("1", "A title", "```\n<!-- commonplace:end -->\n```\nmore"))
    assert notes.states(document("1", "A title", "```\n<!-- commonplace:end -->\n```\nmore", version=2)) == [
        "unchanged"
    ]


@pytest.mark.parametrize(
    ("layout", "path"),
    [
        ("project", "conversations/Garden/2026-03-01 A title.md"),
        ("category", "conversations/no category/2026-03-01 A title.md"),
        ("flat", "conversations/2026-03-01 A title.md"),
    ],
)
def test_folders_and_names_are_a_matter_of_taste(notes: Notes, layout: str, path: str) -> None:
    notes.write(document("1", project_name="Garden"))
    notes.write(document("1", project_name="Garden", version=2), layout=layout, dated_names=True)
    assert [found for found in notes.files() if found.startswith("conv")] == [path]


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
def test_cited_sources_are_in_the_note_also_without_a_mark_in_the_text(notes: Notes, asides: bool) -> None:
    cited = {"sources": [{"title": "A page", "url": "https://a.org"}]}
    answer = Message(id="1", role="assistant", text="So it is.", digest=b"x", extra=cited)
    notes.write(document(messages=[answer]), asides=asides)
    assert "So it is.\n\n> [!quote]- Sources\n>\n> - [A page](https://a.org)\n" in notes.read(NOTE)
