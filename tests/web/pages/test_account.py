"""A person's own page: sessions seen and ended, the password changed."""

from __future__ import annotations

from commonplace.archive.access import sessions, users
from commonplace.archive.access.credentials import digest
from tests.web.conftest import HASHED, PASSWORD, Browser, Forms, Live

OTHER = "another long phrase"


def test_sessions_are_listed_and_ended_one_by_one(live: Live) -> None:
    here, there = live.logged_in(), live.logged_in()
    page = here.get("/account")
    assert {one.id for one in _sessions(live)} == {_session_of(here), _session_of(there)}
    assert here.submit(page, f"/account/sessions/{_session_of(there)}/end").status_code == 303
    assert there.get("/").status_code == 303
    assert here.get("/").status_code == 200


def test_nobody_ends_another_users_session(live: Live) -> None:
    users.add_user(live.archive, "eve", HASHED(PASSWORD))
    mine, eve = live.logged_in(), live.logged_in("eve")
    page = eve.get("/account")
    assert _session_of(mine) not in page.text
    sent = {"csrf": next(form["fields"]["csrf"] for form in Forms.of(page.text) if "csrf" in form["fields"])}
    eve.client.post(f"/account/sessions/{_session_of(mine)}/end", data=sent, headers={"origin": live.url})
    assert mine.get("/").status_code == 200
    eve.client.post(f"/account/sessions/{_session_of(eve)}/end", data=sent, headers={"origin": live.url})
    assert eve.get("/").status_code == 303


def test_a_new_password_ends_every_other_session(live: Live) -> None:
    here, there = live.logged_in(), live.logged_in()
    reply = here.submit(here.get("/account"), "/account/password", current=PASSWORD, password=OTHER, again=OTHER)
    assert reply.status_code == 303
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 303
    assert live.browser().log_in(password=PASSWORD).status_code == 401
    assert live.browser().log_in(password=OTHER).status_code == 303


def test_the_password_changes_only_for_who_knows_the_current_one(live: Live) -> None:
    browser = live.logged_in()
    page = browser.get("/account")
    reply = browser.submit(page, "/account/password", current="not this one!", password=OTHER, again=OTHER)
    assert reply.status_code == 400
    assert live.browser().log_in(password=PASSWORD).status_code == 303


def _sessions(live: Live) -> list[sessions.Session]:
    return sessions.list_sessions(live.archive, "me", idle_hours=1)


def _session_of(browser: Browser) -> str:
    return digest(browser.client.cookies["commonplace-session"])[:16]
