"""Forms that come too late, or after somebody else's: nothing typed is lost, no word is overwritten unseen."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from commonplace.archive import leases
from commonplace.archive.access import users
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import load_filed
from commonplace.archive.leases import hold
from commonplace.archive.verdicts.verdicts import correct
from commonplace.web import server
from tests.archive.builders import simple_chat
from tests.web.conftest import HASHED, PASSWORD, Live, Start

ID = "chatgpt:a"


@pytest.fixture
def filled(live: Live) -> Live:
    merge(live.archive, None, [simple_chat("a", "one", title="First")])
    return live


def _title(live: Live) -> str | None:
    return next(iter(load_filed(live.archive, [ID]))).title


def test_a_form_that_comes_after_the_session_is_sent_once_more_after_the_login(filled: Live) -> None:
    browser = filled.logged_in()
    page = browser.get(f"/conversations/{ID}")
    browser.client.cookies.clear()
    late = browser.submit(page, "/correct", title="A long <thought>")
    assert late.status_code == 403
    assert "What you typed is kept" in late.text
    wrong = browser.submit(late, "/login", name="me", password="not it")
    again = browser.submit(wrong, "/login", name="me", password=PASSWORD)
    assert "A long &lt;thought&gt;" in again.text
    assert _title(filled) == "First"  # nothing is done without a word
    assert browser.submit(again, "/correct").status_code == 303
    assert _title(filled) == "A long <thought>"


def test_a_form_of_an_older_session_is_shown_again_and_one_from_elsewhere_is_not(filled: Live) -> None:
    browser = filled.logged_in()
    old = browser.get(f"/conversations/{ID}")
    browser.client.cookies.clear()
    newer = filled.logged_in()
    again = newer.submit(old, "/correct", title="Second")
    assert again.status_code == 403
    assert newer.submit(again, "/correct").status_code == 303
    assert _title(filled) == "Second"
    beside = newer.submit(again, "/correct")  # which was filled in before that
    assert "Somebody has changed this meanwhile; it is now: Second" in beside.text
    from_elsewhere = {"accept": "text/html", "origin": "https://elsewhere.example"}
    sent = newer.client.post("/correct", data={"id": ID, "title": "Theirs"}, headers=from_elsewhere)
    assert sent.status_code == 403
    assert "Theirs" not in sent.text


def test_what_somebody_changed_meanwhile_is_shown_before_it_is_overwritten(filled: Live) -> None:
    browser = filled.logged_in()
    page = browser.get(f"/conversations/{ID}")
    correct(filled.archive, ID, "title", "Theirs", origin="notion")
    beside = browser.submit(page, "/correct", title="Mine")
    assert "Somebody has changed this meanwhile; it is now: Theirs" in beside.text
    assert 'value="Mine"' in beside.text
    assert _title(filled) == "Theirs"
    assert browser.submit(beside, "/correct", title="Mine").status_code == 303
    assert _title(filled) == "Mine"


def test_while_a_backup_is_restored_pages_say_so_and_nothing_is_changed(filled: Live) -> None:
    browser = filled.logged_in()
    with hold(filled.archive, leases.restoring()):
        page = browser.get(f"/conversations/{ID}")
        assert "The archive is being restored" in page.text
        refused = browser.submit(page, "/correct", title="Lost?")
        assert refused.status_code == 503
        assert "Lost?" in refused.text
        assert "The archive is being restored." in refused.text
    assert _title(filled) == "First"


def test_what_goes_on_cannot_keep_a_page_from_being_made(filled: Live) -> None:
    browser = filled.logged_in()
    with filled.archive.write() as connection:
        connection.execute(text("DROP TABLE leases"))
    assert browser.get("/conversations/chatgpt:nothing").status_code == 404
    assert browser.get("/account").status_code == 200


def test_while_another_program_writes_pages_are_read_and_nothing_typed_in_a_form_is_lost(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PATIENCE_SECONDS", 0.2)
    live = start()
    users.add_user(live.archive, "me", HASHED(PASSWORD), owner="me")
    merge(live.archive, None, [simple_chat("a", "one", title="First")])
    browser = live.logged_in()
    page = browser.get(f"/conversations/{ID}")
    with live.archive.write():
        assert browser.get(f"/conversations/{ID}").status_code == 200
        late = browser.submit(page, "/correct", title="A long <thought>")
    assert late.status_code == 503
    assert "Try again in a moment." in late.text
    assert "A long &lt;thought&gt;" in late.text
    assert browser.submit(late, "/correct").status_code == 303
    assert _title(live) == "A long <thought>"
