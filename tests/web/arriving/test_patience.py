"""Who sends next to nothing is hung up on; who waits for us is not."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack, suppress

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from commonplace.web.arriving import patience
from commonplace.web.server import Server
from tests.web.conftest import Live, Start

HEAD = (
    b"POST /omi/memory?uid=u HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 200000\r\n\r\n"
)
SENT = (b"", b"GET /login HTTP/1.1\r\nHost: localhost\r\nX: ", HEAD, HEAD + b"x" * 9_000)


def _connected(live: Live) -> socket.socket:
    return socket.create_connection(("127.0.0.1", live.server.web.port), timeout=120)


def test_who_keeps_us_waiting_for_a_request_is_hung_up_on(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SECONDS", 0.1)
    with ExitStack() as stack:
        lines = [stack.enter_context(_connected(live)) for _ in SENT]
        for line, sent in zip(lines, SENT, strict=True):
            line.sendall(sent)
        for line in lines:
            with suppress(ConnectionResetError):
                assert line.recv(1) == b""
    assert live.client().get("/healthz").status_code == 200


def test_who_waits_for_us_is_not(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SECONDS", 0.5)

    def around(app: ASGIApp, _: Server) -> ASGIApp:
        async def slowly(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                await asyncio.sleep(4 * patience.SECONDS)
            await app(scope, receive, send)

        return slowly

    live = start(around=around)
    with _connected(live) as line, line.makefile("rb") as coming:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert coming.readline().startswith(b"HTTP/1.1 200")
