"""The MCP project's own suite against the server: `make conformance`, which installs it and the Node that it wants.

What it may find is in `expected-failures-*.yml`, each line with its reason; anything else fails, and so does a line
that holds no longer.
"""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from commonplace.archive.access import keys
from commonplace.archive.access.scopes import READING
from commonplace.web.server import Server
from tests.web.conftest import Start
from tests.web.oauth.conftest import Program, added, furnish

INSTALLED = Path(os.environ.get("COMMONPLACE_CONFORMANCE") or "/nowhere")
HERE = Path(__file__).parent

pytestmark = [
    pytest.mark.skipif(not INSTALLED.is_dir(), reason="make conformance installs the suite"),
    pytest.mark.timeout(300),
]


def _suite(*arguments: str) -> list[str]:
    module = INSTALLED / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    return [str(INSTALLED / "node_modules" / ".bin" / "node"), str(module), *arguments]


def _with_a_key(app: ASGIApp, server: Server) -> ASGIApp:
    """The suite's server scenarios know no authorization: their requests get a key on the way."""
    secret = keys.add_key(server.archive, "the suite", READING, days=1)[0]

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            MutableHeaders(scope=scope).setdefault("authorization", f"Bearer {secret}")
        await app(scope, receive, send)

    return handle


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_the_server_does_what_a_revision_requires(start: Start, tmp_path: Path, revision: str) -> None:
    live = furnish(start('[server]\nrate_limit = "100000/minute"\n', around=_with_a_key))
    expected = HERE / f"expected-failures-{revision}.yml"
    command = _suite("server", "--url", f"{live.url}/mcp", "--requirements", revision)
    ended = subprocess.run(
        [*command, "--expected-failures", str(expected)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]


def test_a_public_program_is_let_in_as_the_suite_expects(start: Start, tmp_path: Path) -> None:
    live, port = furnish(start()), _free_port()
    program = added(live, public=True, redirect_uri=f"http://127.0.0.1:{port}/callback")
    command = _suite("authorization", "--url", live.url, "--client-id", program.client.id, "--port", str(port))
    told = ""
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as asking:
        assert asking.stdout is not None
        for line in asking.stdout:
            told += line
            if line.startswith(f"{live.url}/oauth/authorize?"):
                _agree(program, line.strip())
    assert asking.returncode == 0, told
    assert "Total: 3 passed, 0 failed" in told, told


def _agree(program: Program, address: str) -> None:
    """What a person does in their browser."""
    reply = program.browser.submit(program.browser.get(address), "/oauth/consent", answer="yes")
    httpx.get(reply.headers["location"], timeout=300)


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return int(taken.getsockname()[1])
