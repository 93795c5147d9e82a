"""Names from OpenAI, over real HTTP to a server of our own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import openai
import pytest

from commonplace.errors import CommonplaceError, Halt, Retryable
from commonplace.projects.contract import Proposal, Unnamed
from commonplace.projects.openai_namer import OpenAINamer

BATCH = [
    Unnamed(project_id="p-1", titles=("Tomatoes", "Compost\nheap")),
    Unnamed(project_id="p-2", titles=("Ingress",)),
]


class NamingServer(ThreadingHTTPServer):
    """Answers every request with the next scripted status and text; remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, str]] = []
        self.asked: list[dict[str, Any]] = []


class _Handler(BaseHTTPRequestHandler):
    server: NamingServer

    def do_POST(self) -> None:
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        status, text = self.server.answers.pop(0)
        content = {"type": "output_text", "text": text, "annotations": []}
        message = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [content]}
        body: dict[str, Any] = {"id": "r", "object": "response", "created_at": 0, "model": "m", "output": [message]}
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


@pytest.fixture
def server() -> Iterator[NamingServer]:
    with NamingServer() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def namer(server: NamingServer) -> Iterator[OpenAINamer]:
    base = f"http://127.0.0.1:{server.server_port}/v1"
    with openai.OpenAI(api_key="k", base_url=base, max_retries=0, timeout=httpx2.Timeout(10)) as client:
        yield OpenAINamer(client, "gpt-6-luna")


def answer(*projects: tuple[int, str, str]) -> tuple[int, str]:
    return 200, json.dumps(
        {"projects": [dict(zip(("number", "name", "description"), p, strict=True)) for p in projects]}
    )


def test_each_project_gets_its_name_and_line_from_one_request(server: NamingServer, namer: OpenAINamer) -> None:
    server.answers = [answer((2, "Cluster  work", "Running it."), (1, "Garden", ""))]
    assert namer.propose(BATCH) == [
        Proposal(project_id="p-2", name="Cluster work", description="Running it."),
        Proposal(project_id="p-1", name="Garden"),
    ]
    (asked,) = server.asked
    assert asked["store"] is False
    assert "- Compost heap" in asked["input"]


@pytest.mark.parametrize("said", ["not json", "{}", '{"projects": [{"number": 9, "name": "x", "description": ""}]}'])
def test_an_answer_that_says_nothing_usable_names_nothing(server: NamingServer, namer: OpenAINamer, said: str) -> None:
    server.answers = [(200, said)]
    assert namer.propose(BATCH) == []


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "invalid_api_key", Halt),
        (429, "insufficient_quota", Halt),
        (429, "rate_limit", Retryable),
        (500, "", Retryable),
    ],
)
def test_refusals_say_what_to_do_and_quote_nothing(
    server: NamingServer, namer: OpenAINamer, status: int, code: str, kind: type[CommonplaceError]
) -> None:
    server.answers = [(status, code)]
    with pytest.raises(kind) as caught:
        namer.propose(BATCH)
    assert "Tomatoes" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_server_that_is_not_there_is_worth_another_try() -> None:
    with (
        openai.OpenAI(api_key="k", base_url="http://127.0.0.1:9/v1", max_retries=0) as client,
        pytest.raises(Retryable),
    ):
        OpenAINamer(client, "m").propose(BATCH)
