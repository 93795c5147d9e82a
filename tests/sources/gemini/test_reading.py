"""What belongs together in Gemini's activity, which says nothing of it; and that saying it again changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from commonplace.model import Conversation
from commonplace.sources.gemini.dates import datetime_of
from commonplace.sources.gemini.markup import markdown_of
from tests.fakes.assistants import gemini_cell, gemini_entry, gemini_page
from tests.fakes.exports import as_json
from tests.sources.reading import read_all


def read(folder: Path, *entries: dict[str, Any]) -> list[Conversation]:
    """Entries come newest first."""
    path = folder / "MyActivity.json"
    path.write_bytes(as_json(list(reversed(entries))))
    found, defects = read_all(path)
    assert defects == []
    return found


BREAD = gemini_entry("How long does sourdough bread rise?", "<p>Overnight, in a cool kitchen.</p>")
MORE = gemini_entry("And in a warm kitchen?", "<p>Four hours.</p>", at="2026-03-01T10:05:00Z")
WHY = gemini_entry("Why?", "<p>Yeast likes it.</p>", at="2026-03-01T10:06:00Z")
TAXES = gemini_entry("Which form declares foreign dividends?", "<p>Annex KAP.</p>", at="2026-03-01T10:10:00Z")
AGAIN = gemini_entry("Which foreign dividends are exempt?", "<p>Few.</p>", at="2026-03-01T12:10:00Z")
LATER = gemini_entry("Does sourdough bread keep?", "<p>A week.</p>", at="2026-03-02T10:05:00Z")


def test_what_follows_soon_and_speaks_of_the_same_is_one_conversation(tmp_path: Path) -> None:
    bread, taxes, later = read(tmp_path, BREAD, MORE, WHY, TAXES, AGAIN, LATER)
    assert [message.text for message in bread.messages[::2]] == [
        "How long does sourdough bread rise?",
        "And in a warm kitchen?",
        "Why?",
    ]
    assert len(taxes.messages) == 4
    assert later.title == "Does sourdough bread keep?"
    assert bread.extra == {"grouped_by": "time and likeness"}


def test_a_later_export_adds_to_the_same_conversations(tmp_path: Path) -> None:
    (before,) = read(tmp_path, BREAD, MORE)
    after, taxes = read(tmp_path, BREAD, MORE, WHY, TAXES)
    assert after.id == before.id != taxes.id
    assert [message.id for message in after.messages][:4] == [message.id for message in before.messages]


def test_the_page_tells_of_the_same_messages_as_the_json(tmp_path: Path) -> None:
    (told,) = read(tmp_path, gemini_entry("Is 1 &lt; 2?\nYes or no", "<p>An <b>answer</b>.</p>", imageFile="a-1.png"))
    image = 'Attached 1 file.<br>-&nbsp; <a href="a-1.png">a.png</a><br>'
    path = tmp_path / "MyActivity.html"
    path.write_bytes(gemini_page(gemini_cell("Is 1 &amp;lt; 2?<br>Yes or no", "<p>An <b>answer</b>.</p>", files=image)))
    (shown,), _ = read_all(path)
    assert [(message.id, message.text) for message in shown.messages] == [
        (message.id, message.text) for message in told.messages
    ]
    assert shown.id == told.id
    assert [file.name for file in shown.messages[0].attachments] == ["a-1.png"]
    assert shown.messages[1].text == "An **answer**."


def test_answers_that_were_made_anew_are_branches_and_the_last_one_counts(tmp_path: Path) -> None:
    (told,) = read(tmp_path, gemini_entry("Which bread?", "<p>Rye.</p>", "<p>Wheat.</p>"), MORE)
    by_text = {message.text: message for message in told.messages}
    assert by_text["Rye."].parent_id == by_text["Wheat."].parent_id == by_text["Which bread?"].id
    assert (by_text["Rye."].is_active, by_text["Wheat."].is_active) == (False, True)
    assert by_text["And in a warm kitchen?"].parent_id == by_text["Wheat."].id


def test_what_is_no_question_is_kept_and_hidden(tmp_path: Path) -> None:
    feedback = gemini_entry("x", at="2026-03-01T10:01:00Z") | {"title": "Gave feedback: Good response"}
    (told,) = read(tmp_path, BREAD, feedback)
    assert [(message.role, message.is_hidden) for message in told.messages][2:] == [("system", True)]


def test_what_was_made_is_an_answer_and_no_question_of_the_persons(tmp_path: Path) -> None:
    made = gemini_entry("x", "<p>A plan.</p>", at="2026-03-01T10:01:00Z") | {
        "title": "Created Gemini Canvas titled Loaf"
    }
    (told,) = read(tmp_path, BREAD, made)
    assert [(message.role, message.is_hidden) for message in told.messages[2:]] == [
        ("system", True),
        ("assistant", False),
    ]


def test_a_picture_is_one(tmp_path: Path) -> None:
    note = {"name": "-  loaf.png", "url": "loaf-1.png"}
    (told,) = read(tmp_path, gemini_entry("What is this?", "<p>A loaf.</p>", imageFile="loaf-1.png", subtitles=[note]))
    assert [(file.kind, file.name) for file in told.messages[0].attachments] == [("image", "loaf-1.png")]


def test_entries_of_other_services_are_nobodys(tmp_path: Path) -> None:
    path = tmp_path / "MyActivity.json"
    path.write_bytes(as_json([BREAD, BREAD | {"header": "Search"}]))
    found, (defect,) = read_all(path)
    assert len(found) == 1
    assert "another of Google's services" in defect.reason


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("Jan 5, 2026, 10:13:07\u202fAM CET", datetime(2026, 1, 5, 9, 13, 7, tzinfo=UTC)),
        ("Jan 5, 2026, 12:13:07 AM PST", datetime(2026, 1, 5, 8, 13, 7, tzinfo=UTC)),
        ("05.01.2026, 22:13:07 MEZ", datetime(2026, 1, 5, 21, 13, 7, tzinfo=UTC)),
        ("5 août 2026, 10:13:07 UTC", datetime(2026, 8, 5, 10, 13, 7, tzinfo=UTC)),
        ("2026/01/05 10:13:07 JST", datetime(2026, 1, 5, 1, 13, 7, tzinfo=UTC)),
        ("1/5/2026, 10:13:07 PM GMT-03:30", datetime(2026, 1, 6, 1, 43, 7, tzinfo=UTC)),
        ("2026年1月5日 下午10:13:07 CST", datetime(2026, 1, 5, 14, 13, 7, tzinfo=UTC)),
        ("2026. 1. 5. 오전 12:13:07 KST", datetime(2026, 1, 4, 15, 13, 7, tzinfo=UTC)),
        ("5 янв. 2026 г., 10:13:07 MSK", datetime(2026, 1, 5, 7, 13, 7, tzinfo=UTC)),
        ("5 lis 2026, 10:13:07 CET", datetime(2026, 11, 5, 9, 13, 7, tzinfo=UTC)),
        ("5 Oca 2026 10:13:07 TRT", datetime(2026, 1, 5, 7, 13, 7, tzinfo=UTC)),
        ("5.1.2026 klo 10.13.07 EET", datetime(2026, 1, 5, 8, 13, 7, tzinfo=UTC)),
        ("5 de ene. de 2026, 10:13:07 p. m. CET", datetime(2026, 1, 5, 21, 13, 7, tzinfo=UTC)),
        ("22:13:07 5 thg 1, 2026 GMT+7", datetime(2026, 1, 5, 15, 13, 7, tzinfo=UTC)),
        ("5 tháng 1, 2026, 10:13:07 CH ICT", datetime(2026, 1, 5, 15, 13, 7, tzinfo=UTC)),
        ("5 ม.ค. 2569 22:13:07 GMT+07:00", datetime(2026, 1, 5, 15, 13, 7, tzinfo=UTC)),
        ("5 มกราคม 2026 เวลา 22:13:07 ICT", datetime(2026, 1, 5, 15, 13, 7, tzinfo=UTC)),
        ("5/1/2569 22:13:07 ICT", datetime(2026, 1, 5, 15, 13, 7, tzinfo=UTC)),
        ("5 जन॰ 2026, 10:13:07 pm IST", datetime(2026, 1, 5, 16, 43, 7, tzinfo=UTC)),
        ("५ मार्च २०२६, १०:१३:०७ अपराह्न IST", datetime(2026, 3, 5, 16, 43, 7, tzinfo=UTC)),
        ("31.02.2026, 10:13:07 UTC", None),
        ("at 10:13 we met", None),
    ],
)
def test_dates_are_read_as_languages_write_them(told: str, expected: datetime | None) -> None:
    assert datetime_of(told) == expected


def test_an_answers_html_becomes_markdown() -> None:
    html = (
        "<h2>Zips</h2><p>So <em>it</em> is <code>x</code>, <a href='https://e.x'>see</a>.</p>"
        "<ol><li><p>one</p></li><li>two<ul><li>deep</li></ul></li></ol><pre><code>a\n\n\n  b</code></pre>"
        "<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2|</td></tr></table>"
        "<blockquote>said</blockquote><script>alert(1)</script><hr>"
    )
    assert markdown_of(html) == (
        "## Zips\n\nSo *it* is `x`, [see](https://e.x).\n\n1. one\n\n2. two\n    - deep\n\n"
        "```\na\n\n\n  b\n```\n\n| A | B |\n|---|---|\n| 1 | 2\\| |\n\n> said\n\n---"
    )
    assert markdown_of("<b" * 5000 + "x") == ""


@pytest.mark.parametrize(
    "html",
    [
        "<p>One  two\nthree</p><p>four</p>",
        "<h2>A</h2><ul><li>one<ul><li>deep</li></ul></li><li><strong>b</strong></li></ul><hr>end",
        "<blockquote><p>said &amp; done</p></blockquote><pre><code>a\n  b &lt; c</code></pre>",
        "<ol><li>x</li><li>y<br>z</li></ol> 1 > 0",
    ],
)
def test_markup_that_needs_no_cleaning_reads_as_if_it_had_been_cleaned(html: str) -> None:
    assert markdown_of(html) == markdown_of(f'<p class="x"></p>{html}')


@pytest.mark.parametrize("html", ["a < b", "<p>a <b", "<p>x</p><script>alert(1)</script>", "<!-- c --><p>x</p>"])
def test_markup_that_is_broken_or_not_ours_is_cleaned_first(html: str) -> None:
    assert "<" not in markdown_of(html).replace("a < b", "")
    assert "alert" not in markdown_of(html)


@pytest.mark.parametrize(
    ("address", "is_chats"), [("https://gemini.google.com/app/abc12", True), ("https://example.org/app/a", False)]
)
def test_a_chat_leads_back_where_the_activity_says_its_address(tmp_path: Path, address: str, is_chats: bool) -> None:
    path = tmp_path / "MyActivity.json"
    path.write_bytes(as_json([gemini_entry("Why?", "<p>Because.</p>", titleUrl=address)]))
    ((told,), _) = read_all(path)
    assert told.url == (address if is_chats else None)
