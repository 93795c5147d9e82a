"""The log of requests, and replies to what went wrong: an id in both, and nothing private in either."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator

import pytest

from commonplace.archive.access import users
from tests.web.conftest import PASSWORD, Forms, Live


@pytest.fixture
def logged() -> Iterator[list[logging.LogRecord]]:
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign, assignment]
    logger = logging.getLogger("commonplace.web")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield records
    logger.removeHandler(handler)
    logger.setLevel(before)


def test_the_log_names_routes_and_no_secret(live: Live, logged: list[logging.LogRecord]) -> None:
    token = users.new_link(live.archive, "me")
    browser = live.browser()
    browser.get(f"/welcome/{token}")
    browser.log_in(path="/login?next=/account%3Fsecret%3Dquery")
    cookie = browser.client.cookies["commonplace-session"]
    written = "\n".join(str(record.__dict__) for record in logged)
    assert "/welcome/{token}" in written
    for secret in (token, cookie, PASSWORD, "secret", "query"):
        assert secret not in written


def test_who_is_lost_is_shown_the_way(live: Live) -> None:
    lost = live.logged_in().get("/nowhere")
    assert lost.status_code == 404
    assert '<a href="/review">' in lost.text
    assert '<a href="/review">' not in live.browser().get("/nowhere").text


def test_what_went_wrong_is_found_by_its_id_and_told_to_nobody(live: Live, logged: list[logging.LogRecord]) -> None:
    def explode() -> None:
        raise RuntimeError("the words of a conversation")

    live.app.add_api_route("/explode", explode)
    reply = live.client().get("/explode")
    assert reply.status_code == 500
    assert reply.json()["id"] == reply.headers["x-request-id"]
    (told,) = [record for record in logged if record.levelno == logging.ERROR]
    assert told.__dict__["request"] == reply.json()["id"]
    assert told.__dict__["kind"] == "RuntimeError"
    assert told.__dict__["where"].startswith("test_requests.py:")
    assert "words" not in reply.text + str(told.__dict__)
    page = live.browser().get("/explode")
    assert page.status_code == 500
    assert page.headers["x-request-id"] in page.text
    assert "words" not in page.text


def test_who_hangs_up_is_no_error(live: Live, logged: list[logging.LogRecord]) -> None:
    head = (
        b"POST /omi/memory?uid=u HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n"
    )
    with socket.create_connection(("127.0.0.1", live.server.web.port)) as line:
        line.sendall(head + b"Expect: 100-continue\r\n\r\n")
        assert line.recv(12) == b"HTTP/1.1 100"  # it waits for the body now
    while not logged:
        time.sleep(0.01)
    assert [(record.levelno, record.__dict__["status"]) for record in logged] == [(logging.INFO, 499)]


def test_whose_body_turns_out_to_be_none_is_no_error(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    head = b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", live.server.web.port)) as line:
        line.sendall(head + b"0x3\r\nabc\r\n0\r\n\r\n")
        assert line.recv(12) == b"HTTP/1.1 400"
        while line.recv(4096):
            pass
    assert live.client().get("/healthz").status_code == 200
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_what_programs_ask_is_counted_by_its_route(live: Live) -> None:
    client = live.client()
    client.get("/api/conversations")
    client.get("/api/conversations/chatgpt:a")
    client.post("/omi/memory")
    client.post("/mcp")
    counted = client.get("/metrics").text
    for route in ("/api/conversations", "/api/conversations/{id:path}", "/omi/{kind}", "/mcp"):
        assert f'route="{route}",status="4' in counted


def test_what_is_not_as_it_should_be_is_named_and_not_repeated(live: Live) -> None:
    browser = live.browser()
    token = Forms.of(browser.get("/login").text)[0]["fields"]["csrf"]
    reply = browser.client.post("/login", data={"csrf": token, "name": "n" * 2000})
    assert reply.status_code == 422
    assert "name" in reply.json()["message"]
    assert "nnnn" not in reply.text
