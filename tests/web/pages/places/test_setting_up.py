"""Destinations are set up on their pages: each person's own, with their check, and no secret is seen again."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from commonplace.archive import leases
from commonplace.archive.access import sessions, users
from commonplace.archive.conversations.merge import merge
from commonplace.archive.ledger import ArchiveLedger
from commonplace.config.files import dotenv_of
from commonplace.stages.syncing import destinations
from commonplace.stages.syncing.stage import sync
from tests.archive.builders import simple_chat
from tests.fakes.notion import FakeNotion
from tests.fakes.openai import FakeOpenAI
from tests.fakes.poke import FakePoke
from tests.web.conftest import HASHED, PASSWORD, Browser, Live, Start

HOSTILE = '<img src=x onerror=alert(1)> "quoted" \u202e{{ 7 * 7 }}'


@pytest.fixture
def notion() -> Iterator[FakeNotion]:
    with FakeNotion(per_window=100_000) as server:
        yield server


def set_up(browser: Browser, name: str, page: httpx.Response | None = None, **typed: str | list[str]) -> httpx.Response:
    address = f"/destinations/set-up/{name}"
    return browser.submit(page or browser.get(address), address, **typed)


def served(start: Start, toml: str = "", **variables: str) -> tuple[Live, Browser]:
    live = start(toml, **variables)
    users.add_user(live.archive, "me", HASHED(PASSWORD), owner="me")
    return live, live.logged_in()


def dotenv(live: Live) -> Path:
    return live.server.settings.home / ".env"


def test_notion_is_set_up_without_a_terminal(
    start: Start, notion: FakeNotion, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    live, browser = served(start, NOTION_BASE_URL=notion.base_url)
    notion.name = HOSTILE
    notion.add_database(title=HOSTILE)
    page_id = notion.add_page(notion.parent_page_id, "Journal").id
    assert "Set up Notion" in browser.get("/destinations").text
    pages = [wrong := set_up(browser, "notion", key="ntn_wrong")]
    assert wrong.status_code == 400
    assert "Notion refuses the token. Make a new one" in wrong.text
    assert not dotenv(live).exists()
    pages.append(where := set_up(browser, "notion", key=notion.token))
    assert "<img" not in where.text
    assert "&lt;img" in where.text
    assert f'value="{page_id}"> <span dir="auto">Journal</span> <span class="chip">page</span>' in where.text
    pages.append(asked := set_up(browser, "notion", where, answer=page_id))
    assert f"Create the database &#39;Commonplace&#39; under the Notion page {page_id}?" in asked.text
    assert not notion.count("POST databases")
    pages.append(done := set_up(browser, "notion", asked))
    assert "Notion is connected." in done.text
    assert "Conversation ID" in done.text
    assert "{&#39;" not in done.text  # as nothing but Python would say it
    assert "<img" not in done.text
    (database,) = [each for each in notion.databases if each != notion.database_of(next(iter(notion.sources)))]
    assert database in done.text
    assert destinations.names(live.server.settings, live.archive) == ["markdown", "notion"]
    assert "0 would be written" in browser.get("/destinations", plan="notion").text
    assert stat.S_IMODE(dotenv(live).stat().st_mode) == 0o600
    assert notion.token in dotenv(live).read_text()
    seen = "".join(each.text for each in pages) + browser.get("/destinations/set-up/notion").text + caplog.text
    assert notion.token not in seen
    assert notion.token not in browser.get("/settings").text
    assert "ntn_wrong" not in seen
    stored = live.server.settings.home.parent.glob("**/*.db*")
    assert not [path for path in stored if notion.token.encode() in path.read_bytes()]
    left = browser.submit(browser.get("/destinations"), "/destinations/leave", name="notion")
    assert left.headers["location"] == "/destinations?told=left"
    assert destinations.names(live.server.settings, live.archive) == ["markdown"]


def test_another_place_is_chosen_and_another_key_takes_the_place_of_the_first(start: Start, notion: FakeNotion) -> None:
    live, browser = served(start, NOTION_BASE_URL=notion.base_url)
    first, second = notion.add_database(title="First"), notion.add_database(title="Second")
    chosen = set_up(browser, "notion", set_up(browser, "notion", key=notion.token), answer=first)
    assert "Notion is connected." in chosen.text
    again = browser.get("/destinations/set-up/notion")
    assert "One is there" in again.text
    moved = set_up(browser, "notion", set_up(browser, "notion", again, anew="true"), typed=f"  {second} ")
    assert "Second" in moved.text
    assert destinations.kept(live.archive, "notion")["data_source_id"] == second
    old, notion.token = notion.token, "ntn_another"
    assert "Notion refuses the token" in set_up(browser, "notion").text
    assert "Notion is connected." in set_up(browser, "notion", key="ntn_another").text
    assert old not in dotenv(live).read_text()
    assert "has no blanks" in set_up(browser, "notion", key="no key").text


def test_what_is_missing_in_a_database_is_named_before_it_is_added(start: Start, notion: FakeNotion) -> None:
    _, browser = served(start, NOTION_BASE_URL=notion.base_url)
    source = notion.add_database({"Name": "title", "Conversation ID": "rich_text"}, title="Mine")
    asked = set_up(browser, "notion", set_up(browser, "notion", key=notion.token), answer=source)
    assert "Add to your Notion database: " in asked.text
    assert "Hash (rich_text)" in asked.text
    notion.remove_property(source, "Conversation ID")  # meanwhile: what was agreed to is not all
    asked = set_up(browser, "notion", asked)
    assert "Conversation ID (rich_text)" in asked.text
    assert "Notion is connected." in set_up(browser, "notion", asked).text
    assert "Hash" in notion.sources[source].properties


def test_what_is_imported_is_written_to_what_was_set_up_unless_one_says_otherwise(start: Start, tmp_path: Path) -> None:
    live, browser = served(start)
    box = '<input type="checkbox" name="destinations" value="markdown"'
    assert f"{box}>" in browser.get("/import").text  # nobody chose it
    set_up(browser, "markdown", where=str(tmp_path / "vault"))
    assert f"{box} checked>" in browser.get("/import").text
    assert 'name="as_usual"' in browser.get("/").text
    assert destinations.chosen(live.server.settings, live.archive) == ["markdown"]
    browser.submit(browser.get("/destinations"), "/destinations/leave", name="markdown")
    assert destinations.chosen(live.server.settings, live.archive) == []


def test_a_folder_is_looked_at_before_anything_is_written_there(start: Start, tmp_path: Path) -> None:
    live, browser = served(start)
    (tmp_path / "file").write_text("")
    refused = set_up(browser, "markdown", where=str(tmp_path / "file"))
    assert refused.status_code == 400
    assert "is a file. Choose another folder" in refused.text
    assert f'value="{tmp_path / "file"}"' in refused.text
    assert "is connected." in set_up(browser, "markdown", where=str(tmp_path / "vault")).text
    assert str(tmp_path / "vault") in browser.get("/destinations").text
    assert destinations.names(live.server.settings, live.archive) == ["markdown"]
    browser.submit(browser.get("/destinations"), "/destinations/leave", name="markdown")
    assert destinations.names(live.server.settings, live.archive) == []
    assert "Nothing is written anywhere yet." in browser.get("/destinations").text


def test_openai_and_poke_are_checked_too(start: Start) -> None:
    with FakeOpenAI() as openai, FakePoke() as poke:
        toml = f'[destinations.poke]\nallow_loopback = true\nbase_url = "{poke.base_url}"\n'
        live, browser = served(start, toml, OPENAI_BASE_URL=openai.url)
        assert set_up(browser, "openai", key="sk-wrong").status_code == 400
        assert "Models offered" in set_up(browser, "openai", key=openai.api_key).text
        form = browser.get("/destinations/set-up/poke").text
        assert "change it there." in form
        assert "This is needed" in set_up(browser, "poke").text
        assert "is connected." in set_up(browser, "poke", key=poke.key).text
        assert not poke.arrived
        assert destinations.names(live.server.settings, live.archive) == ["openai", "poke"]
        gone = browser.submit(browser.get("/destinations"), "/destinations/leave", name="poke")
        assert gone.status_code == 400


def test_a_key_from_elsewhere_is_changed_where_it_was_set(start: Start, notion: FakeNotion) -> None:
    _, browser = served(start, NOTION_BASE_URL=notion.base_url, NOTION_TOKEN=notion.token)
    form = browser.get("/destinations/set-up/notion").text
    assert "Set in the environment; change it there." in form
    assert 'name="key"' not in form
    assert notion.token not in form


def test_everybody_sets_up_what_is_theirs_and_only_the_servers_owner_says_where(
    start: Start, notion: FakeNotion
) -> None:
    live, owner = served(start, NOTION_BASE_URL=notion.base_url, NOTION_TOKEN="ntn_of_the_server")
    users.add_user(live.archive, "eve", HASHED(PASSWORD))
    eve, reading = live.logged_in("eve"), live.server.session_of(users.find_user(live.archive, "eve").owner)
    merge(reading.archive, None, [simple_chat("c", "Hers", title="Hers alone")])
    page = eve.get("/destinations/set-up/markdown")
    assert 'name="where"' not in page.text
    assert "Only the owner of this server" in page.text
    assert set_up(eve, "markdown", page, where="/etc").status_code == 200
    folder = reading.settings.home / "markdown"
    assert str(folder) in eve.get("/destinations").text
    assert str(folder) not in owner.get("/destinations").text
    page = eve.get("/destinations/set-up/notion")
    assert "ntn_of_the_server" not in page.text
    assert 'name="key"' in page.text
    where = set_up(eve, "notion", page, key=notion.token)
    asked = set_up(eve, "notion", where, answer=notion.add_page(notion.parent_page_id, "Hers").id)
    assert "Notion is connected." in set_up(eve, "notion", asked).text
    assert reading.environment.get("NOTION_TOKEN") == notion.token
    assert live.server.environment.get("NOTION_TOKEN") == "ntn_of_the_server"
    assert stat.S_IMODE(dotenv_of(reading.settings.home).stat().st_mode) == 0o600
    assert destinations.names(reading.settings, reading.archive) == ["markdown", "notion"]
    assert not dotenv(live).exists()
    where = set_up(eve, "poke", key="hers", where="http://127.0.0.1:9/v1")
    assert "Send what is new in the archive to https://poke.com/api/v1?" in where.text
    assert sync(reading, "markdown").created == 1
    assert [path.read_text().count("Hers alone") > 0 for path in folder.rglob("*Hers*")] == [True]
    assert not (live.server.settings.home / "markdown").exists()


def test_only_a_page_of_ours_sets_up(live: Live) -> None:
    owner = live.logged_in()
    page = owner.get("/destinations/set-up/poke")
    assert 'value="https://poke.com/api/v1"' in page.text  # where it goes is seen before it goes there
    stranger = owner.client.post("/destinations/set-up/poke", data={"csrf": "x", "key": "k"})
    assert stranger.status_code == 403
    assert owner.get("/destinations/set-up/elsewhere").status_code == 404
    sessions.forget(live.archive, owner.client.cookies["commonplace-session"])
    late = set_up(owner, "poke", page, key="poke-secret", where="https://other.example/v1")
    assert late.status_code == 401
    assert "https://other.example/v1" in late.text
    assert "poke-secret" not in late.text


def test_of_two_who_set_the_same_up_at_once_the_second_is_told(start: Start, notion: FakeNotion) -> None:
    live, browser = served(start, NOTION_BASE_URL=notion.base_url)
    page = browser.get("/destinations/set-up/notion")
    with leases.hold(live.archive, leases.connecting("me", "notion")):
        told = set_up(browser, "notion", page, key=notion.token, where="Somewhere")
    assert told.status_code == 400
    assert "is already running" in told.text
    assert notion.token not in told.text
    assert notion.databases == {}


def test_what_the_other_side_says_when_it_refuses_is_text(start: Start, notion: FakeNotion) -> None:
    with FakePoke() as poke:
        toml = f'[destinations.poke]\nallow_loopback = true\nbase_url = "{poke.base_url}"\n'
        live, browser = served(start, toml, NOTION_BASE_URL=notion.base_url)
        notion.fail_next("400", reason=HOSTILE)
        refused = [set_up(browser, "notion", key=notion.token)]
        merge(live.archive, None, [simple_chat("a", "one")])
        for name, state in (("poke", "failed"), ("markdown", "uncertain")):
            set_up(browser, name, key=poke.key)
            environment, settings = live.server.environment, live.server.settings
            with destinations.open_destination(settings, environment, live.archive, name) as (destination, _):
                known = ArchiveLedger(live.archive, destination.instance)
            known.fail("chatgpt:a", "", HOSTILE) if state == "failed" else known.uncertain("chatgpt:a", "", HOSTILE)
        refused.append(browser.get("/destinations"))
    for page in refused:
        assert "<img" not in page.text
        assert "&lt;img src=x onerror=alert(1)&gt;" in page.text
        assert "{{ 7 * 7 }}" in page.text
