"""Names and origins: a page elsewhere cannot make the browser, or a name of its own, speak for us."""

from __future__ import annotations

import socket

import pytest

from tests.web.conftest import PASSWORD, Live, Start


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "localhost:80.evil.example",
        "localhost:80,evil.example",
        "localhost evil.example",
        "localhost@evil.example",
        "[::1]evil.example",
        "",
        "[::2]",
    ],
)
def test_a_name_that_is_not_ours_gets_nothing(live: Live, host: str) -> None:
    assert live.client().get("/login", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "LOCALHOST:8000", "[::1]:8000", "book.example"])
def test_our_names_are_answered(start: Start, host: str) -> None:
    live = start("[server]\nallowed_hosts = ['Book.example']\n")
    assert live.client().get("/login", headers={"host": host}).status_code == 200


def test_two_names_in_one_request_are_none(live: Live) -> None:
    with socket.create_connection(("127.0.0.1", live.server.web.port)) as line:
        line.sendall(b"GET /login HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        assert line.recv(4096).split()[1] in {b"400", b"421"}


def test_probes_are_answered_by_any_name(live: Live) -> None:
    assert live.client().get("/healthz", headers={"host": "10.0.0.7:8000"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://127.0.0.1:1"},
    ],
)
def test_a_form_that_another_site_sends_does_nothing(live: Live, headers: dict[str, str]) -> None:
    browser = live.browser()
    token = browser.get("/login").text.split('name="csrf" value="')[1].split('"')[0]
    sent = {"name": "me", "password": PASSWORD, "csrf": token}
    reply = browser.client.post("/login", data=sent, headers=headers)
    assert (reply.status_code, reply.json()["error"]) == (403, "cross_site")


@pytest.mark.parametrize("token", ["", "x", "e30.aaaa.bbbb", "\u00e9\u0000"])
def test_a_form_without_our_token_does_nothing(live: Live, token: str) -> None:
    sent = {"name": "me", "password": PASSWORD, "csrf": token}
    reply = live.client().post("/login", data=sent)
    assert (reply.status_code, reply.json()["error"]) == (403, "stale_form")


def test_a_token_of_another_browser_does_nothing(live: Live) -> None:
    token = live.browser().get("/login").text.split('name="csrf" value="')[1].split('"')[0]
    browser = live.browser()
    browser.get("/login")
    reply = browser.client.post("/login", data={"name": "me", "password": PASSWORD, "csrf": token})
    assert reply.status_code == 403


def test_a_browser_that_sends_no_origin_because_of_our_own_policy_is_understood(live: Live) -> None:
    browser = live.browser()
    token = browser.get("/login").text.split('name="csrf" value="')[1].split('"')[0]
    headers = {"origin": "null", "sec-fetch-site": "same-origin"}
    sent = {"name": "me", "password": PASSWORD, "csrf": token}
    assert browser.client.post("/login", data=sent, headers=headers).status_code == 303


def test_no_other_origin_may_read_by_default_and_only_named_ones_otherwise(live: Live, start: Start) -> None:
    asked = {"origin": "https://a.example", "access-control-request-method": "GET"}
    assert "access-control-allow-origin" not in live.client().options("/login", headers=asked).headers
    opened = start("[server]\ncors_origins = ['https://a.example']\n")
    granted = opened.client().options("/login", headers=asked).headers
    assert granted["access-control-allow-origin"] == "https://a.example"
    assert "access-control-allow-credentials" not in granted
    other = opened.client().options("/login", headers={**asked, "origin": "https://b.example"}).headers
    assert "access-control-allow-origin" not in other
