"""Who is calling, and from where."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from commonplace.web.security.addresses import client_of, is_local


def _request(client: str, host: str = "localhost:8000", **headers: str) -> Request:
    told = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode()) for name, value in told.items()]
    return Request({"type": "http", "client": (client, 1), "headers": raw, "method": "GET", "path": "/"})


@pytest.mark.parametrize("client", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_a_program_of_this_machine_is_local(client: str) -> None:
    assert is_local(_request(client))


@pytest.mark.parametrize(
    "request_",
    [
        _request("192.168.1.2"),
        _request("127.0.0.1", host="book.example"),
        _request("127.0.0.1", x_forwarded_for="198.51.100.1"),
        _request("127.0.0.1", forwarded="for=198.51.100.1"),
        _request("127.0.0.1", cf_connecting_ip="198.51.100.1"),
        _request("127.0.0.1", via="1.1 tunnel"),
        _request("not an address"),
    ],
)
def test_what_comes_through_a_tunnel_or_proxy_of_this_machine_is_not_local(request_: Request) -> None:
    assert not is_local(request_)


def test_one_machine_is_one_client_however_many_addresses_its_network_has() -> None:
    assert client_of(_request("2001:db8::1")) == client_of(_request("2001:db8::ffff:1"))
    assert client_of(_request("2001:db8::1")) != client_of(_request("2001:db8:0:1::1"))
    assert client_of(_request("::ffff:198.51.100.1")) == "198.51.100.1"
