"""Hooks are added, tried and taken away on their page, and their secret is shown once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from commonplace.archive.access import users
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
    users.add_user(live.archive, "eve", HASHED(PASSWORD))
    assert live.logged_in("eve").get("/destinations/hooks").status_code == 403


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
