"""The page about new exports: the one click that is left, and what happens by itself. The commands say the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commonplace.archive import requests
from commonplace.archive.access import users
from commonplace.archive.conversations import imports
from commonplace.cli import app
from commonplace.cli.output import Output
from commonplace.moments import DAY, now
from commonplace.stages.requests.standing import named, say_mailed
from tests.web.conftest import HASHED, PASSWORD, Live, Start

OLD = '[accounts.chatgpt]\n[watch]\nfolders = ["{folder}", "{folder}/nowhere"]\n'


@pytest.fixture
def overdue(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    """An export came in long ago, and a folder is watched."""
    running = start(OLD.format(folder=tmp_path))
    users.add_user(running.archive, "me", HASHED(PASSWORD), owner="me")
    monkeypatch.setattr("commonplace.moments.now", lambda: now() - 40 * DAY)
    import_id = imports.start(running.archive, name="old.zip", signature="")
    imports.finish(running.archive, import_id, imports.Counts(), source="chatgpt", sha256="a")
    monkeypatch.undo()
    return running


def test_the_one_click_that_is_left_is_shown_and_noted(overdue: Live) -> None:
    browser = overdue.logged_in()
    page = browser.get("/exports")
    assert 'href="https://chatgpt.com/#settings/DataControls"' in page.text
    assert "It is time for a new one" in page.text
    browser.submit(page, "/exports/asked", account="chatgpt")
    assert requests.requests(overdue.archive)["chatgpt"].asked_at
    page = browser.get("/exports")
    assert "Nothing to do until the mail comes" in page.text
    assert "#settings/DataControls" not in page.text
    account = named(overdue.server.settings, overdue.archive, "chatgpt")
    say_mailed(overdue.archive, account, at=now(), link='https://chatgpt.com/x?a="&b')
    assert 'href="https://chatgpt.com/x?a=&#34;&amp;b" rel="noreferrer noopener"' in browser.get("/exports").text


def test_it_says_what_is_watched_and_what_is_not_there(overdue: Live, tmp_path: Path) -> None:
    text = overdue.logged_in().get("/exports").text
    assert f"<code>{tmp_path}</code>" in text
    assert text.count("not there now") == 1


def test_somebody_else_sees_no_folders_of_this_machine(overdue: Live, tmp_path: Path) -> None:
    users.add_user(overdue.archive, "guest", HASHED(PASSWORD), owner="guest")
    text = overdue.logged_in("guest").get("/exports").text
    assert str(tmp_path) not in text


def test_on_the_command_line_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Output, "as_json", False)
    run = CliRunner().invoke
    assert "no account 'chatgtp'" in run(app, ["exports", "asked", "chatgtp"]).output
    assert "Noted" in run(app, ["exports", "asked", "chatgpt"]).output
    assert "the mail comes" in run(app, ["exports", "status"]).output
    (found,) = json.loads(run(app, ["exports", "status", "--json"]).stdout)["accounts"]
    assert (found["state"], found["asked_at"][:2], found["imported_at"]) == ("asked", "20", None)
