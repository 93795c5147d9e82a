"""OpenAI's Conversations, the Responses that go on in them, and vector stores to search, over real HTTP.

As strict as the service: 20 items a call, 16 values of metadata, newest first unless asked otherwise, no list of
conversations, items that outlive their conversation, and `conversation_locked`. Requests fail as they are told to,
before or after they were carried out.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from tests.fakes.answering import _event
from tests.fakes.loopback import Loopback
from tests.fakes.stores.vector_stores import VectorStores, are_attributes

Failure = Literal[
    "none", "lost before", "lost after", "500", "500 after", "429", "locked", "403", "html", "doubles", "hang",
    "half", "error as 200", "shuffled",
]  # fmt: skip
KEY = "sk-conversations"
Json = dict[str, Any]


class FakeConversations(Loopback):
    """`url` is the base URL. `failures` happen to writes, in their order. Where there is a `meeting`, conversations are
    made only when as many are being made at once. Each answer takes `latency_seconds`."""

    def __init__(self, *, latency_seconds: float = 0.0) -> None:
        self.latency_seconds = latency_seconds
        self.meeting: threading.Barrier | None = None
        self.key = KEY
        self.conversations: dict[str, Json] = {}
        self.items: dict[str, list[Json]] = {}
        self.requests: Counter[str] = Counter()
        self.asked: list[Json] = []
        self.failures: deque[Failure] = deque()
        self.answer = "An answer."
        self.lock = threading.RLock()
        self._number = 0
        self._in_use: set[str] = set()
        self.refused_as_locked = 0
        self.over = threading.Event()
        self.vector = VectorStores(self.next_id)
        self.newest_first = False
        """Whether lists come so whatever one asks for."""
        self.forbidden = ""
        """What the key has no right to: the beginning of a path."""
        server = _Server(("127.0.0.1", 0), _Handler)
        server.fake = self  # type: ignore[attr-defined]
        super().__init__(server)

    @property
    def url(self) -> str:
        return f"{self.address}/v1"

    def close(self) -> None:
        self.over.set()
        super().close()

    @property
    def writes(self) -> int:
        return sum(count for kind, count in self.requests.items() if not kind.startswith("GET"))

    def of(self, source_id: str) -> list[str]:
        """The conversations of one of ours, oldest first."""
        return [id for id, one in self.conversations.items() if one["metadata"].get("source_id") == source_id]

    def texts(self, conversation_id: str) -> list[str]:
        return ["".join(part.get("text", "") for part in item["content"]) for item in self.items[conversation_id]]

    def say(self, conversation_id: str, role: str, text: str) -> str:
        """Somebody goes on there."""
        return str(self.add(conversation_id, [{"type": "message", "role": role, "content": text}])[0]["id"])

    def take(self, conversation_id: str) -> bool:
        """Whether nobody else writes to that conversation, until it is released."""
        with self.lock:
            is_free = conversation_id not in self._in_use
            self._in_use.add(conversation_id)
            return is_free

    def release(self, conversation_id: str) -> None:
        with self.lock:
            self._in_use.discard(conversation_id)

    def next_id(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}_{self._number:06d}"

    def add(self, conversation_id: str, items: list[Json]) -> list[Json]:
        made = []
        for item in items:
            content = item["content"]
            if isinstance(content, str):
                content = [{"type": "output_text" if item["role"] == "assistant" else "input_text", "text": content}]
            made.append({**item, "id": self.next_id("msg"), "status": "completed", "content": content})
        self.items[conversation_id] += made
        return made


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    _taken: str | None = None

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def do_DELETE(self) -> None:
        self._handle("DELETE")

    def _handle(self, method: str) -> None:
        fake: FakeConversations = self.server.fake  # type: ignore[attr-defined]
        parts = urlsplit(self.path)
        path = parts.path.removeprefix("/v1/").split("/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        kind, data = self.headers.get("Content-Type") or "", self.rfile.read(length)
        body: Any = json.loads(data) if length and "json" in kind else data or {}
        if method == "POST" and path == ["conversations"] and fake.meeting is not None:
            fake.meeting.wait(30)
        written = path[1] if len(path) > 1 else body.get("conversation") if path[0] == "responses" else None
        is_free = fake.take(written) if method == "POST" and written else True
        self._taken = written if method == "POST" and is_free else None
        try:
            time.sleep(fake.latency_seconds)
            self._answer(fake, method, path, query, body, is_free=is_free)
        finally:
            self._release()

    def _release(self) -> None:
        """Before the answer: whoever has it may write the next."""
        if self._taken:
            self.server.fake.release(self._taken)  # type: ignore[attr-defined]
            self._taken = None

    def _answer(
        self, fake: FakeConversations, method: str, path: list[str], query: Json, body: Json, *, is_free: bool
    ) -> None:
        with fake.lock:
            failure: Failure = fake.failures.popleft() if method == "POST" and fake.failures else "none"
        if failure == "hang":
            fake.over.wait(60)
            return
        with fake.lock:
            fake.requests[" ".join([method, path[0], *(["items"] if "items" in path else [])])] += 1
            if self.headers.get("Authorization") != f"Bearer {fake.key}":
                self._error(401, "invalid_api_key")
                return
            if fake.forbidden and path[0].startswith(fake.forbidden):
                self._error(403, "")
                return
            if failure in ("500", "429", "403"):
                self._error(int(failure), "server_error" if failure == "500" else "")
            elif failure == "locked" or not is_free:
                fake.refused_as_locked += 1
                self._error(400, "conversation_locked")
            elif failure == "error as 200":
                self._send(200, json.dumps({"error": {"message": "no", "code": "server_error"}}).encode())
            elif failure == "html":
                self._send(200, b"<html>Sign in</html>", kind="text/html")
            elif failure == "lost before":
                self._hang_up()
            elif path[0] == "responses":
                self._respond(fake, body)
            elif path[0] in ("files", "vector_stores"):
                kind = self.headers.get("Content-Type") or ""
                self._finish(failure, *fake.vector.handle(method, path, query, body, kind))
            else:
                self._finish(failure, *self._carry_out(fake, method, path, query, body))

    def _finish(self, failure: Failure, status: int, answer: Json) -> None:
        if failure == "lost after":
            self._hang_up()
        elif failure == "500 after":
            self._error(500, "server_error")
        elif failure == "doubles" and "data" in answer:
            self._send(200, json.dumps({**answer, "data": [answer["data"][0]] * len(answer["data"])}).encode())
        elif failure == "shuffled" and "data" in answer:
            self._send(200, json.dumps({**answer, "data": answer["data"][::-1]}).encode())
        elif failure == "half":
            self._send(200, json.dumps(answer).encode(), longer=100)
            self.close_connection = True
        elif status != 200:
            self._error(status, answer.get("code", ""))
        else:
            self._send(200, json.dumps(answer).encode())

    def _carry_out(self, fake: FakeConversations, method: str, path: list[str], query: Json, body: Json) -> tuple[int, Json]:  # fmt: skip  # noqa: E501
        if path == ["conversations"]:
            if method != "POST" or not are_attributes(body.get("metadata") or {}) or len(body.get("items") or []) > 20:
                return (400, {}) if method == "POST" else (404, {})
            id = fake.next_id("conv")
            fake.conversations[id] = {"id": id, "object": "conversation", "created_at": 1, "metadata": body["metadata"]}
            fake.items[id] = []
            return 200, fake.conversations[id]
        id = path[1]
        if id not in fake.conversations and not (path[2:] and method == "DELETE"):
            return 404, {}
        if len(path) == 2:
            return self._one(fake, method, id, body)
        if len(path) == 3:
            return self._many(fake, method, id, query, body)
        before = len(fake.items.get(id, []))
        fake.items[id] = [item for item in fake.items.get(id, []) if item["id"] != path[3]]
        return (200, fake.conversations.get(id, {"id": id})) if len(fake.items[id]) < before else (404, {})

    def _one(self, fake: FakeConversations, method: str, id: str, body: Json) -> tuple[int, Json]:
        if method == "DELETE":
            del fake.conversations[id]
            return 200, {"id": id, "deleted": True, "object": "conversation.deleted"}
        if method == "POST":
            if not are_attributes(body["metadata"]):
                return 400, {}
            fake.conversations[id]["metadata"] = body["metadata"]
        return 200, fake.conversations[id]

    def _many(self, fake: FakeConversations, method: str, id: str, query: Json, body: Json) -> tuple[int, Json]:
        if method == "POST":
            if not 1 <= len(body["items"]) <= 20 or not all(_is_item(item) for item in body["items"]):
                return 400, {}
            return 200, _listed(fake.add(id, body["items"]), has_more=False)
        is_asc = query.get("order", "desc") == "asc" and not fake.newest_first
        items = fake.items[id] if is_asc else fake.items[id][::-1]
        if after := query.get("after"):
            ids = [item["id"] for item in items]
            if after not in ids:
                return 404, {}
            items = items[ids.index(after) + 1 :]
        limit = int(query.get("limit", 20))
        return (200, _listed(items[:limit], has_more=len(items) > limit)) if 1 <= limit <= 100 else (400, {})

    def _respond(self, fake: FakeConversations, body: Json) -> None:
        """Streamed; what was asked and said is appended to the conversation when it is complete."""
        fake.asked.append(body)
        if id := body.get("conversation"):
            if id not in fake.conversations:
                self._error(404, "")
                return
            asked = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
            said = {"type": "message", "role": "assistant", "content": fake.answer}
            fake.add(id, [{"type": "message", **item} for item in asked] + [said])
        searched: list[Json] = []
        for tool in body.get("tools") or ():
            status, results = fake.vector.search(tool)
            if status != 200:
                self._error(status, "")
                return
            told = results if "file_search_call.results" in (body.get("include") or ()) else None
            searched.append({"type": "file_search_call", "id": "fs", "queries": ["q"], "status": "completed",
                             "results": told, "found": results})  # fmt: skip
        cited = [each for call in searched for each in call.pop("found")]
        part = {"type": "output_text", "text": fake.answer, "annotations": []}
        output = [*searched, {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]}]  # fmt: skip  # noqa: E501
        usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
        whole = {"id": "r", "object": "response", "status": "completed", "output": output, "usage": usage}
        delta = _event("response.output_text.delta", delta=fake.answer, item_id="m", output_index=0, content_index=0)
        calls = [_event("response.output_item.done", item=call, output_index=0) for call in searched]
        where = {"item_id": "m", "output_index": 0, "content_index": 0, "annotation_index": 0}
        notes = [
            _event("response.output_text.annotation.added", **where, annotation={
                "type": "file_citation", "file_id": file["file_id"], "filename": file["filename"],
                "index": len(fake.answer)})
            for file in cited
        ]  # fmt: skip
        events = [*calls, delta, *notes, _event("response.completed", response=whole)]
        self._send(200, "".join(f"{event}\n\n" for event in events).encode(), kind="text/event-stream")

    def _error(self, status: int, code: str) -> None:
        self._send(status, json.dumps({"error": {"message": "no", "type": "error", "code": code or None}}).encode())

    def _send(self, status: int, data: bytes, *, kind: str = "application/json", longer: int = 0) -> None:
        """With more promised than is sent, the connection breaks in the middle."""
        self._release()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) + longer))
        if status == 429:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(data)

    def _hang_up(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


def _listed(items: list[Json], *, has_more: bool) -> Json:
    first, last = (items[0]["id"], items[-1]["id"]) if items else ("", "")
    return {"object": "list", "data": items, "first_id": first, "last_id": last, "has_more": has_more}


def _is_item(item: Json) -> bool:
    speaks = item.get("role") in ("user", "assistant", "system", "developer")
    return item.get("type") == "message" and speaks and isinstance(item["content"], str) and bool(item["content"])
