"""What holds of every page, whatever the archive has in it: it is HTML, and nothing in it acts."""

from __future__ import annotations

from typing import Any

import html5lib
import pytest

from tests.web.chromium import log_in
from tests.web.conftest import Live
from tests.web.hostile import PAGES, fill, pages

MOST_BYTES = 150_000
TOO_WIDE = """document.documentElement.scrollWidth > innerWidth
  ? [...document.querySelectorAll("body *")].filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => `${each.tagName}.${each.className}`).slice(0, 9) : []"""


def _strictly(text: str) -> Any:
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)


def test_every_page_is_html_without_script_or_style_in_it(live: Live) -> None:
    fill(live.archive)
    browser = live.logged_in()
    for path in pages(live.archive):
        page = browser.get(path)
        assert page.status_code == 200, path
        assert len(page.content) < MOST_BYTES, path
        root = _strictly(page.text)
        assert not root.findall(".//style"), path
        for script in root.findall(".//script"):
            assert script.get("src", "").startswith("/static/"), path
        for element in root.iter():
            assert not [name for name in dict(element.items()) if name.startswith("on") or name == "style"], path
        for image in root.findall(".//img"):
            assert image.get("src", "").startswith("/files/"), path
        assert len(root.findall(".//h1")) == 1, path


def test_every_page_of_an_empty_archive_says_what_to_do(live: Live) -> None:
    browser = live.logged_in()
    for path in PAGES:
        if "hostile" not in path and "long" not in path:
            page = browser.get(path)
            assert page.status_code == 200, path
            _strictly(page.text)
    assert browser.get("/conversations/chatgpt:nothing").status_code == 404


@pytest.mark.browser
def test_in_a_browser_nothing_acts_or_leaves_and_nothing_is_cut_off(live: Live, chrome: Any) -> None:
    fill(live.archive)
    watched = log_in(chrome, live, viewport={"width": 390, "height": 800}, color_scheme="dark")
    for path in pages(live.archive):
        page = watched.open(path)
        assert watched.wrong == [], path
        assert page.evaluate(TOO_WIDE) == [], path
