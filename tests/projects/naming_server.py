"""A server for tests that answers what it was told to: real HTTP on a loopback port, Responses and chat completions."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fakes.loopback import Loopback


class NamingServer(Loopback):
    """Answers every request with the next scripted status and text, or by itself; remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(_Server(self))
        self.answers: list[tuple[int, str]] = []
        self.asked: list[dict[str, Any]] = []
        self.is_cut = False

    @property
    def url(self) -> str:
        return f"{self.address}/v1"

    def answer(self, body: dict[str, Any]) -> tuple[int, str]:
        """The next scripted answer; without one every project gets a name made of its first title."""
        if self.answers:
            return self.answers.pop(0)
        asked = body["input"] if "input" in body else body["messages"][-1]["content"]
        firsts = [part.split("\n")[1].removeprefix("- ") for part in asked.split("\n\n")]
        return named(*((number, f"All of {title}", "A line.") for number, title in enumerate(firsts, start=1)))


def named(*projects: tuple[int, str, str]) -> tuple[int, str]:
    """An answer that names these projects: number, name, line."""
    fields = ("number", "name", "description")
    return 200, json.dumps({"projects": [dict(zip(fields, project, strict=True)) for project in projects]})


class _Server(ThreadingHTTPServer):
    def __init__(self, naming: NamingServer) -> None:
        self.naming = naming
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        naming = self.server.naming
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        naming.asked.append(asked)
        status, text = naming.answer(asked)
        is_chat, is_cut = self.path.endswith("/chat/completions"), naming.is_cut
        body = _chat(text, is_cut) if is_chat else _response(text, is_cut)
        if status != 200:
            body = {"error": {"message": "Tomatoes are secret", "code": text}}
        encoded = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _response(text: str, is_cut: bool) -> dict[str, Any]:
    content = {"type": "output_text", "text": text, "annotations": []}
    message = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [content]}
    usage = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    return {
        "id": "r",
        "object": "response",
        "created_at": 0,
        "model": "m",
        "status": "incomplete" if is_cut else "completed",
        "output": [message],
        "usage": usage | details,
    }


def _chat(text: str, is_cut: bool) -> dict[str, Any]:
    choice = {
        "index": 0,
        "finish_reason": "length" if is_cut else "stop",
        "message": {"role": "assistant", "content": text},
    }
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}
