"""Somebody who is told of events: keeps what came, and answers as it is told to."""

from __future__ import annotations

import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fakes.loopback import Loopback


class Hooked(Loopback):
    """`came` is the headers and body of each request. `statuses` are answered in order, then 200; 0 hangs."""

    def __init__(self, *, latency_seconds: float = 0.0) -> None:
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.statuses: deque[int] = deque()
        self.latency_seconds = latency_seconds
        self.over = threading.Event()
        server = _Server(("127.0.0.1", 0), _Handler)
        server.fake = self  # type: ignore[attr-defined]
        super().__init__(server)

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.came]

    def close(self) -> None:
        self.over.set()
        super().close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        fake: Hooked = self.server.fake  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fake.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
        time.sleep(fake.latency_seconds)
        status = fake.statuses.popleft() if fake.statuses else 200
        if not status:
            fake.over.wait(30)
            return
        self.send_response(status)
        if status == 307:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()
