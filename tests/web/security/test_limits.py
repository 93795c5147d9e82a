"""How much and how often."""

from __future__ import annotations

import socket

import pytest

from commonplace.errors import Refused
from commonplace.web.security.limits import Limiter
from tests.web.conftest import Live, Start


def test_too_many_requests_are_told_when_to_come_back(start: Start) -> None:
    live = start(RATELIMIT_DEFAULT="5/minute")
    statuses = [live.client().get("/login").status_code for _ in range(7)]
    assert statuses == [200] * 5 + [429] * 2
    refused = live.client().get("/login")
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.json()["error"] == "too_many_requests"


def test_probes_are_not_counted(start: Start) -> None:
    live = start(RATELIMIT_DEFAULT="2/minute")
    assert {live.client().get("/healthz").status_code for _ in range(5)} == {200}


def test_the_login_has_a_bucket_of_its_own(start: Start) -> None:
    live = start(RATELIMIT_DEFAULT="1000/minute")
    statuses = [live.client().post("/login", data={}).status_code for _ in range(31)]
    assert statuses[:30] == [403] * 30
    assert statuses[30] == 429
    assert live.client().get("/login").status_code == 200


def test_clients_behind_a_trusted_proxy_are_counted_one_by_one(start: Start) -> None:
    live = start("[server]\ntrusted_proxies = ['127.0.0.0/8']\n", RATELIMIT_DEFAULT="2/minute")
    for address in ("198.51.100.1", "198.51.100.2", "2001:db8:1::1"):
        statuses = [live.client().get("/login", headers={"x-forwarded-for": address}).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
    same_network = live.client().get("/login", headers={"x-forwarded-for": "2001:db8:1::2"})
    assert same_network.status_code == 429


def test_a_client_cannot_choose_its_address(start: Start) -> None:
    live = start(RATELIMIT_DEFAULT="3/minute")
    statuses = [
        live.client().get("/login", headers={"x-forwarded-for": f"198.51.100.{n}"}).status_code for n in range(4)
    ]
    assert statuses[-1] == 429
    trusting = start("[server]\ntrusted_proxies = ['127.0.0.1']\n", RATELIMIT_DEFAULT="3/minute")
    statuses = [
        trusting.client().get("/login", headers={"x-forwarded-for": f"203.0.113.{n}, 198.51.100.1"}).status_code
        for n in range(4)
    ]
    assert statuses[-1] == 429


def test_a_body_is_refused_by_its_announced_size(live: Live) -> None:
    reply = live.client().post("/login", content=b"x" * (300 << 10), headers={"content-type": "text/plain"})
    assert (reply.status_code, reply.json()["error"]) == (413, "too_large")


def test_a_body_is_counted_while_it_arrives(live: Live) -> None:
    with socket.create_connection(("127.0.0.1", live.server.web.port)) as line:
        line.sendall(
            b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        try:
            for _ in range(20):
                line.sendall(chunk)
        except OSError:
            pass  # it may have hung up on us already
        assert line.recv(4096).split()[1] == b"413"


def test_a_body_whose_length_is_told_in_two_ways_is_refused(live: Live) -> None:
    with socket.create_connection(("127.0.0.1", live.server.web.port)) as line:
        line.sendall(
            b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
            b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        answered = b"".join(iter(lambda: line.recv(4096), b""))  # until it hangs up
    assert answered.split()[1] == b"400"
    assert answered.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(("rate", "storage"), [("often", "memory://"), ("1/minute", "mysql://x")])
def test_a_limit_that_cannot_be_is_refused_at_the_start(rate: str, storage: str) -> None:
    with pytest.raises(Refused):
        Limiter(rate, storage)
