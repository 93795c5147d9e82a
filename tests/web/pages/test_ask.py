"""Asking from a page: told piece by piece, with sources that open at the message, and whole without a script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from commonplace.archive.access import users
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import conversation_ids
from tests.archive.builders import simple_chat
from tests.fakes.answering import AnsweringServer
from tests.web.chromium import log_in
from tests.web.conftest import HASHED, PASSWORD, Live, Start
from tests.web.hostile import MARKDOWN


@pytest.fixture
def model() -> Iterator[AnsweringServer]:
    with AnsweringServer(lambda told, asked: f"Use **rye** [1].\n\n{MARKDOWN}") as server:
        yield server


@pytest.fixture
def told(start: Start, model: AnsweringServer) -> Live:
    live = start(OPENAI_BASE_URL=model.url)
    users.add_user(live.archive, "me", HASHED(PASSWORD), owner="me")
    merge(live.archive, None, [simple_chat("bread", "which flour for sourdough bread?", "rye flour")])
    return live


def test_without_a_model_what_was_found_is_quoted(live: Live) -> None:
    told = "<details><summary>Tool call: python</summary>\n\nrye flour\n\n</details>"
    merge(live.archive, None, [simple_chat("bread", "which flour for sourdough bread?", told)])
    browser = live.logged_in()
    reply = browser.submit(browser.get("/ask"), "/ask", question="which flour for bread?")
    assert reply.status_code == 200
    assert 'href="/conversations/chatgpt:bread?message=bread-0"' in reply.text
    assert "No model is set up" in reply.text
    assert "<details><summary>Tool call: python</summary>" in reply.text  # what was folded is, here too
    assert "message_id=" not in reply.text  # as nothing but Python would say it
    refused = browser.submit(browser.get("/ask"), "/ask", question="which flour?", project="none such")
    assert refused.status_code == 400
    assert ">\nwhich flour?</textarea>" in refused.text  # nothing typed is lost


def test_what_is_asked_about_one_conversation_is_answered_from_it_alone(live: Live) -> None:
    said = [f"the oven has {n} degrees" if n % 2 else f"and on day {n}?" for n in range(60)]
    chats = [simple_chat("oven", *said, title="Oven"), simple_chat("other", "how many degrees on day 30?", "many")]
    merge(live.archive, None, chats)
    browser = live.logged_in()
    link = 'href="/ask?about=chatgpt%3Aoven"'
    assert link in browser.get("/conversations/chatgpt:oven").text
    page = browser.get("/ask", about="chatgpt:oven")
    assert "Only from the conversation" in page.text
    answer = browser.submit(page, "/ask", question="how many degrees on day 30?").text.partition("answer-place")[2]
    assert "/conversations/chatgpt:oven?message=oven-30" in answer
    assert answer.count("/conversations/chatgpt:oven?message=") > 1  # more than its best message
    assert "chatgpt:other" not in answer
    gone = browser.submit(page, "/ask", question="how many?", about="chatgpt:gone")
    assert gone.status_code == 400


@pytest.mark.browser
def test_an_answer_is_told_and_its_marks_lead_to_messages(told: Live, chrome: Any) -> None:
    watched = log_in(chrome, told)
    page = watched.open("/ask")
    page.get_by_label("What do you want to know?").fill("which flour for bread?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("strong", has_text="rye")).to_be_visible()
    page.get_by_role("link", name="[1]").click()
    assert page.url.endswith("#source-1")
    page.locator("#source-1 a").click()
    page.wait_for_url("**/conversations/chatgpt:bread#m-bread-0")
    assert watched.wrong == []
    assert len(conversation_ids(told.archive)) == 2  # question and answer are kept
    page = watched.open("/ask")
    page.get_by_label("What do you want to know?").fill("a long question")
    page.context.clear_cookies()
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_text("What you typed is kept: log in, then send it.")).to_be_visible()
