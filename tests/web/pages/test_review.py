"""Reviewing: without a hand on the mouse, several at once, and every answer can be taken back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import load_filed
from commonplace.archive.verdicts.verdicts import count_waiting, record_verdicts
from commonplace.model import Verdict
from tests.archive.builders import simple_chat
from tests.web.chromium import log_in
from tests.web.conftest import Live


@pytest.fixture
def waiting(live: Live) -> Live:
    merge(live.archive, None, [simple_chat(f"c{n}", f"question {n}", title=f"Chat {n}") for n in range(4)])
    verdicts = [
        Verdict(
            conversation_id=f"chatgpt:c{n}",
            content_hash="",
            category="Coding",
            runner_up="Math",
            confidence=0.1 + n / 100,
            evidence=["<b>loop", "python"],
            taxonomy="everyday",
            taxonomy_hash="",
            judge="local/v2",
            model="m",
            prompt_version="1",
        )
        for n in range(4)
    ]
    record_verdicts(live.archive, verdicts, review_below=0.5)
    return live


def _category(live: Live, n: int) -> str | None:
    return next(iter(load_filed(live.archive, [f"chatgpt:c{n}"]))).category


@pytest.mark.browser
def test_a_sitting_by_keyboard_alone(waiting: Live, chrome: Any) -> None:
    watched = log_in(chrome, waiting)
    page = watched.open("/review")
    expect(page.get_by_role("heading", name="Chat 0")).to_be_visible()
    page.keyboard.press("2")  # what the judge nearly said
    expect(page.get_by_role("heading", name="Chat 1")).to_be_visible()
    assert _category(waiting, 0) == "Math"
    page.keyboard.press("u")
    expect(page.get_by_role("heading", name="Chat 0")).to_be_visible()
    assert (_category(waiting, 0), count_waiting(waiting.archive)) == ("Coding", 4)
    page.keyboard.press("s")
    expect(page.get_by_role("heading", name="Chat 1")).to_be_visible()
    page.keyboard.press("k")
    expect(page.get_by_role("heading", name="Chat 0")).to_be_visible()
    page.keyboard.press("a")
    page.keyboard.press("1")
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    assert count_waiting(waiting.archive) == 0
    page.keyboard.press("u")
    expect(page.get_by_text("4 conversations wait for your decision.")).to_be_visible()
    assert watched.wrong == []


def test_what_spoke_for_a_category_is_said_where_it_is_reviewed_and_where_it_is_read(waiting: Live) -> None:
    browser = waiting.logged_in()
    for address in ("/review", "/conversations/chatgpt:c0"):
        assert 'Because of: <q dir="auto">&lt;b&gt;loop, python</q>' in browser.get(address).text


def test_who_was_slower_changes_nothing_and_is_told(waiting: Live) -> None:
    first, second = waiting.logged_in(), waiting.logged_in()
    old = second.get("/review")
    first.submit(first.get("/review"), "/review", category="Math")
    late = second.submit(old, "/review", category="Coding")
    assert "Somebody has sorted Chat 0 meanwhile: Math. That stays; you said Coding." in late.text
    assert _category(waiting, 0) == "Math"
    assert second.submit(second.get("/review"), "/review", category="No such").status_code == 400
