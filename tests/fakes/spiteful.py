"""A service that refuses whatever it is asked, and says so at length: markup, the caller's own key, a megabyte."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.fakes.loopback import Loopback

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"
BIDI = "\u202e\u2066"
KEY = "sk-KeepThisToYourself"


class Spiteful(Loopback):
    """`status` is what it answers with. In every shape that our clients read an error of, there is the same text."""

    def __init__(self, status: int = 400) -> None:
        self.status = status
        self.asked = 0
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.fake = self  # type: ignore[attr-defined]
        super().__init__(server)


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def _refuse(self) -> None:
        fake: Spiteful = self.server.fake  # type: ignore[attr-defined]
        fake.asked += 1
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = f"{MARKUP}{BIDI} {self.headers.get('Authorization')} {'x' * 125_000}"  # eight times in a body
        error = {"message": said, "code": said, "type": said, "param": f"model.{said}"}
        body = json.dumps({"error": error, "success": False, "object": "error", **error}).encode()
        self.send_response(fake.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = do_HEAD = _refuse
