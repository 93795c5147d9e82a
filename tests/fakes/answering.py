"""A server that answers in a stream, by Responses, by chat completions alone, or not at all as it should.

What it says is scripted: a function of what it was told and asked. It counts what it was asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from tests.fakes.loopback import Loopback

Manner = Literal["whole", "cut", "at_once", "unnamed", "half", "unended", "page", "wrong_key"]
Script = Callable[[str, str], str]


class AnsweringServer(Loopback):
    """`url` is the base URL. `paths` are what it has; anything else is 404."""

    def __init__(self, script: Script, *, paths: tuple[str, ...] = ("/v1/responses", "/v1/chat/completions")) -> None:
        self.script, self.paths = script, paths
        self.manner: Manner = "whole"
        self.chunks: list[Any] = []
        """Of a chat completion, to be sent as they are in the place of what the script says."""
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.keys: list[str] = []
        """The key of each question."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.fake = self  # type: ignore[attr-defined]
        super().__init__(server)

    @property
    def url(self) -> str:
        return f"{self.address}/v1"


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        fake: AnsweringServer = self.server.fake  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fake.asked.append((self.path, body))
        fake.keys.append(self.headers.get("Authorization", "").removeprefix("Bearer "))
        assert body["stream"] is True
        if fake.manner == "wrong_key":
            self._send(401, "application/json", b'{"error": {"code": "invalid_api_key", "message": "no"}}')
        elif fake.manner == "page":
            self._send(200, "text/html", b"<html>Sign in to the hotel's network</html>")
        elif self.path not in fake.paths:
            self._send(404, "text/plain", b"404 page not found")
        else:
            self._speak(fake, body)

    def _speak(self, fake: AnsweringServer, body: dict[str, Any]) -> None:
        is_chat = self.path.endswith("completions")
        told = body["messages"][0]["content"] if is_chat else body["instructions"]
        asked = body["messages"][1]["content"] if is_chat else body["input"]
        said = fake.script(told, asked)
        pieces = [said[at : at + 3] for at in range(0, len(said), 3)]
        if fake.chunks:
            data = "".join(f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in fake.chunks).encode()
            return self._send(200, "text/event-stream", data)
        if fake.manner == "at_once":
            return self._send(200, "application/json", json.dumps(_at_once(said, is_chat)).encode())
        events = list((_chat if is_chat else _responses)(pieces, fake.manner == "cut"))
        kept = events if fake.manner in ("whole", "cut", "unnamed") else events[: len(events) // 2]
        data = "".join(f"{event}\n\n" for event in kept).encode()
        kind = "text/plain" if fake.manner == "unnamed" else "text/event-stream"
        return self._send(200, kind, data, longer=100 if fake.manner == "half" else 0)

    def _send(self, status: int, kind: str, data: bytes, *, longer: int = 0) -> None:
        """With more promised than is sent, the connection breaks in the middle."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) + longer))
        self.end_headers()
        self.wfile.write(data)


def _at_once(said: str, is_chat: bool) -> dict[str, Any]:
    """From a server that knows no streams, whatever it was asked for."""
    if is_chat:
        usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        return {"id": "c", "object": "chat.completion", "choices": [choice], "usage": usage}
    *_, ended = _responses([said], is_cut=False)
    whole: dict[str, Any] = json.loads(ended.partition("data: ")[2])["response"]
    return whole


def _responses(pieces: list[str], is_cut: bool) -> Iterator[str]:
    for piece in pieces:
        yield _event("response.output_text.delta", delta=piece, item_id="m", output_index=0, content_index=0)
    usage = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
    details = {"incomplete_details": {"reason": "max_output_tokens"}} if is_cut else {}
    part = {"type": "output_text", "text": "".join(pieces), "annotations": []}
    output = [{"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]}]
    status = "incomplete" if is_cut else "completed"
    response = {"id": "r", "object": "response", "status": status, "output": output, "usage": usage, **details}
    yield _event(f"response.{status}", response=response)


def _event(type: str, **values: Any) -> str:
    return f"event: {type}\ndata: {json.dumps({'type': type, 'sequence_number': 1, **values})}"


def _chat(pieces: list[str], is_cut: bool) -> Iterator[str]:
    def chunk(choices: list[dict[str, Any]], **values: Any) -> str:
        return f"data: {json.dumps({'id': 'c', 'object': 'chat.completion.chunk', 'choices': choices, **values})}"

    for piece in pieces:
        yield chunk([{"index": 0, "delta": {"content": piece}, "finish_reason": None}])
    yield chunk([{"index": 0, "delta": {}, "finish_reason": "length" if is_cut else "stop"}])
    yield chunk([], usage={"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100})
    yield "data: [DONE]"
