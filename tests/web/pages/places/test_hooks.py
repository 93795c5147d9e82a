"""Hooks are added, tried and taken away on their page, and their secret is shown once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from commonplace.archive.access import users
from commonplace.config import HookSettings
from commonplace.environment import read_dotenv
from commonplace.stages import hooks
from tests.fakes.hooked import Hooked
from tests.web.conftest import HASHED, PASSWORD, Live


def test_a_hook_is_added_tried_and_taken_away(live: Live) -> None:
    browser = live.logged_in()
    page = browser.get("/destinations/hooks")
    near = browser.submit(page, "/destinations/hooks", name="mine", url="http://127.0.0.1:9/x")
    assert near.status_code == 400
    assert 'value="http://127.0.0.1:9/x"' in near.text
    assert browser.submit(page, "/destinations/hooks", name="<b>", url="https://hooks.example.net/x").status_code == 400
    with Hooked() as hooked:
        form: dict[str, str | list[str]] = {
            "name": "Mine",
            "url": f"{hooked.address}/secret-path",
            "event": ["run.failed"],
            "private": "true",
        }
        made = browser.submit(page, "/destinations/hooks", **form)
        session = live.server.readers.of("me").session
        secret = session.environment.get("COMMONPLACE_HOOK_MINE_SECRET") or ""
        assert f'<code id="secret">{secret}</code>' in made.text
        listed = browser.get("/destinations/hooks")
        assert secret not in listed.text
        assert "secret-path" not in listed.text
        assert "a run failed" in listed.text
        assert "mine accepted the test." in browser.submit(listed, "/destinations/hooks/test", name="mine").text
        hooks.queue(session, "run.failed", {"new": 1})
        hooks.queue(session, "import.completed", {"new": 1})
        assert hooks.deliver(session).delivered == 1
        hooked.statuses.append(500)
        assert "answered HTTP 500" in browser.submit(listed, "/destinations/hooks/test", name="mine").text
    assert browser.submit(listed, "/destinations/hooks/remove", name="mine").status_code == 303
    assert hooks.hooks_of(session) == {}


def test_everybody_has_hooks_of_their_own_and_only_the_servers_owner_has_some_nearby(live: Live) -> None:
    users.add_user(live.archive, "eve", HASHED(PASSWORD))
    owner, eve = live.logged_in(), live.logged_in("eve")
    page = eve.get("/destinations/hooks")
    assert 'name="private"' not in page.text
    for near in ("http://127.0.0.1:9/x", "https://127.0.0.1/x"):
        told = eve.submit(page, "/destinations/hooks", name="mine", url=near, private="true")
        assert (told.status_code, "Only the owner of this server" in told.text) == (400, True)
        assert eve.submit(page, "/destinations/hooks", name="mine", url=near).status_code == 400
    for clothes in ("https://2130706433/x", "https://0x7f.1/x"):  # as a resolver reads them
        assert eve.submit(page, "/destinations/hooks", name="near", url=clothes).status_code == 200
        listed = eve.get("/destinations/hooks")
        assert "is not a public server" in eve.submit(listed, "/destinations/hooks/test", name="near").text
        assert eve.submit(listed, "/destinations/hooks/remove", name="near").status_code == 303
    for browser in (owner, eve):
        form = browser.get("/destinations/hooks")
        made = browser.submit(form, "/destinations/hooks", name="mine", url="https://hooks.commonplace.dev/secret-path")
        assert made.status_code == 200
    sessions = [live.server.session_of(users.find_user(live.archive, name).owner) for name in ("me", "eve")]
    secrets = [session.environment.get("COMMONPLACE_HOOK_MINE_SECRET") for session in sessions]
    assert None not in secrets
    assert secrets[0] != secrets[1]
    assert eve.submit(eve.get("/destinations/hooks"), "/destinations/hooks/remove", name="mine").status_code == 303
    assert [list(hooks.hooks_of(session)) for session in sessions] == [["mine"], []]


def test_nobody_adds_more_hooks_than_can_be_waited_for(live: Live) -> None:
    session = live.server.session_of("me")
    for number in range(hooks.MOST_ADDED):
        hooks.add(session, f"hook-{number}", HookSettings(url="https://hooks.commonplace.dev/x"))
    browser = live.logged_in()
    one_more = {"name": "more", "url": "https://hooks.commonplace.dev/x"}
    refused = browser.submit(browser.get("/destinations/hooks"), "/destinations/hooks", **one_more)
    assert (refused.status_code, "Remove one first" in refused.text) == (400, True)


def test_of_several_who_add_one_at_once_nobody_is_lost_and_a_name_is_given_once(live: Live) -> None:
    browser = live.logged_in()
    page = browser.get("/destinations/hooks")
    names = [*(f"hook-{number}" for number in range(6)), "same", "same"]

    def add(name: str) -> int:
        return browser.submit(
            page, "/destinations/hooks", name=name, url="http://127.0.0.1:9/x", private="true"
        ).status_code

    with ThreadPoolExecutor(len(names)) as people:
        statuses = list(people.map(add, names))
    session = live.server.readers.of("me").session
    assert sorted(hooks.hooks_of(session)) == sorted(set(names))
    assert (statuses[:6], sorted(statuses[6:])) == ([200] * 6, [200, 400])
    kept = read_dotenv(live.server.settings.home / ".env")
    assert all(kept[variable] == session.environment.get(variable) for variable in map(hooks.variable_of, set(names)))
