"""Images and files are on the page itself: uploaded once, in their place, and never in the way of the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from commonplace.archive.files.files import hash_file
from commonplace.destinations.contract import Document
from commonplace.model import Attachment, Message, Outcome
from tests.destinations.notion.conftest import Open
from tests.destinations.notion.test_incremental import sent
from tests.destinations.notion.world import FileLedger, document_of, message
from tests.destinations.notion.world import document as plain_document
from tests.fakes.notion import FakeNotion
from tests.fakes.notion.markdown import Block

MEDIA = ("image", "file", "pdf", "audio", "video")
PNG = b"\x89PNG\r\n\x1a\n"


class Shelf:
    """Files for who only knows attachments."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def attachment(self, id: str, content: bytes = b"", **more: Any) -> Attachment:
        path = self._folder / id
        path.write_bytes(content or PNG + id.encode())
        sha256 = hash_file(path)
        path.rename(self._folder / sha256)
        return Attachment(**{"id": id, "kind": "image", "name": f"{id}.png", "sha256": sha256} | more)

    def path_of(self, attachment: Attachment) -> Path | None:
        path = self._folder / (attachment.sha256 or "none")
        return path if path.is_file() else None


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture
def open_with_files(open_: Open, shelf: Shelf) -> Open:
    return lambda **changes: open_(files=shelf, **changes)


def said(number: int, text: str, *attachments: Attachment) -> Message:
    shown = [f"{'!' if a.kind == 'image' else ''}[{a.name}](attachment:{a.id})" for a in attachments]
    message_ = message("\n\n".join([text, *shown]), ("user", "assistant")[number % 2], number=number)
    message_.attachments = list(attachments)
    return message_


def talk(*messages: Message, number: int = 1) -> Document:
    conversation = plain_document(number).conversation
    conversation.messages = list(messages)
    return document_of(conversation, category="Coding")


def only(outcomes: list[Outcome]) -> Outcome:
    (outcome,) = outcomes
    return outcome


def files_on(notion: FakeNotion, row: int = 0) -> list[tuple[str, str]]:
    return [(block.type, block.text) for block in notion.rows()[row].blocks if block.type in MEDIA]


@pytest.mark.parametrize("body", ["markdown", "blocks"])
def test_images_and_files_are_on_the_page_where_they_were_shown(
    notion: FakeNotion, open_with_files: Open, ledger: FileLedger, shelf: Shelf, body: str
) -> None:
    cat = shelf.attachment("cat")
    plan = shelf.attachment("plan", b"%PDF-1.7 plan", kind="file", name="plan.pdf")
    table = shelf.attachment("table", b"a,b", kind="file", name="table.csv")
    unnamed = shelf.attachment("unnamed", name=None)
    given = talk(said(0, "Look!", cat, plan), said(1, "I see."), said(2, "And these", table, unnamed))
    outcome = only(open_with_files(body=body).write([given], ledger))
    assert (outcome.state, outcome.reason) == ("created", None)
    assert files_on(notion) == [
        ("image", "🖼 cat.png"), ("pdf", "📎 plan.pdf"), ("file", "📎 table.csv"), ("image", "🖼 None"),
    ]  # fmt: skip
    page = notion.rows()[0]
    shown = [block.file for block in page.blocks if block.type in MEDIA]
    assert shown == [cat.sha256, plan.sha256, table.sha256, unnamed.sha256]
    assert page.text.index("cat.png") < page.text.index("I see.") < page.text.index("table.csv")
    assert "Not on this page" not in page.text
    assert (notion.count("POST file_uploads"), notion.count("POST pages")) == (8, 1)


def test_what_is_there_is_not_uploaded_again(
    notion: FakeNotion, open_with_files: Open, ledger: FileLedger, shelf: Shelf
) -> None:
    cat, dog = shelf.attachment("cat"), shelf.attachment("dog")
    first = said(0, "Look!", cat)
    open_with_files().write([talk(first)], ledger)
    before = notion.count()
    assert only(open_with_files().write([talk(first)], ledger)).state == "unchanged"
    assert sent(notion, before) == []
    assert only(open_with_files().write([talk(first, said(1, "A dog?", dog))], ledger)).state == "updated"
    assert len(notion.uploads) == 2
    rewritten = talk(said(0, "Look here!", cat), said(1, "A dog?", dog))
    assert only(open_with_files().write([rewritten], ledger)).state == "updated"
    assert len(notion.uploads) == 2
    assert files_on(notion) == [("image", "🖼 cat.png"), ("image", "🖼 dog.png")]


