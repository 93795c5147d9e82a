"""OMI's developer API on this machine: windows, offsets, limits and encryption as it has them, and faults on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from commonplace.moments import parse
from tests.fakes.loopback import Loopback

Json = dict[str, Any]
PATH = "/v1/dev/user/conversations"


class FakeOmi(Loopback):
    """`conversations` are listed the newest first. `before` is called before each answer and may change anything."""

    def __init__(self, *conversations: Json, key: str = "omi_dev_test") -> None:
        self.key = key
        self.conversations = list(conversations)
        self.sealed_with: bytes | None = None
        """The raw recovery key, where its owner's data is encrypted."""
        self.faults: list[tuple[int, dict[str, str], bytes]] = []
        """Answers that are given once each before anything else: status, headers, body. Status 0 is none at all."""
        self.headers: dict[str, str] = {}
        self.before: Callable[[Json], None] = lambda _query: None
        self.asked: list[Json] = []
        self.lock = threading.Lock()
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.fake = self  # type: ignore[attr-defined]
        super().__init__(server)

    def page(self, query: Json) -> list[Json]:
        start, end = parse(query.get("start_date", "1970-01-02")), parse(query.get("end_date", "2100-01-01"))
        inside = [told for told in self.conversations if start <= parse(told["created_at"]) <= end]
        found = sorted(inside, key=lambda told: str(told["created_at"]), reverse=True)
        offset = int(query.get("offset", 0))
        shown = found[offset : offset + int(query.get("limit", 25))]
        if query.get("include_transcript") == "true":
            return shown
        return [{key: value for key, value in told.items() if key != "transcript_segments"} for told in shown]


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        fake: FakeOmi = self.server.fake  # type: ignore[attr-defined]
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        with fake.lock:
            fake.asked.append(query)
            fake.before(query)
            if fake.faults:
                self._send(*fake.faults.pop(0))
            elif address.path != PATH:
                self._send(404, {}, b'{"detail": "Not Found"}')
            elif self.headers.get("Authorization") != f"Bearer {fake.key}":
                self._send(401, {}, b'{"detail": "Invalid API key"}')
            elif fake.sealed_with and self.headers.get("X-E2EE-Key-Hash") != sha256(fake.sealed_with).hexdigest():
                self._send(403, {}, b'{"detail": "E2EE key hash is missing or wrong"}')
            else:
                self._send(200, fake.headers, json.dumps(fake.page(query)).encode())

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        if not status:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
