"""Finding: every question is an address, and typing shows what the last letter asks for."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from commonplace.archive.access import users
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import load_filed
from commonplace.archive.verdicts.verdicts import correct
from tests.archive.builders import simple_chat
from tests.web.chromium import log_in
from tests.web.conftest import HASHED, PASSWORD, Live

DAY = 86_400_000_000


@pytest.fixture
def filled(live: Live) -> Live:
    chats = [
        simple_chat(f"c{n}", f"sourdough number {n}", "rye", updated=n * DAY, title=f"Loaf {n}") for n in range(45)
    ]
    merge(live.archive, None, chats)
    for n in range(3):
        correct(live.archive, f"chatgpt:c{n}", "category", "Coding", origin="cli")
        correct(live.archive, f"chatgpt:c{n}", "tags", ["rye", "50%_"], origin="cli")
    return live


def test_words_filters_and_pages_are_an_address(filled: Live) -> None:
    browser = filled.logged_in()
    first = browser.get("/conversations", q="sourdough", sort="newest")
    assert "45 conversations" in first.text
    assert "<mark>sourdough</mark>" in first.text
    assert "Loaf 44" in first.text
    assert "/conversations?q=sourdough&amp;sort=newest&amp;page=2" in first.text
    assert "Loaf 4<" in browser.get("/conversations", q="sourdough", sort="newest", page="3").text
    narrowed = browser.get("/conversations", q="sourdough", category="Coding", tag="50%_", month="1970-01")
    assert "3 conversations" in narrowed.text
    assert "/conversations?q=sourdough&amp;tag=50%25_&amp;month=1970-01" in narrowed.text  # each can be taken away


def test_what_is_not_there_says_what_to_do(filled: Live) -> None:
    browser = filled.logged_in()
    assert "Try fewer words" in browser.get("/conversations", q="zzz", mode="words").text
    assert 'role="alert"' in browser.get("/conversations", project="nobody's").text
    assert browser.get("/conversations", page="0").status_code == 422
    users.add_user(filled.archive, "eve", HASHED(PASSWORD))
    assert "Nothing is in your archive yet." in filled.logged_in("eve").get("/conversations").text


def test_one_word_for_the_chosen_and_for_all_that_were_found(filled: Live) -> None:
    browser = filled.logged_in()
    page = browser.get("/conversations", q="sourdough", category="Coding")
    chosen = browser.submit(page, "/several", everything="yes")
    assert "It is said of 3 conversations." in chosen.text
    kept = browser.submit(
        chosen, "/several/keep", id=[f"chatgpt:c{n}" for n in range(3)], category="Math", project="Bread"
    )
    assert kept.headers["location"] == "/conversations?q=sourdough&category=Coding&told=kept"
    filed = list(load_filed(filled.archive, [f"chatgpt:c{n}" for n in range(4)]))
    assert [(one.category, one.project_name) for one in filed] == [("Math", "Bread")] * 3 + [(None, None)]
    assert browser.submit(browser.get("/conversations"), "/several").status_code == 400
    assert browser.submit(chosen, "/several/keep", id="chatgpt:c1", category="none such").status_code == 400


@pytest.mark.browser
def test_typing_shows_what_is_found_and_keeps_the_address(filled: Live, chrome: Any) -> None:
    watched = log_in(chrome, filled)
    page = watched.open("/conversations?mode=words")
    page.get_by_label("What you look for").press_sequentially('"number 12"')
    expect(page.get_by_text("1 conversation", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Loaf 12")).to_be_visible()
    assert "number+12" in page.url
    assert watched.wrong == []
