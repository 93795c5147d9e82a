"""The fake OpenAI's HTTP: what comes in, what goes wrong, what goes out."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal

from tests.fakes.openai_answers import SPOILED, count_tokens, embed, spoil

if TYPE_CHECKING:
    from tests.fakes.openai import FakeOpenAI

Kind = Literal[
    "error_500",
    "rate_limit",
    "quota",
    "wrong_key",
    "forbidden",
    "model_gone",
    "too_long",
    "truncated",
    "filtered",
    "refusal",
    "wrong_enum",
    "wrong_confidence",
    "wrong_index",
    "missing_item",
    "prose",
    "fenced",
    "not_http_json",
    "page",
    "drop_before",
    "drop_after",
    "drop_after_create",
    "nan_vectors",
    "short_vectors",
    "uneven_vectors",
    "missing_vectors",
    "shuffled_vectors",
]
ANSWERED: frozenset[str] = frozenset(
    {"truncated", "filtered", "refusal", "wrong_enum", "wrong_confidence", "wrong_index"}
    | {"missing_item", "prose", "fenced", "not_http_json", "drop_after"}
)
"""Faults that come with a bill: the model did the work."""

_STATUS = {
    "error_500": (500, "server_error", None),
    "rate_limit": (429, "rate_limit_exceeded", None),
    "quota": (429, "insufficient_quota", None),
    "wrong_key": (401, "invalid_api_key", None),
    "forbidden": (403, "unsupported_country_region_territory", None),
    "model_gone": (404, "model_not_found", "model"),
    "too_long": (400, "context_length_exceeded", "input"),
}


@dataclass
class Fault:
    """What goes wrong, how often, and for which requests: those to a path that start so and mention a text."""

    kind: Kind
    times: int = 1
    mentions: str = ""
    path: str = "/v1/"
    retry_after: str | None = None


@dataclass
class Seen:
    """One request as it came in, and what was answered."""

    path: str
    body: dict[str, Any]
    status: int = 0
    fault: str | None = None
    at: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, fake: FakeOpenAI) -> None:
        self.fake = fake
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is not news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._handle("GET", b"")

    def do_DELETE(self) -> None:
        self._handle("DELETE", b"")

    def do_POST(self) -> None:
        self._handle("POST", self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _handle(self, method: str, data: bytes) -> None:
        fake = self.server.fake
        path = self.path.partition("?")[0]
        is_json = "json" in (self.headers.get("Content-Type") or "")
        seen = Seen(path, json.loads(data) if is_json and data else {}, at=time.monotonic(), headers=dict(self.headers))
        with fake.lock:
            fake.seen.append(seen)
            fake.in_flight += 1
            fake.most_in_flight = max(fake.most_in_flight, fake.in_flight)
        try:
            self._route(method, path, seen, data)
        finally:
            with fake.lock:
                fake.in_flight -= 1

    def _route(self, method: str, path: str, seen: Seen, data: bytes) -> None:
        fake = self.server.fake
        if self.headers.get("Authorization") != f"Bearer {fake.api_key}":
            return self._refuse(seen, "wrong_key")
        if method == "POST" and path in {"/v1/responses", "/v1/chat/completions"}:
            return self._question(path, seen)
        fault = fake.take_fault(path, "")
        if fault and fault.kind not in {"drop_after_create", *SPOILED}:
            return self._strike(seen, fault)
        if method == "POST" and path == "/v1/embeddings":
            wait, headers = fake.admit(sum(map(count_tokens, seen.body.get("input") or [])))
            if wait > 0:
                return self._busy(seen, wait, headers)
            status, answer = embed(seen.body)
            return self._send(seen, status, spoil(answer, fault.kind) if fault else answer, headers)
        if path == "/v1/models":
            return self._send(seen, 200, fake.model_list())
        with fake.lock:
            status, answer = fake.batches.handle(method, path, self.path, seen.body, data, dict(self.headers))
        if method == "POST" and path == "/v1/batches":
            time.sleep(fake.slow_create)
        return self._drop(seen, fault) if fault else self._send(seen, status, answer)

    def _question(self, path: str, seen: Seen) -> None:
        fake, body = self.server.fake, seen.body
        objection = fake.problem_with(path, body)
        if objection:
            return self._error(seen, 400, objection[1], objection[0])
        if body["model"] not in fake.models:
            return self._refuse(seen, "model_gone")
        prompt, question = texts_of(path, body)
        wait, headers = fake.admit(count_tokens(prompt) + count_tokens(question))
        if wait > 0:
            return self._busy(seen, wait, headers)
        fault = fake.take_fault(path, question)
        seen.fault = fault.kind if fault else None
        if fault and fault.kind not in ANSWERED:
            return self._strike(seen, fault, headers)
        if fake.latency:
            time.sleep(fake.latency)
        answer = fake.respond(path, body, fault)
        if fault and fault.kind == "drop_after":
            return self._drop(seen, fault)
        if fault and fault.kind == "not_http_json":
            return self._send(seen, 200, b"<html>gateway</html>", headers)
        return self._send(seen, 200, answer, headers)

    def _strike(self, seen: Seen, fault: Fault, headers: dict[str, str] | None = None) -> None:
        """What goes wrong before anything is done, and costs nothing."""
        if fault.kind.startswith("drop"):
            return self._drop(seen, fault)
        if fault.kind == "page":
            return self._send(seen, 200, b"<html>Sign in to the hotel's network</html>", {"Content-Type": "text/html"})
        if fault.kind == "not_http_json":
            return self._send(seen, 200, b"<html>gateway</html>", headers)
        return self._fault(seen, fault, headers)

    def _busy(self, seen: Seen, wait: float, headers: dict[str, str]) -> None:
        self._error(seen, 429, "rate_limit_exceeded", None, {**headers, "retry-after-ms": str(int(wait * 1000) + 1)})

    def _fault(self, seen: Seen, fault: Fault, headers: dict[str, str] | None = None) -> None:
        status, code, param = _STATUS[fault.kind]
        extra = dict(headers or {})
        if fault.retry_after is not None:
            extra["retry-after"] = fault.retry_after
        self._error(seen, status, code, param, extra)

    def _refuse(self, seen: Seen, kind: Kind) -> None:
        self._fault(seen, Fault(kind))

    def _drop(self, seen: Seen, fault: Fault) -> None:
        seen.fault = fault.kind
        self.close_connection = True

    def _error(
        self, seen: Seen, status: int, code: str, param: str | None, headers: dict[str, str] | None = None
    ) -> None:
        said = f"Scripted: {code}. SECRET-ECHO {json.dumps(seen.body)[:200]}"
        body = {"error": {"message": said, "type": code, "code": code, "param": param}}
        self._send(seen, status, body, headers)

    def _send(self, seen: Seen, status: int, answer: Any, headers: dict[str, str] | None = None) -> None:
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        seen.status = status
        self.send_response(status)
        headers = {"Content-Type": "application/json", **(headers or {})}
        self.send_header("Content-Length", str(len(data)))
        self.send_header("x-request-id", self.server.fake.next_id("req"))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()


def texts_of(path: str, body: dict[str, Any]) -> tuple[str, str]:
    """The constant instructions and the question itself."""
    messages = body.get("messages") if path == "/v1/chat/completions" else body.get("input")
    if isinstance(messages, str):
        return str(body.get("instructions") or ""), messages
    fixed, question = [str(body.get("instructions") or "")], list[str]()
    for message in messages or []:
        content = message["content"]
        text = content if isinstance(content, str) else "".join(part["text"] for part in content)
        (fixed if message["role"] in {"system", "developer"} else question).append(text)
    return "\n".join(fixed), "\n".join(question)
