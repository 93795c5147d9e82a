"""A run's page: what it shows comes from the archive and Prefect, and it never calls a failure a success."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import expect

from commonplace import runs
from commonplace.archive.access import sessions, users
from commonplace.archive.conversations import imports
from commonplace.archive.conversations.imports import Counts
from commonplace.archive.conversations.merge import merge
from commonplace.errors import Defect
from tests.archive.builders import simple_chat
from tests.fakes.prefect_api import FakePrefectApi
from tests.web.chromium import log_in
from tests.web.conftest import Forms, Live

ID = "01a21592-9efd-7d5b-9e40-ed0503cef7fd"
FILE = "0123.zip"


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePrefectApi]:
    fake = FakePrefectApi()
    monkeypatch.setenv("PREFECT_API_URL", fake.url)
    with fake:
        yield fake


def _imported(live: Live, **counts: int) -> None:
    started = imports.start(live.archive, name=FILE, signature="s")
    defects = [Defect(FILE, "c<b>7", "has no <messages>")] * counts.get("failed", 0)
    imports.finish(live.archive, started, Counts(**counts), source="chatgpt", defects=defects)


def test_the_balance_and_every_defect_are_told(live: Live, prefect: FakePrefectApi) -> None:
    prefect.add_run(ID, state="completed", message="pipeline: 3 imported, with 1 defects", paths=[f"/x/{FILE}"])
    prefect.add_summary("import", read=4, new=3, failed=1)
    _imported(live, read=4, new=3, failed=1)
    page = live.logged_in().get(f"/runs/{ID}")
    assert page.status_code == 200
    assert "4 read = 3 new + 0 changed + 0 unchanged + 0 empty + 1 failed" in page.text
    assert "has no &lt;messages&gt;" in page.text
    assert "with 1 defects" in page.text
    assert 'http-equiv="refresh"' not in page.text


def test_the_first_page_tells_of_no_run_that_only_looked(live: Live, prefect: FakePrefectApi) -> None:
    merge(live.archive, None, [simple_chat("c", "Bread?")])
    prefect.add_run(ID, state="completed")["name"] = "pipeline: 1 imported"
    prefect.add_run("5", state="completed", flow="deliver-hooks")["name"] = "hooks: 0 delivered"
    for n in range(6, 12):
        prefect.add_run(str(n), state="completed", flow="import-exports").update(
            name="import: nothing new", auto_scheduled=True
        )
    page = live.logged_in().get("/").text
    assert "nothing new" not in page
    assert "1 imported" in page
    assert "0 delivered" not in page


def test_runs_are_listed_in_a_persons_words_and_those_that_only_looked_when_asked_for(
    live: Live, prefect: FakePrefectApi
) -> None:
    prefect.add_run(ID, state="pending")["name"] = "bold-ibex"
    prefect.add_run("5", state="completed", flow="deliver-hooks")["name"] = "hooks: 0 delivered"
    browser = live.logged_in()
    page = browser.get("/runs").text
    assert "Import and sort" in page
    assert "Starting" in page
    assert "bold-ibex" not in page
    assert "0 delivered" not in page
    assert "0 delivered" in browser.get("/runs", all="true").text


def test_how_fast_a_stage_is_and_how_long_it_will_take_is_told(live: Live, prefect: FakePrefectApi) -> None:
    prefect.add_run(ID, state="running", paths=[], stages=["categorize"])
    prefect.add_progress("categorize", 25.0, total=4_000, seconds=100)
    page = live.logged_in().get(f"/runs/{ID}")
    assert re.search(r"1,000 of 4,000 conversations · (10|9)\.\d a second, about 5 minutes left", page.text)


def test_a_file_that_is_read_and_a_stage_that_has_only_begun_show_it(live: Live, prefect: FakePrefectApi) -> None:
    prefect.add_run(ID, state="running", paths=[f"/x/{FILE}"], stages=["import", "embed"])
    merge(live.archive, imports.start(live.archive, name=FILE, signature="s"), [simple_chat("a", "one", title="First")])
    prefect.add_summary("import", read=1, new=1)
    prefect.add_progress("embed", 0, total=4_000, seconds=1)
    page = live.logged_in().get(f"/runs/{ID}").text
    assert re.search(r"1 read = 1 new .*\n<p[^>]*>[01]\.\d a second", page)
    assert "0 of 4,000 conversations" in page


def test_a_run_that_failed_says_so_and_why(live: Live, prefect: FakePrefectApi) -> None:
    prefect.add_run(ID, state="failed", message="The key is wrong. Set OPENAI_API_KEY.", paths=[])
    page = live.logged_in().get(f"/runs/{ID}")
    assert "The key is wrong. Set OPENAI_API_KEY." in page.text
    assert '<span class="state failed">Failed</span>' in page.text


def test_a_run_that_nobody_takes_says_what_to_start(live: Live, prefect: FakePrefectApi) -> None:
    run = prefect.add_run(ID, state="scheduled")
    run["expected_start_time"] = "2026-01-01T00:00:00Z"
    page = live.logged_in().get(f"/runs/{ID}")
    assert "nothing is there to do it" in page.text
    assert 'http-equiv="refresh"' in page.text  # for who has no script


def test_a_run_that_a_worker_has_taken_is_not_said_to_wait_for_one(live: Live, prefect: FakePrefectApi) -> None:
    run = prefect.add_run(ID, state="pending")
    run["expected_start_time"] = "2026-01-01T00:00:00Z"
    assert "nothing is there to do it" not in live.logged_in().get(f"/runs/{ID}").text


def test_runs_without_prefect_say_what_to_start(live: Live) -> None:
    browser = live.logged_in()
    assert "commonplace up" in browser.get("/runs").text
    assert browser.get(f"/runs/{ID}").status_code == 503


def test_prefect_may_go_while_a_run_is_looked_at(
    live: Live, prefect: FakePrefectApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefect.add_run(ID, state="running", paths=[])
    browser = live.logged_in()
    assert browser.get(f"/runs/{ID}").status_code == 200
    monkeypatch.delenv("PREFECT_API_URL")
    while (page := browser.get(f"/runs/{ID}")).status_code == 200:
        """What was seen of the run a moment ago is fresh."""
    assert page.status_code == 503
    assert "commonplace up" in page.text


@pytest.mark.parametrize("state", ["crashed", "failed", "cancelled"])
def test_a_run_that_broke_off_goes_on_with_what_is_missing(
    live: Live, prefect: FakePrefectApi, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    parameters: dict[str, Any] = {"paths": [f"/x/{FILE}"], "stages": ["import"], "taxonomy": "everyday"}
    run = prefect.add_run(ID, state=state, **parameters)
    run["end_time"] = run["start_time"]
    upload = live.server.uploads.create("me", "mine.zip", 3)
    live.server.uploads.keep(msgspec.structs.replace(upload, run=ID))
    asked: list[tuple[str, dict[str, Any]]] = []

    def start(flow: str, parameters: dict[str, Any], *, lent_in: str | None = None) -> runs.Started:
        asked.append((flow, parameters))
        return runs.Started("another", flow)

    monkeypatch.setattr(runs, "connect", lambda settings: None)
    monkeypatch.setattr(runs, "start", start)
    browser = live.logged_in()
    reply = browser.submit(browser.get(f"/runs/{ID}"), f"/runs/{ID}/again")
    assert reply.headers["location"] == "/runs/another"
    assert asked == [("pipeline", parameters)]
    assert [one.run for one in live.server.uploads.list("me")] == ["another"]


def test_a_run_whose_process_was_killed_says_what_stays_and_what_was_not_finished(
    live: Live, prefect: FakePrefectApi
) -> None:
    run = prefect.add_run(ID, state="crashed", message="Process exited with status code: -9", paths=[f"/x/{FILE}"])
    run["end_time"] = run["start_time"]
    _imported(live, read=4, new=4)
    told = live.logged_in().get(f"/runs/{ID}").text
    assert "What is done stays; going on does the rest." in told
    assert "status code: -9" in told
    assert told.count("not finished") == 1
    assert "not reached" in told


def test_a_run_that_goes_on_or_is_done_is_not_asked_for_again(live: Live, prefect: FakePrefectApi) -> None:
    prefect.add_run(ID, state="completed", paths=[])
    browser = live.logged_in()
    page = browser.get(f"/runs/{ID}")
    assert "/again" not in page.text
    csrf = Forms.of(page.text)[1]["fields"]["csrf"]
    refused = browser.client.post(f"/runs/{ID}/again", data={"csrf": csrf}, headers={"accept": "text/html"})
    assert "There is nothing to go on with" in refused.text


@pytest.mark.browser
def test_a_page_follows_its_run_to_the_end(
    live: Live, prefect: FakePrefectApi, chrome: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prefect.add_run(ID, state="running", paths=[f"/x/{FILE}"])
    watched = log_in(chrome, live)
    watched.page.clock.install()
    page = watched.open(f"/runs/{ID}")
    expect(page.get_by_role("status")).to_contain_text("At work: Import")
    page.get_by_role("status").evaluate("said => { said.heard = true }")
    with monkeypatch.context() as away:
        away.delenv("PREFECT_API_URL")
        while page.locator("#away").is_hidden():  # what was known a moment ago is told for a moment more
            page.clock.fast_forward(20_000)
        expect(page.get_by_text("The server does not answer just now.")).to_be_visible()
    prefect.log("Here it begins")
    expect(page.get_by_text("Here it begins")).to_be_visible()
    expect(page.get_by_text("The server does not answer just now.")).to_be_hidden()
    page.get_by_text("Log", exact=True).focus()
    prefect.add_summary("import", read=4, new=4)
    _imported(live, read=4, new=4)
    expect(page.get_by_text("4 read = 4 new")).to_be_visible()
    expect(page.get_by_text("Log", exact=True)).to_be_focused()
    expect(page.get_by_role("progressbar", name="Understand")).to_be_visible()
    expect(page.locator("#run")).to_match_aria_snapshot("""
      - status:
        - strong: "At work: Understand"
      - list:
        - listitem:
          - heading "Import" [level=3]
        - listitem:
          - heading "Understand" [level=3]
          - progressbar "Understand"
    """)
    assert page.get_by_role("status").evaluate("said => said.heard"), "another element would not be announced"
    run |= {"state_type": "COMPLETED", "state_name": "Completed", "state": {"message": "pipeline: 4 imported"}}
    expect(page.get_by_role("link", name="Look at the conversations")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("pipeline: 4 imported")
    assert watched.wrong == []


def test_whatever_is_started_on_a_page_has_the_key_that_was_lent_in_its_session(
    live: Live, prefect: FakePrefectApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str | None]] = []

    def start(flow: str, parameters: dict[str, Any], *, lent_in: str | None = None) -> runs.Started:
        asked.append((flow, lent_in))
        return runs.Started(ID, flow)

    monkeypatch.setattr(runs, "connect", lambda settings: None)
    monkeypatch.setattr(runs, "start", start)
    merge(live.archive, None, [simple_chat("a", "one", title="First")])
    browser = live.logged_in()
    (session,) = sessions.list_sessions(live.archive, "me", idle_hours=1)
    browser.submit(browser.get("/destinations"), "/destinations/run", name="markdown")
    here = browser.submit(browser.get("/conversations"), "/several", id="chatgpt:a").headers["location"]
    browser.submit(browser.get(here, act="sync", destination="markdown"), f"{here}/sync", destination="markdown")
    browser.submit(browser.get("/settings/backups"), "/settings/backups/make")
    assert asked == [("sync", session.id), ("sync", session.id), ("maintain", session.id)]


def test_everybody_sees_their_own_runs_and_nobody_elses(
    live: Live, prefect: FakePrefectApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are nobody's are the server's owner's."""
    for name in ("eve", "ada"):
        users.add_user(live.archive, name, None)
        merge(live.archive.of(users.find_user(live.archive, name).owner), None, [simple_chat("c", "Bread?")])
    merge(live.archive, None, [simple_chat("c", "Bread?")])
    whose = {"me": {"1", "4"}, "eve": {"2"}, "ada": {"3"}}
    for n, owner in ((1, {}), (2, {"owner": "eve"}), (3, {"owner": " Ada"}), (4, {"owner": "no user of ours"})):
        prefect.add_run(f"{n}{ID[1:]}", state="failed", **owner)
    asked: list[str] = []
    monkeypatch.setattr(runs, "connect", lambda settings: None)
    monkeypatch.setattr(runs, "cancel", asked.append)
    for name, theirs in whose.items():
        browser = live.logged_in(name)
        for path in ("/", "/runs", "/runs?all=true"):
            page = browser.get(path).text
            assert {number for number in "1234" if f"/runs/{number}{ID[1:]}" in page} == theirs
        guard = next(form["fields"]["csrf"] for form in Forms.of(page) if "csrf" in form["fields"])
        for number in "1234":
            there = f"/runs/{number}{ID[1:]}"
            expected = (200, 303) if number in theirs else (404, 404)
            read = [browser.get(f"{there}{what}").status_code for what in ("", "/now", "/events")]
            stopped = browser.client.post(f"{there}/cancel", data={"csrf": guard}, headers={"origin": live.url})
            assert [*read, stopped.status_code] == [*[expected[0]] * 3, expected[1]]
    assert sorted(id[0] for id in asked) == ["1", "2", "3", "4"]
    assert prefect.url.removesuffix("/api") in live.logged_in().get(f"/runs/1{ID[1:]}").text
    assert prefect.url.removesuffix("/api") not in live.logged_in("eve").get(f"/runs/2{ID[1:]}").text


def test_what_a_person_starts_is_theirs(live: Live, prefect: FakePrefectApi, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def start(flow: str, parameters: dict[str, Any], *, lent_in: str | None = None) -> runs.Started:
        asked.append(parameters)
        return runs.Started(ID, "bold-ibex")

    monkeypatch.setattr(runs, "connect", lambda settings: None)
    monkeypatch.setattr(runs, "start", start)
    users.add_user(live.archive, "eve", None)
    for name in ("me", "eve"):
        browser = live.logged_in(name)
        assert browser.submit(browser.get("/import"), "/import/sample").status_code == 303
    assert [each.get("owner") for each in asked] == [None, "eve"]
    prefect.add_run(ID, state="failed", flow="categorize", owner="eve", force=True)
    browser = live.logged_in("eve")
    browser.submit(browser.get(f"/runs/{ID}"), f"/runs/{ID}/again")
    assert asked[2] == {"owner": "eve", "force": True}
