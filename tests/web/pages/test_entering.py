"""How people come in: a link that works once, a login that tells nothing, sessions that end."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie

import httpx
import pytest
from sqlalchemy import select, update

from commonplace.archive.access import users
from commonplace.archive.access.tables import login_links, sessions
from tests.web.conftest import PASSWORD, Live, Start


def _cookie(reply: httpx.Response) -> SimpleCookie:
    cookie = SimpleCookie()
    for value in reply.headers.get_list("set-cookie"):
        cookie.load(value)
    return cookie


def test_the_first_link_sets_name_and_password_once(start: Start) -> None:
    live = start()
    path = f"/welcome/{users.new_link(live.archive, 'me')}"
    browser = live.browser()
    assert "Nobody has set a password here yet." in browser.get("/login").text
    page = browser.get(path)
    assert page.status_code == 200
    assert browser.get(path).status_code == 200  # a preview of the link uses nothing up
    reply = browser.submit(page, path, name="Ada", password=PASSWORD, again=PASSWORD)
    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    first = browser.get("/")
    assert first.status_code == 200
    assert 'action="/import/file"' in first.text  # what is dropped there is uploaded
    assert "Nobody has set a password" not in live.browser().get("/login").text
    assert [user.name for user in users.list_users(live.archive)] == ["ada"]
    assert live.browser().get(path).status_code == 410
    assert browser.submit(page, path, name="Eve", password=PASSWORD, again=PASSWORD).status_code in {403, 410}


def test_a_link_that_is_too_old_opens_nothing(live: Live) -> None:
    path = f"/welcome/{users.new_link(live.archive, 'me')}"
    with live.archive.write() as connection:
        connection.execute(update(login_links).values(expires_at=1))
    assert live.browser().get(path).status_code == 410


@pytest.mark.parametrize(("password", "again"), [("short", "short"), (PASSWORD, PASSWORD + "!"), ("a" * 20, "a" * 20)])
def test_a_password_that_is_refused_leaves_the_link_as_it_was(start: Start, password: str, again: str) -> None:
    live = start()
    path = f"/welcome/{users.new_link(live.archive, 'me')}"
    browser = live.browser()
    reply = browser.submit(browser.get(path), path, name="ada", password=password, again=again)
    assert reply.status_code == 400
    assert 'role="alert"' in reply.text
    assert browser.get(path).status_code == 200


def test_a_later_link_ends_the_earlier_one_and_every_session(live: Live) -> None:
    browser = live.logged_in()
    first, second = (f"/welcome/{users.new_link(live.archive, 'me')}" for _ in range(2))
    assert live.browser().get(first).status_code == 410
    other = live.browser()
    assert other.submit(other.get(second), second, password="another long phrase", again="another long phrase")
    assert browser.get("/").headers["location"] == "/login?next=/"
    assert live.browser().log_in(password=PASSWORD).status_code == 401


def test_a_wrong_name_and_a_wrong_password_read_the_same(live: Live) -> None:
    replies = [live.browser().log_in(name, "wrong password here") for name in ("me", "nobody", "", "\u0000", "a" * 900)]
    assert {reply.status_code for reply in replies} == {401}
    without_names = {re.sub(r'( value="[^"]*"| autofocus)', "", reply.text) for reply in replies}
    assert len(without_names) == 1


def test_guessing_is_slowed_down_for_the_account_and_says_for_how_long(live: Live) -> None:
    statuses = [live.browser().log_in("me", f"guess number {n}").status_code for n in range(11)]
    assert statuses == [401] * 10 + [429]
    refused = live.browser().log_in("me", PASSWORD)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 900


def test_a_login_gets_a_session_of_its_own(live: Live) -> None:
    browser = live.logged_in()
    first = browser.client.cookies["commonplace-session"]
    browser.client.cookies.set("commonplace-session", "cps_planted", domain="127.0.0.1")
    planted = live.browser()
    planted.client.cookies.set("commonplace-session", first)
    page = planted.get("/login")
    assert page.status_code == 303  # it is logged in already
    again = live.browser()
    again.client.cookies.set("commonplace-session", "cps_planted")
    assert again.log_in().status_code == 303
    held = {value for value in again.client.cookies.jar if value.name == "commonplace-session" and value.value}
    assert "cps_planted" not in {cookie.value for cookie in held if cookie.domain}
    with live.archive.read() as connection:
        stored = set(connection.execute(select(sessions.c.token_hash)).scalars())
    assert len(stored) == 2
    assert first not in stored


def test_the_cookie_is_out_of_reach_of_scripts_and_sites(live: Live) -> None:
    morsel = _cookie(live.browser().log_in())["commonplace-session"]
    assert morsel["httponly"]
    assert morsel["samesite"] == "lax"
    assert morsel["path"] == "/"


def test_behind_https_the_cookie_never_travels_in_the_clear(start: Start) -> None:
    live = start("[server]\npublic_url = 'https://book.example'\n")
    reply = live.client().get("/login", headers={"host": "book.example", "accept": "text/html"})
    morsel = _cookie(reply)["__Host-commonplace-visit"]
    assert morsel["secure"]
    assert reply.headers["strict-transport-security"].startswith("max-age=")


@pytest.mark.parametrize("column", ["expires_at", "seen_at"])
def test_a_session_ends_by_age_and_by_idleness(live: Live, column: str) -> None:
    browser = live.logged_in()
    assert browser.get("/").status_code == 200
    with live.archive.write() as connection:
        connection.execute(update(sessions).values({column: 1}))
    assert browser.get("/").status_code == 303


def test_logging_out_ends_the_session_in_the_archive(live: Live) -> None:
    browser = live.logged_in()
    held = browser.client.cookies["commonplace-session"]
    assert browser.submit(browser.get("/"), "/logout").status_code == 303
    thief = live.browser()
    thief.client.cookies.set("commonplace-session", held)
    assert thief.get("/").status_code == 303


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/\tx", "javascript:alert(1)"]
)
def test_a_login_leads_nowhere_else(live: Live, elsewhere: str) -> None:
    browser = live.browser()
    page = browser.client.get("/login", params={"next": elsewhere}, headers={"accept": "text/html"})
    reply = browser.submit(page, "/login", name="me", password=PASSWORD, next=elsewhere)
    assert reply.headers["location"] == "/"


def test_a_login_leads_back_to_where_one_was_going(live: Live) -> None:
    browser = live.browser()
    asked = browser.get("/account?a=1&b=2")
    assert asked.headers["location"] == "/login?next=/account%3Fa%3D1%26b%3D2"
    assert browser.log_in(path=asked.headers["location"]).headers["location"] == "/account?a=1&b=2"


def test_a_disabled_user_is_out_at_once_and_stays_out(live: Live) -> None:
    browser = live.logged_in()
    users.disable(live.archive, "me")
    assert browser.get("/").status_code == 303
    assert live.browser().log_in().status_code == 401
    users.disable(live.archive, "me", is_disabled=False)
    assert live.browser().log_in().status_code == 303
