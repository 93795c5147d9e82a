"""Finding: every question is an address, and typing shows what the last letter asks for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from commonplace.archive.access import users
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import load_filed
from commonplace.archive.verdicts.verdicts import correct
from commonplace.stages.mapping import projects
from tests.archive.builders import simple_chat
from tests.web.chromium import log_in
from tests.web.conftest import HASHED, PASSWORD, Live

DAY = 86_400_000_000
IDS = [f"chatgpt:c{n}" for n in range(3)]


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


def test_what_is_said_of_all_that_were_found_is_taken_back_as_a_whole(filled: Live) -> None:
    browser = filled.logged_in()
    kitchen = projects.create(filled.archive, "Kitchen")["id"]
    projects.assign(filled.archive, "Kitchen", [IDS[0]])
    correct(filled.archive, IDS[1], "tags", ["Bread"], origin="cli")
    before = _filed(filled)
    page = browser.get("/conversations", q="sourdough", category="Coding")
    here = browser.submit(page, "/several", everything="yes").headers["location"]
    chosen = browser.get(here)
    assert "3 conversations are chosen." in chosen.text
    said = browser.submit(chosen, f"{here}/say", category="Math", tags="bread, rye", project="Flour")
    assert said.headers["location"] == f"{here}?told=kept"
    assert [one[0] for one in _filed(filled)] == ["Math"] * 3
    assert [one[2] for one in _filed(filled)] == ["Flour"] * 3
    assert _filed(filled)[1][1] == ["Bread", "rye"]  # it had the first one, as somebody spelt it
    correct(filled.archive, IDS[2], "category", "Travel", origin="web")
    browser.submit(browser.get(here), f"{here}/undo")
    assert _filed(filled)[:2] == before[:2]
    assert _filed(filled)[2][0] == "Travel"  # a later word stays
    assert projects.show(filled.archive, kitchen)["conversations"] == 1
    assert browser.submit(chosen, f"{here}/say", category="none such").status_code == 400
    assert browser.submit(chosen, f"{here}/say").status_code == 400
    assert browser.submit(browser.get("/conversations"), "/several").status_code == 400


def test_the_chosen_are_written_into_a_file_and_what_a_run_would_do_is_told_first(filled: Live) -> None:
    browser = filled.logged_in()
    here = browser.submit(browser.get("/conversations"), "/several", id=IDS).headers["location"]
    chosen = browser.get(here)
    file = browser.get(browser.submit(chosen, f"{here}/export", format="markdown").headers["location"])
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.text.count("\n---\n") == 2
    assert f"{here}/file" in browser.get(here).text
    assert "3 would be written" in browser.get(here, act="sync", destination="markdown").text
    asked = browser.get(here, act="forget")
    assert "3 conversations with 6 messages" in asked.text
    assert browser.submit(asked, f"{here}/forget").status_code == 400  # nobody works, and that is said
    assert len(list(load_filed(filled.archive, IDS))) == 3
    assert browser.get(f"/several/{'a' * 300}").status_code == 404
    eve = users.add_user(filled.archive, "eve", HASHED(PASSWORD))
    assert filled.logged_in("eve").get(here).status_code == 404  # another one's choice is none
    assert eve.owner != "me"


def _filed(live: Live) -> list[tuple[str | None, list[str], str | None]]:
    return [(one.category, one.tags, one.project_name) for one in load_filed(live.archive, IDS)]


@pytest.mark.browser
def test_typing_shows_what_is_found_and_keeps_the_address(filled: Live, chrome: Any) -> None:
    watched = log_in(chrome, filled)
    page = watched.open("/conversations?mode=words")
    expect(page.locator("#facets")).to_contain_text("rye")
    page.get_by_role("status").evaluate("said => { said.heard = true }")
    busy = {"found", "facets"}
    page.route("**/conversations?*", lambda route: _busy_once(route, busy))
    page.get_by_label("What you look for").press_sequentially('"number 12"')
    expect(page.get_by_text("1 conversation", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Loaf 12")).to_be_visible()
    assert page.get_by_role("status").evaluate("said => said.heard"), "another element would not be announced"
    assert "number+12" in page.url
    expect(page.locator("#facets")).not_to_contain_text("rye")  # it is of what was found, once nobody types
    expect(page.locator("[aria-busy]")).to_have_count(0)
    page.get_by_text("Saved searches").click()
    page.get_by_label("Save this search as").fill("Twelve")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="Twelve")).to_have_attribute("href", re.compile("number%2012|number[+]12"))
    assert (watched.wrong, busy) == ([], set()), "whoever was told to come back later did"


def _busy_once(route: Any, parts: set[str]) -> None:
    """Each of these parts of the page is refused the first time that it is asked for."""
    part = route.request.headers.get("x-part")
    if part in parts:
        parts.remove(part)
        route.fulfill(status=429, headers={"retry-after": "1"})
    else:
        route.continue_()


def test_what_was_found_is_grouped_and_a_question_is_kept_under_a_name(filled: Live) -> None:
    projects.assign(filled.archive, "Kitchen", IDS[:2], new=True)
    browser = filled.logged_in()
    grouped = browser.get("/conversations", q="sourdough", group="project", sort="newest")
    assert "<strong>Kitchen</strong>" in grouped.text
    assert "(none)" in grouped.text
    assert "<strong>rye</strong>" in browser.get("/conversations", group="tag").text
    by_topic = browser.get("/conversations", group="topic").text
    assert "nothing has been embedded yet. Run <code>commonplace embed</code>" in by_topic
    assert "Loaf 12" in by_topic
    assert "<strong>1970-01</strong>" in browser.get("/conversations", group="date").text
    kept = browser.submit(grouped, "/conversations/saved", name="Baking & more")
    address = "q=sourdough&sort=newest&group=project"
    assert kept.headers["location"] == f"/conversations?{address}&told=noted"
    page = browser.get("/conversations")
    assert f'href="/conversations?{address.replace("&", "&amp;")}">Baking &amp; more</a>' in page.text
    dropped = browser.submit(page, "/conversations/saved", name="Baking & more", answer="drop")
    assert dropped.headers["location"].endswith("told=removed")
    assert "Baking &amp; more" not in browser.get("/conversations").text
    assert browser.submit(page, "/conversations/saved", name=" ").status_code == 400
