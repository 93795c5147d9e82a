"""What a service says of its refusal may be anything. Pages tell of it in a line, without its markup and our keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from commonplace.archive.access import users
from commonplace.archive.conversations.merge import merge
from commonplace.errors import CommonplaceError
from commonplace.session import Session
from commonplace.stages.categorizing import stage as categorizing
from commonplace.stages.syncing import destinations
from commonplace.stages.syncing.stage import sync
from tests.archive.builders import simple_chat
from tests.fakes.prefect_api import FakePrefectApi
from tests.fakes.spiteful import BIDI, KEY, MARKUP, Spiteful
from tests.web.conftest import HASHED, PASSWORD, Browser, Live, Start

LONGEST = 2_000
"""Characters of a whole report, however much a service says."""
NAMES = ("notion", "poke", "openai")
RUN = "01a21592-9efd-7d5b-9e40-ed0503cef7fd"
SETTINGS = """
[categorize]
judge = "openai"
[destinations.openai]
[destinations.notion]
max_retries = 0
[destinations.poke]
allow_loopback = true
max_retries = 0
base_url = "{address}/api/v1"
"""


@pytest.fixture(params=[400, 403])
def service(request: pytest.FixtureRequest) -> Iterator[Spiteful]:
    with Spiteful(request.param) as running:
        yield running


def test_no_word_of_a_service_becomes_part_of_a_page(
    start: Start, service: Spiteful, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, browser = _served(start, service)
    with FakePrefectApi() as prefect:
        monkeypatch.setenv("PREFECT_API_URL", prefect.url)
        told = _told(live)
        assert len(told) > len(NAMES)
        for text in told:
            assert KEY not in text
            assert len(text) <= LONGEST
        prefect.add_run(RUN, state="failed", message=" ".join(told))
        pages = [browser.get(f"/runs/{RUN}").text, *_asked(browser)]
    pages += [browser.get(path).text for path in ("/destinations", "/conversations/chatgpt:bread", "/")]
    for page in pages:
        assert MARKUP not in page
        assert not set(BIDI) & set(page)
        assert KEY not in page
        assert "x" * LONGEST not in page


def _served(start: Start, service: Spiteful) -> tuple[Live, Browser]:
    keys = dict.fromkeys(("OPENAI_API_KEY", "NOTION_TOKEN", "POKE_API_KEY"), KEY)
    addresses = {"OPENAI_BASE_URL": f"{service.address}/v1", "NOTION_BASE_URL": service.address}
    live = start(SETTINGS.format(address=service.address), **keys, **addresses)
    users.add_user(live.archive, "me", HASHED(PASSWORD), owner="me")
    merge(live.archive, None, [simple_chat("bread", "which flour for sourdough bread?", "rye flour")])
    destinations.keep(live.archive, "notion", {"data_source_id": "d" * 32, "database_id": "b" * 32})
    return live, live.logged_in()


def _told(live: Live) -> list[str]:
    """What runs end with: of the judge, and of each destination."""
    session = Session(live.server.settings, live.server.environment, live.archive)
    told = []
    for name in ("judge", *NAMES):
        try:
            report = sync(session, name) if name in NAMES else categorizing.categorize(session)
            told.append(str(report))
        except CommonplaceError as error:
            told.append(str(error))
    return told


def _asked(browser: Browser) -> list[str]:
    """What the pages say that ask a service themselves."""
    forms = [f"/destinations/set-up/{name}" for name in NAMES]
    checked = [browser.submit(browser.get(form), form) for form in forms]
    return [one.text for one in (*checked, browser.submit(browser.get("/ask"), "/ask", question="which flour?"))]
