"""Requests that a person's settings lead to reach whom they name, and nobody else."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from commonplace.errors import Halt, Refused
from commonplace.outgoing import NotSent, Reach, Sender, Unanswered, checked
from tests.fakes.poke import FakePoke


@pytest.fixture
def server() -> Iterator[FakePoke]:
    with FakePoke() as opened:
        yield opened


@pytest.mark.parametrize(
    ("url", "reach", "told"),
    [
        ("https://hooks.example.com/x", "public", "placeholder"),
        ("https://a.test/x", "public", "placeholder"),
        ("http://hooks.org/x", "public", "https://"),
        ("https://me:secret@hooks.org/x", "public", "name or password"),
        ("https://192.168.1.1/x", "public", "not a public server"),
        ("https://[::ffff:10.0.0.1]/x", "public", "not a public server"),
        ("https://localhost/x", "public", "not a public server"),
        ("https://192.168.1.1/x", "loopback", "not a public server"),
        ("http://8.8.8.8/x", "private", "not a public server"),
        ("http://169.254.169.254/x", "private", "not a public server"),
        ("https://hooks.org/x#part", "public", "begins with https"),
        ("https://hooks.org:99999/x", "public", "no address"),
        ("ftp://hooks.org/x", "public", "begins with https"),
        ("https:///x", "public", "begins with https"),
    ],
)
def test_an_address_that_cannot_be_right_is_refused(url: str, reach: Reach, told: str) -> None:
    with pytest.raises(Refused, match=told) as raised:
        checked(url, reach=reach)
    assert "secret" not in str(raised.value)


def test_a_name_that_leads_into_this_machine_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("8.8.8.8", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with closing(Sender()) as sender, pytest.raises(Halt, match=r"rebound\.org is not a public server"):
        sender.send("POST", "https://rebound.org/x")


def test_what_the_check_raises_keeps_the_request_back(server: FakePoke) -> None:
    def taken() -> None:
        raise Halt("Another run has taken over.")

    with closing(Sender(reach="loopback")) as sender, pytest.raises(Halt, match="taken over"):
        sender.send("POST", f"{server.base_url}/x", body=b"{}", check=taken)
    assert server.requests == []


def test_no_redirect_is_followed_and_no_proxy_asked(server: FakePoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server.failures.append("redirect")
    with closing(Sender(reach="loopback")) as sender:
        reply = sender.send("POST", f"{server.base_url}/inbound/api-message", body=b"{}")
    assert reply.status == 307
    assert len(server.requests) == 1


def test_what_did_not_leave_is_told_from_what_may_have_arrived(server: FakePoke) -> None:
    server.failures.append("lost before")
    with closing(Sender(reach="loopback")) as sender:
        with pytest.raises(Unanswered):
            sender.send("POST", f"{server.base_url}/x", body=b"{}")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            with pytest.raises(NotSent, match="could not be reached"):
                sender.send("POST", f"http://127.0.0.1:{taken.getsockname()[1]}/x")