def test_an_upload_that_notion_does_not_know_any_more_is_made_anew(
    notion: FakeNotion, open_with_files: Open, ledger: FileLedger, shelf: Shelf
) -> None:
    cat = shelf.attachment("cat")
    open_with_files().write([talk(said(0, "Look!", cat))], ledger)
    notion.uploads.clear()
    assert only(open_with_files().write([talk(said(0, "Look here!", cat))], ledger)).state == "updated"
    assert files_on(notion) == [("image", "🖼 cat.png")]
    assert notion.rows()[0].text.count("Look here!") == 1


FAULTS: dict[str, Callable[[FakeNotion], None]] = {
    "its upload is not answered": lambda n: n.fail_next("drop", on="POST file_uploads"),
    "its bytes do not arrive": lambda n: n.fail_next("drop", on="POST file_uploads/"),
    "its bytes arrive unanswered": lambda n: n.fail_next("drop", on="POST file_uploads/", committed=True),
    "the page is made unanswered": lambda n: n.fail_next("drop", on="POST pages", committed=True),
    "the page is not made": lambda n: n.fail_next("drop", on="POST pages"),
    "its bytes never arrive": lambda n: n.fail_next("drop", on="POST file_uploads/", times=3),
    "Notion is busy": lambda n: n.fail_next("429", on="POST file_uploads", retry_after=0.01, times=2),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_is_there_once_whatever_goes_wrong(
    notion: FakeNotion, open_with_files: Open, ledger: FileLedger, shelf: Shelf, fault: str
) -> None:
    FAULTS[fault](notion)
    given = [talk(said(0, "Look!", shelf.attachment("cat")))]
    outcomes = open_with_files().write(given, ledger)
    if outcomes[0].state == "uncertain":
        outcomes = open_with_files().write(given, ledger)
    assert only(outcomes).state == "created"
    assert len(notion.rows()) == 1
    assert files_on(notion) == ([] if "never" in fault else [("image", "🖼 cat.png")])
    assert notion.rows()[0].text.count("🖼 cat.png") == 1


def test_a_run_that_was_cut_off_between_upload_and_page_leaves_nothing_twice(
    notion: FakeNotion, open_with_files: Open, ledger: FileLedger, shelf: Shelf
) -> None:
    many = [shelf.attachment(f"cat{n}") for n in range(130)]  # two requests for the body
    given = talk(said(0, "Look!", *many))
    notion.fail_next("401", on="PATCH blocks")
    with pytest.raises(Exception, match="token"):
        open_with_files().write([given], ledger)
    assert only(open_with_files().write([given], ledger)).state == "updated"
    assert files_on(notion) == [("image", f"🖼 cat{n}.png") for n in range(130)]
    assert len(notion.rows()) == 1


def test_a_plan_without_uploads_is_told_once_and_not_asked_again_in_the_run(
    notion: FakeNotion, open_with_files: Open, ledger: FileLedger, shelf: Shelf
) -> None:
    notion.fail_next("403", on="POST file_uploads", reason="Uploads need a plan.")
    cat, dog = shelf.attachment("cat"), shelf.attachment("dog")
    first = only(open_with_files().write([talk(said(0, "Look!", cat, dog))], ledger))
    assert first.state == "created"
    assert "Uploads need a plan." in (first.reason or "")
    second = only(open_with_files().write([talk(said(0, "Look!", dog), number=2)], ledger))
    assert second.reason == "Left out: 1 image (shown as a caption)."
    assert notion.count("POST file_uploads") == 1
    assert files_on(notion, 0) == files_on(notion, 1) == []
    assert all("🖼 dog.png" in row.text for row in notion.rows())
    list(open_with_files().pull(ledger, None))  # the next run
    open_with_files().write([talk(said(0, "Look!", dog), number=3)], ledger)
    assert files_on(notion, 2) == [("image", "🖼 dog.png")]


def test_a_file_that_notion_does_not_take_is_its_name(
    notion: FakeNotion, open_with_files: Open, ledger: FileLedger, shelf: Shelf
) -> None:
    cat = shelf.attachment("cat")
    program = shelf.attachment("program", b"print()", kind="file", name="program.py")
    absent = Attachment(id="gone", kind="file", name="gone.txt", sha256="0" * 64)
    outcome = only(open_with_files().write([talk(said(0, "Look!", program, cat, absent))], ledger))
    assert (outcome.state, outcome.reason) == ("created", "Left out: 2 of the files, which Notion did not take.")
    assert files_on(notion) == [("image", "🖼 cat.png")]
    assert "📎 program.py" in notion.rows()[0].text


def test_a_picture_that_notion_cannot_show_is_a_file_and_none_keeps_the_page_away(
    notion: FakeNotion, open_with_files: Open, ledger: FileLedger, shelf: Shelf
) -> None:
    scan = shelf.attachment("scan", b"BM", name="scan.bmp")
    assert only(open_with_files().write([talk(said(0, "Look!", scan))], ledger)).state == "created"
    assert files_on(notion) == [("file", "🖼 scan.bmp")]
    photo = shelf.attachment("photo", name="photo.heic")  # of which this Notion knows nothing
    outcome = only(open_with_files().write([talk(said(0, "Look!", photo), number=2)], ledger))
    assert (outcome.state, outcome.reason) == ("created", "Left out: 1 of the files, which Notion did not take.")
    assert "🖼 photo.heic" in notion.row("chatgpt:talk-2").text
    grown = talk(said(0, "Look!", scan), said(1, "And this?", photo))
    assert only(open_with_files().write([grown], ledger)).state == "updated"
    assert notion.row("chatgpt:talk-1").text.count("And this?") == 1


@pytest.mark.parametrize(
    ("megabytes", "size"), [(0, 10), (1, 1_000_001)], ids=["by the setting", "because it is large"]
)
def test_a_file_is_not_uploaded(
    notion: FakeNotion, open_with_files: Open, ledger: FileLedger, shelf: Shelf, megabytes: int, size: int
) -> None:
    cat = shelf.attachment("cat", size=size)
    outcome = only(open_with_files(upload_megabytes=megabytes).write([talk(said(0, "Look!", cat))], ledger))
    assert outcome.reason == "Left out: 1 image (shown as a caption)."
    assert notion.count("POST file_uploads") == 0


def test_uploads_that_are_wanted_no_more_go_and_a_persons_pictures_stay(
    notion: FakeNotion, open_with_files: Open, ledger: FileLedger, shelf: Shelf
) -> None:
    cat = shelf.attachment("cat")
    table = shelf.attachment("table", b"a,b", kind="file", name="table.csv")
    open_with_files().write([talk(said(0, "Look!", cat, table))], ledger)
    notion.write_on(notion.rows()[0].id, Block("image", "my own"), Block("file", ""))
    again = talk(said(0, "Look here!", cat, table))
    assert only(open_with_files().write([again], ledger)).state == "updated"
    assert files_on(notion) == [
        ("image", "🖼 cat.png"), ("file", "📎 table.csv"), ("image", "my own"), ("file", ""),
    ]  # fmt: skip
    without = msgspec.structs.replace(again, input_hash="without")
    assert only(open_with_files(upload_megabytes=0).write([without], ledger)).state == "updated"
    assert files_on(notion) == [("image", "my own"), ("file", "")]


@pytest.mark.parametrize("body", ["markdown", "blocks"])
@pytest.mark.parametrize("own", [None, Block("file", ""), Block("pdf", "my own"), Block("image", "my own")])
def test_a_page_with_our_files_alone_is_ours_to_remove(
    notion: FakeNotion, open_with_files: Open, ledger: FileLedger, shelf: Shelf, body: str, own: Block | None
) -> None:
    table = shelf.attachment("table", b"a,b", kind="file", name="table_1.csv")
    open_with_files(body=body).write([talk(said(0, "Look!", shelf.attachment("cat"), table))], ledger)
    if own:
        notion.write_on(notion.rows()[0].id, own)
    outcome = only(open_with_files(body=body).remove(["chatgpt:talk-1"], ledger))
    assert outcome.state == ("conflict" if own else "removed")
