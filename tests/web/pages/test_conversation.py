"""One conversation: what a person says of it stays, its branches and pages can be pointed at, its files do nothing."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import html5lib
import pytest
from sqlalchemy import event

from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import Filed, load_filed
from commonplace.archive.engine import outside_transactions
from commonplace.archive.files.files import ATTACHMENT, put_file
from commonplace.archive.inbox import Delivery
from commonplace.model import Attachment
from commonplace.stages.importing.events import receive
from tests.archive.builders import chat, message, simple_chat
from tests.sources.omi.test_reading import PIXEL, memory
from tests.web.conftest import Browser, Forms, Live
from tests.web.hostile import ID, LONG, fill

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def _filed(live: Live, id: str) -> Filed:
    return next(iter(load_filed(live.archive, [id])))


def _say(browser: Browser, id: str, action: str = "/correct", **values: str) -> None:
    page = browser.get(f"/conversations/{id}")
    reply = browser.submit(page, action, id=id, **values)
    assert reply.status_code == 303, reply.text


def test_what_a_person_says_survives_the_next_import_and_can_be_taken_back(live: Live) -> None:
    fill(live.archive)
    browser = live.logged_in()
    _say(browser, LONG, title="Mine", category="Food, Home & Travel", tags="a, b c", project="Kitchen")
    merge(live.archive, None, [simple_chat("long", "more", title="Theirs", updated=10**15)])
    filed = _filed(live, LONG)
    assert (filed.title, filed.category, filed.tags) == ("Mine", "Food, Home & Travel", ["a", "b c"])
    assert filed.project_name == "Kitchen"
    _say(browser, LONG, "/withdraw", field="category")
    _say(browser, LONG, "/withdraw", field="project")
    assert (_filed(live, LONG).category, _filed(live, LONG).project_name) == ("Coding", None)
    assert browser.get(f"/conversations/{LONG}?told=kept").text.count("Saved. What you set stays") == 1


def test_what_cannot_be_kept_is_said_and_nothing_typed_is_lost(live: Live) -> None:
    fill(live.archive)
    browser = live.logged_in()
    page = browser.get(f"/conversations/{LONG}")
    reply = browser.submit(page, "/correct", id=LONG, title="My title", category="No such", tags="t")
    assert reply.status_code == 400
    assert 'value="My title"' in reply.text
    assert "has no category" in reply.text


def test_on_a_full_disk_a_form_is_shown_again_and_programs_are_told_what_is_missing(live: Live) -> None:
    fill(live.archive)
    browser = live.logged_in()
    page = browser.get(f"/conversations/{LONG}")

    with outside_transactions(live.archive.engine).connect() as connection:
        connection.exec_driver_sql("VACUUM")

    def leave_no_room(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # as many as there are

    event.listen(live.archive.engine, "checkout", leave_no_room)
    tags = ", ".join(f"tag {number}" for number in range(400))  # more than fits where others are
    reply = browser.submit(page, "/correct", id=LONG, title="My title", tags=tags)
    assert reply.status_code == 507
    assert 'value="My title"' in reply.text
    assert "Make room" in reply.text
    (form,) = (form for form in Forms.of(page.text) if form["action"] == "/correct")
    typed = {**form["fields"], "id": LONG, "tags": tags}
    told = browser.client.post("/correct", data=typed, headers={"origin": live.url})
    assert (told.status_code, told.json()["error"]) == (507, "no_room")


def test_a_message_is_found_on_its_page_and_its_branch(live: Live) -> None:
    fill(live.archive)
    browser = live.logged_in()
    found = browser.get(f"/conversations/{LONG}", message="m100")
    assert found.headers["location"] == f"/conversations/{LONG}?page=2#m-m100"
    assert 'id="m-m100"' in browser.get(found.headers["location"]).text
    merge(
        live.archive,
        None,
        [
            chat(
                "split",
                [message("q"), message("old", "left", parent="q", at=1), message("new", "kept", parent="q", at=2)],
            )
        ],
    )
    page = browser.get("/conversations/chatgpt:split")
    assert "kept" in page.text
    assert "2 of 2" in page.text
    other = browser.get(browser.get("/conversations/chatgpt:split", message="old").headers["location"])
    assert "left" in other.text
    assert "This is another version of the conversation." in other.text


def test_only_pictures_are_shown_and_nothing_else_acts(live: Live) -> None:
    fill(live.archive)
    shown = put_file(live.archive, io.BytesIO(PNG), kind=ATTACHMENT, name="p")
    picture = Attachment(id="p", kind="image", name='a"b.png', sha256=shown)
    merge(live.archive, None, [chat("pic", [message("1", "![p](attachment:p)", attachments=[picture])])])
    browser = live.logged_in()
    assert f'<img src="/files/{shown}"' in browser.get("/conversations/chatgpt:pic").text
    reply = browser.get(f"/files/{shown}")
    assert (reply.headers["content-type"], reply.content) == ("image/png", PNG)
    assert "sandbox" in reply.headers["content-security-policy"]
    for each in (
        _filed(live, ID).conversation.messages[0].attachments
    ):  # an SVG and an HTML page that say they are images
        reply = browser.get(f"/files/{each.sha256}")
        assert reply.headers["content-type"] == "application/octet-stream"
        assert reply.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in reply.headers["content-security-policy"]


@pytest.mark.slow
def test_twenty_thousand_messages_are_some_pages(live: Live) -> None:
    merge(live.archive, None, [simple_chat("huge", *(f"word {n}" for n in range(20_000)))])
    page = live.logged_in().get("/conversations/chatgpt:huge?page=300")
    assert len(page.content) < 150_000
    assert "word 17950" in page.text


def test_what_omi_heard_is_told_by_speaker_with_what_is_to_be_done_and_its_pictures(live: Live) -> None:
    structured = {
        "title": "Quarter plan",
        "overview": "Talked it through.",
        "sections": [{"heading": "Decisions & <b>more</b>", "body_markdown": "- ship *now*"}],
        "action_items": [
            {"description": "Send the plan", "completed": False, "due_at": "2026-11-03T17:00:00+00:00"},
            {"description": "Book a room", "completed": True},
        ],
        "events": [{"title": "Review", "start": "2026-11-03T17:00:00+00:00", "description": "in the attic"}],
    }
    photos = [{"id": "p1", "base64": PIXEL, "description": "A whiteboard", "created_at": "2026-11-01T10:20:00Z"}]
    body = json.dumps(memory(structured=structured, photos=photos)).encode()
    live.server.inbox.put([Delivery(source="omi", kind="memory", uid="u", body=body)])
    assert receive(live.server.readers.of("me").session).new == 1
    page = live.logged_in().get("/conversations/omi:m-1")
    root = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page.text)
    said = [
        (one.get("class"), one.find("header/strong").text, " ".join("".join(one.find("div").itertext()).split()))
        for one in root.findall(".//article")
    ]
    assert said[:2] == [("message user", "You", "I'll send it."), ("message other", "Ana", "Great.")]
    assert said[2] == ("message user", "You", "A whiteboard")
    assert said[3][:2] == ("message assistant", "OMI")
    assert said[3][2].startswith(
        "Talked it through. Decisions & <b>more</b> ship now To do ☐ Send the plan (by 2026-11-03) ☑ Book a room "
        "Events Review (2026-11-03 17:00 UTC) in the attic"
    )
    (picture,) = root.findall(".//article//img")
    assert live.logged_in().get(picture.get("src")).content == base64.b64decode(PIXEL)
