"""A Poke of a test's own, over real HTTP: keys, triggers, and ways of failing before and after a message arrived.

As the real one it has no list of messages and no idempotency: what comes twice is there twice.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from tests.fakes.loopback import Loopback

Failure = Literal[
    "none", "lost before", "lost after", "html", "half", "refuses", "redirect", "hangs",
    "400", "401", "403", "404", "408", "413", "429", "500", "503",
]  # fmt: skip
KEY = "poke-key"


class FakePoke(Loopback):
    """`base_url` and `key` are what settings want; `messages` and `events` what arrived; `failures` happen in order."""

    def __init__(self, *, latency_seconds: float = 0.0, retry_after: str | None = None) -> None:
        self.key = KEY
        self.messages: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.triggers: dict[str, dict[str, str]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.moments: list[float] = []
        self.failures: deque[Failure] = deque()
        self.retry_after = retry_after
        self.latency_seconds = latency_seconds
        self.lock = threading.Lock()
        self.woken = threading.Event()
        super().__init__(_Server(self))

    @property
    def base_url(self) -> str:
        return f"{self.address}/api/v1"

    @property
    def arrived(self) -> list[dict[str, Any]]:
        return [*self.messages, *self.events]

    def close(self) -> None:
        self.woken.set()
        super().close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, poke: FakePoke) -> None:
        self.poke = poke
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self._answer(405, b"", has_body=False)

    def do_POST(self) -> None:
        poke = self.server.poke
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            sent = gzip.decompress(sent)
        with poke.lock:
            poke.requests.append((self.command, self.path, dict(self.headers)))
            poke.moments.append(time.monotonic())
            failure: Failure = poke.failures.popleft() if poke.failures else "none"
        if poke.latency_seconds:
            time.sleep(poke.latency_seconds)
        if failure.isdigit():
            error = {"success": False, "error": f"It did not like {sent.decode()}"}
            self._answer(int(failure), json.dumps(error).encode())
        elif failure == "redirect":
            self._answer(307, b"", location=f"{poke.address}/elsewhere")
        elif failure == "hangs":
            poke.woken.wait(30)
        elif failure == "lost before":
            self._hang_up()
        else:
            self._carry_out(json.loads(sent), failure)

    def _carry_out(self, body: dict[str, Any], failure: Failure) -> None:
        poke, key = self.server.poke, self.headers.get("Authorization", "").removeprefix("Bearer ")
        trigger = poke.triggers.get(self.path.removeprefix("/api/v1/inbound/webhook/"))
        answer: dict[str, Any] = {"success": True}
        if key != (trigger["webhookToken"] if trigger else poke.key):
            self._answer(401, b'{"success": false, "error": "no such key"}')
            return
        with poke.lock:
            if trigger:
                poke.events.append(body)
            elif self.path == "/api/v1/inbound/api-message":
                if failure != "refuses":
                    poke.messages.append(body)
            elif self.path == "/api/v1/api-keys/webhook":
                id = f"t{len(poke.triggers) + 1}"
                url = f"{poke.base_url}/inbound/webhook/{id}"
                answer = {"triggerId": id, "webhookUrl": url, "webhookToken": f"token-{id}"}
                poke.triggers[id] = answer | {"condition": body["condition"], "action": body["action"]}
            else:
                self._answer(404, b"{}")
                return
        if failure == "lost after":
            self._hang_up()
        elif failure == "html":
            self._answer(200, b"<html>Sign in to the hotel's network</html>", kind="text/html")
        elif failure == "half":
            self._answer(200, b'{"success": tr', longer=50)
        else:
            refused = {"success": False, "message": f"No: {body}"}
            self._answer(200, json.dumps(refused if failure == "refuses" else answer).encode())

    def _answer(
        self, status: int, data: bytes, *, kind: str = "application/json", location: str = "", longer: int = 0,
        has_body: bool = True,
    ) -> None:  # fmt: skip
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) + longer))
        if location:
            self.send_header("Location", location)
        if self.server.poke.retry_after and status in (429, 503):
            self.send_header("Retry-After", self.server.poke.retry_after)
        self.end_headers()
        if has_body:
            self.wfile.write(data)
        if longer:
            self._hang_up()

    def _hang_up(self) -> None:
        """A reset, in the middle of whatever it was."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()
