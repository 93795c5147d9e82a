"""What holds of every page, whatever the archive has in it: it is HTML, and nothing in it acts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from itertools import product
from typing import Any

import html5lib
import httpx
import pytest
from sqlalchemy import Engine, event

from commonplace.web.app import PAGES as ROUTERS
from tests.fakes.prefect_api import FakePrefectApi
from tests.web.chromium import log_in
from tests.web.conftest import Live
from tests.web.hostile import ATTACK, ID, PAGES, RUN, fill, pages

MOST_BYTES = 150_000
MOST_SENT = 40_000
MOST_QUERIES = 12
WHO_IS_AT_WORK = "FROM leases"
"""Asked once a second for all pages."""
COUNTED = "conversations.has_code"
"""Asked for by what is counted beside a list, to be narrowed by."""
COMPUTED_ON_WISH = ("?preview=true", "?merges=true", "?plan=markdown")
NO_PAGES = {
    "/static/{name}",
    "/files/{sha256}",
    "/runs/{id}/now",
    "/runs/{id}/events",
    "/conversations/{id:path}/text",
    "/conversations/{id:path}/markdown",
    "/categories/export",
    "/insights/{by}.csv",
    "/insights/{by}.png",
    "/insights/{by}.svg",
    "/several/{name}/file",
    "/settings/backups/{name}",
}
"""Files, and parts of pages."""
HAVE_THEIR_OWN_TESTS = {"/login", "/welcome/{token}", "/several/{name}"}
"""Those that nobody who is logged in sees, and what stands between a choice and what is done with it."""
TOO_WIDE = """document.documentElement.scrollWidth > innerWidth
  ? [...document.querySelectorAll("body *")].filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => `${each.tagName}.${each.className}`).slice(0, 9) : []"""


CUT = """[...document.querySelectorAll("main *")].filter((each) => each.checkVisibility()
  && getComputedStyle(each).overflowX !== "visible" && each.scrollWidth > each.clientWidth + 1)
  .map((each) => `${each.tagName}.${each.className}`)"""
"""What has more to it than is seen, as long as it is not scrolled."""


NUMBERED = """() => {
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")];
  const shown = all.filter((each) => each.type !== "hidden" && !each.disabled && each.checkVisibility());
  shown.filter((each) => each.tabIndex >= 0).forEach((each, number) => { each.dataset.number = number; });
  return shown.length;
}"""
"""What can be worked with, as it stands in the page."""
FOCUSED = """() => {
  const seen = getComputedStyle(document.activeElement).outlineStyle !== "none";
  return seen ? Number(document.activeElement.dataset.number ?? -1) : "not seen";
}"""


@pytest.fixture(autouse=True)
def _run(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A run that failed for a reason that nobody would want to read."""
    with FakePrefectApi() as prefect:
        monkeypatch.setenv("PREFECT_API_URL", prefect.url)
        prefect.add_run(RUN, state="failed", message=ATTACK, paths=[f"/x/{ATTACK}"])["name"] = ATTACK
        prefect.add_summary("import", read=4, failed=4)
        yield


@contextmanager
def _asked(engine: Engine) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement != "BEGIN":
            found.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield found
    event.remove(engine, "before_cursor_execute", note)


def _visited(live: Live) -> Iterator[tuple[str, httpx.Response, list[str]]]:
    """Every page, and what the database was asked for it. It is listened to all along: threads that work behind the
    pages ask it too, and would stumble over a listener that comes or goes."""
    browser = live.logged_in()
    with _asked(live.archive.engine) as asked:
        for path in pages(live.archive):
            asked.clear()
            page = browser.get(path)
            yield path, page, [one for one in asked if WHO_IS_AT_WORK not in one]


def _strictly(text: str) -> Any:
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)


def test_every_page_that_there_is_is_looked_at(live: Live) -> None:
    fill(live.archive)
    paths = [address.partition("?")[0] for address in pages(live.archive)]
    routes: list[Any] = [route for router in ROUTERS for route in router.routes if "GET" in route.methods]
    missing = {route.path for route in routes if not any(route.path_regex.match(path) for path in paths)}
    assert missing - NO_PAGES == HAVE_THEIR_OWN_TESTS


def test_every_page_is_html_without_script_or_style_in_it(live: Live) -> None:
    fill(live.archive)
    for path, page, asked in _visited(live):
        assert page.status_code == 200, path
        assert len(asked) <= MOST_QUERIES or path.endswith(COMPUTED_ON_WISH), (path, asked)
        assert len(page.content) < MOST_BYTES, path
        assert int(page.headers["content-length"]) < MOST_SENT, path
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


def test_a_part_of_a_page_does_not_ask_for_what_the_page_around_it_shows(live: Live) -> None:
    fill(live.archive)
    client = live.logged_in().client
    for headers, is_asked in (({"x-part": "found"}, False), ({}, True)):
        with _asked(live.archive.engine) as asked:
            assert client.get("/conversations?q=script", headers=headers).status_code == 200
        for what in (WHO_IS_AT_WORK, COUNTED):
            assert any(what in one for one in asked) is is_asked, what


@pytest.mark.browser
def test_in_a_browser_nothing_acts_or_leaves_and_nothing_is_cut_off(live: Live, chrome: Any) -> None:
    fill(live.archive)
    watched = log_in(chrome, live, viewport={"width": 390, "height": 800}, color_scheme="dark")
    for path in pages(live.archive):
        page = watched.open(path)
        assert watched.wrong == [], path
        assert page.evaluate(TOO_WIDE) == [], path
    page = watched.open(f"/conversations/{ID}")
    assert page.evaluate(CUT) != []  # it can be scrolled
    page.emulate_media(media="print")
    assert page.evaluate(CUT) == []


@pytest.mark.browser
def test_the_keyboard_comes_to_everything_in_the_order_in_which_it_is_read(live: Live, chrome: Any) -> None:
    fill(live.archive)
    watched = log_in(chrome, live, viewport={"width": 1280, "height": 800})
    for path in ("/import", "/conversations", f"/runs/{RUN}"):
        page = watched.open(path)
        count = page.evaluate(NUMBERED)
        assert page.evaluate("document.activeElement === document.body"), path
        reached = []
        for _ in range(count):
            page.keyboard.press("Tab")
            number = page.evaluate(FOCUSED)
            reached.append(number)
        assert reached == list(range(count)), path


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(1800)
def test_axe_finds_nothing_serious_on_any_page(live: Live, chrome: Any) -> None:
    fill(live.archive)
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text()
    for width, scheme in product((1280, 390), ("light", "dark")):
        size = {"width": width, "height": 800}
        watched = log_in(chrome, live, viewport=size, color_scheme=scheme, bypass_csp=True)  # which would not let it in
        for path in pages(live.archive):
            page = watched.open(path)
            page.evaluate(axe)
            found = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
            serious = [(one["id"], one["help"]) for one in found if one["impact"] in ("serious", "critical")]
            assert serious == [], (path, width, scheme)
