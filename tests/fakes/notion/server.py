"""The server: how a request comes in, is checked, goes wrong if it shall, and is answered.

    with FakeNotion() as notion:
        settings = NotionSettings(token=notion.token, base_url=notion.base_url, data_source_id=notion.add_database())
        notion.fail_next("timeout", on="POST pages", committed=True)
        ...
        assert [page.title for page in notion.rows()] == [...]

Requests are counted in fixed windows per token, whose beginning nobody is told; parallel writes to one page conflict;
times are rounded to the minute; queries end after 10,000 rows and pages after 20,000 blocks. `notion.edit`, `trash`
and `delete` are what a person does in the browser.
"""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.loopback import Loopback
from tests.fakes.notion import databases, pages, uploads
from tests.fakes.notion.answers import Answer, Silence
from tests.fakes.notion.budget import Budget
from tests.fakes.notion.faults import Fault, Faults
from tests.fakes.notion.markdown import Unreadable
from tests.fakes.notion.rules import PAYLOAD_BYTES, Invalid
from tests.fakes.notion.state import Request, Workspace, find_page, find_source

Json = dict[str, Any]

VERSIONS = ("2022-06-28", "2025-09-03", "2026-03-11")


class FakeNotion(Loopback, Workspace):
    """The server. Everything public may be used by tests while it runs."""

    def __init__(self, *, latency: float = 0.0, window_seconds: float = 60.0, per_window: int = 180,
                 workspace_per_window: int | None = None, query_cap: int = 10_000, records_per_page: int = 20_000,
                 keep_bodies: bool = True, port: int = 0) -> None:  # fmt: skip
        Workspace.__init__(self, query_cap=query_cap, records_per_page=records_per_page, keep_bodies=keep_bodies)
        self.latency = latency
        self.payload_bytes = PAYLOAD_BYTES
        self.budget = Budget(window_seconds, per_window, workspace_per_window)
        self.faults = Faults()
        self.token = f"ntn_{uuid.uuid4().hex}"
        self.requests: list[Request] = []
        self._writing: Counter[str] = Counter()
        Loopback.__init__(self, _Server(("127.0.0.1", port), _handler(self)))

    def close(self) -> None:
        self.faults.hang.set()
        super().close()

    @property
    def base_url(self) -> str:
        return self.address

    @property
    def window_seconds(self) -> float:
        return self.budget.window_seconds

    @property
    def per_window(self) -> int:
        return self.budget.per_window

    @per_window.setter
    def per_window(self, requests: int) -> None:
        self.budget.per_window = requests

    def fail_next(self, kind: str, *, on: str = "", about: str = "", skip: int = 0, times: int = 1,
                  committed: bool = False, retry_after: float | None = None, reason: str | None = None,
                  call: Callable[[], object] | None = None) -> None:  # fmt: skip
        """The next matching request (after `skip` others) goes wrong: timeout, drop, call, committed_503, or a status.

        `on` is the beginning of "METHOD path", `about` a text that its body holds. `committed` says whether the request
        is done nevertheless; `call` is called instead of answering.
        """
        with self.lock:
            for _ in range(times):
                self.faults.add(Fault(kind, on, about.encode(), skip, committed, retry_after, reason, call))

    def count(self, on: str = "") -> int:
        """Requests whose "METHOD path" begins so."""
        return sum(f"{request.method} {request.path}".startswith(on) for request in self.requests)

    def statuses(self) -> Counter[int]:
        return Counter(request.status for request in self.requests)

    def handle(self, method: str, target: str, headers: Any, raw: bytes) -> Json:
        url = urlsplit(target)
        path = url.path.removeprefix("/v1/")
        request = Request(method, path, {}, time.monotonic())
        with self.lock:
            self.requests.append(request)
        try:
            self._check_headers(headers)
            self.budget.spend()
            is_file = path.startswith("file_uploads/")
            if len(raw) > self.payload_bytes and not is_file:
                raise Answer(413, "validation_error", "Request body too large.")
            request.body = body = {} if is_file else _json_of(raw)
            with self.lock:  # only now: a request that is beyond the budget uses no fault up
                fault = self.faults.take(f"{method} {path}", raw)
            if fault is not None and not fault.committed:
                self.faults.strike(fault, None)
            with self._alone(method, path):
                if self.latency:
                    time.sleep(self.latency)
                if is_file:
                    answer = self._receive(method, path.split("/"), headers, raw)
                else:
                    answer = self._route(method, path.split("/"), parse_qs(url.query), body)
            if fault is not None and fault.committed:
                self.faults.strike(fault, answer)
        except (Invalid, Unreadable) as exc:
            request.status = 400
            raise Answer(400, "validation_error", str(exc)) from exc
        except Answer as exc:
            request.status = exc.status
            raise
        finally:
            if not self.keep_bodies:
                request.body = {}
        request.status = 200
        return answer

    def _check_headers(self, headers: Any) -> None:
        if headers.get("Authorization") != f"Bearer {self.token}":
            raise Answer(401, "unauthorized", "API token is invalid.")
        version = headers.get("Notion-Version")
        if not version:
            raise Answer(400, "missing_version", "Notion-Version header is required.")
        if version != VERSIONS[-1]:
            raise Answer(400, "validation_error", f"This fake speaks {VERSIONS[-1]} only.")

    @contextmanager
    def _alone(self, method: str, path: str) -> Iterator[None]:
        """Parallel writes to one page are a conflict."""
        parts = path.split("/")
        key = parts[1] if method == "PATCH" and parts[0] in ("pages", "blocks") and len(parts) > 1 else ""
        if key:
            with self.lock:
                if self._writing[key]:
                    raise Answer(409, "conflict_error", "Conflict occurred while saving.")
                self._writing[key] += 1
        try:
            yield
        finally:
            if key:
                with self.lock:
                    self._writing[key] -= 1

    def _receive(self, method: str, parts: list[str], headers: Any, raw: bytes) -> Json:
        match (method, *parts):
            case ("POST", "file_uploads", upload_id, "send"):
                with self.lock:
                    return uploads.send(self.uploads, upload_id, headers.get("Content-Type") or "", raw)
        raise Answer(400, "invalid_request_url", "Invalid request URL.")

    def _route(self, method: str, parts: list[str], query: dict[str, list[str]], body: Json) -> Json:
        with self.lock:
            match (method, *parts):
                case ("GET", "users", "me"):
                    return {"object": "user", "id": "bot", "type": "bot", "bot": {"workspace_name": self.name}}
                case ("POST", "search"):
                    return databases.search(self, body)
                case ("POST", "file_uploads"):
                    return uploads.create(self.uploads, body, self.now())
                case ("POST", "pages"):
                    return pages.create(self, body)
                case ("GET", "pages", page_id):
                    return pages.to_json(find_page(self, page_id))
                case ("PATCH", "pages", page_id):
                    return pages.update(self, find_page(self, page_id), body)
                case ("GET", "pages", page_id, "markdown"):
                    return pages.markdown_json(find_page(self, page_id), query)
                case ("PATCH", "pages", page_id, "markdown"):
                    return pages.update_markdown(self, find_page(self, page_id), body)
                case ("GET", "blocks", page_id, "children"):
                    return pages.children(self, page_id, query)
                case ("DELETE", "blocks", block_id):
                    return pages.remove(self, block_id)
                case ("PATCH", "blocks", page_id, "children"):
                    return pages.append(self, find_page(self, page_id), body)
                case ("POST", "databases"):
                    return databases.create(self, body)
                case ("GET", "databases", database_id):
                    return databases.to_database(self, database_id)
                case ("GET", "data_sources", source_id):
                    return databases.source_json(find_source(self, source_id))
                case ("PATCH", "data_sources", source_id):
                    return databases.update_source(self, find_source(self, source_id), body)
                case ("POST", "data_sources", source_id, "query"):
                    return databases.query(self, find_source(self, source_id), query, body)
        raise Answer(400, "invalid_request_url", "Invalid request URL.")


def _json_of(raw: bytes) -> Json:
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        raise Answer(400, "invalid_json", "Error parsing JSON body.") from None
    return body if isinstance(body, dict) else {}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away in the middle are part of the tests."""


def _handler(notion: FakeNotion) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

        def _handle(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                self._send(200, json.dumps(notion.handle(self.command, self.path, self.headers, raw)), {})
            except Answer as exc:
                body: Json = {"object": "error", "status": exc.status, "code": exc.code, "message": exc.message}
                if exc.extra:
                    body["additional_data"] = exc.extra
                self._send(exc.status, exc.message if exc.html else json.dumps(body), exc.headers)
            except Silence:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

        do_GET = do_POST = do_PATCH = do_DELETE = _handle

        def _send(self, status: int, text: str, headers: dict[str, str]) -> None:
            content = text.encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler
