"""The local server's records and patience, without a server: a small program stands in its place."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from commonplace.config import Settings, load
from commonplace.errors import Halt
from commonplace.stack import processes, server
from commonplace.stack.processes import Process

BUSY_AT_FIRST = """
import http.server, sys
class Busy(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Busy.asked += 1
        known = 200 if self.headers["Authorization"] else 401
        self.send_response(503 if Busy.asked < 4 else known)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Busy).serve_forever()
"""
CIVIL = BUSY_AT_FIRST.replace("else 401", "else 200")
SILENT = """
import socket, sys, time
with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
    time.sleep(600)
"""
"""It holds its port, which another test's would answer on else."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"COMMONPLACE_HOME": str(tmp_path)}, folder=tmp_path)[0]


@pytest.fixture
def stand_in(settings: Settings, request: pytest.FixtureRequest) -> Iterator[Process]:
    """A process that is recorded as the server of this home."""
    with socket.create_server((processes.HOST, 0)) as probe:  # from 5800 on, another test would take the same
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", request.param, str(port)]
    log = server.folder(settings) / "log"
    process = processes.start("server", command, {}, folder=server.records(settings), log=log, port=port)
    yield process
    processes.kill(process)


@pytest.mark.parametrize("stand_in", [BUSY_AT_FIRST], indirect=True)
def test_a_server_that_is_starting_or_busy_is_waited_for_and_not_started_again(
    settings: Settings, stand_in: Process
) -> None:
    assert server.running(settings) is None
    assert server.ensure(settings) == stand_in


@pytest.mark.parametrize("stand_in", [SILENT, CIVIL], ids=["silent", "civil"], indirect=True)
def test_a_server_that_never_answers_or_says_yes_to_everybody_is_stopped(
    settings: Settings, stand_in: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "START_SECONDS", 1)
    with pytest.raises(Halt, match="did not answer within"):
        server.wait_until_ready(stand_in, settings)
    assert processes.is_gone(stand_in)


@pytest.mark.parametrize("stand_in", [SILENT], indirect=True)
def test_a_server_that_is_not_ready_is_stopped_too(settings: Settings, stand_in: Process) -> None:
    assert server.stop(settings)
    assert processes.is_gone(stand_in)
    assert not server.stop(settings)


def test_the_record_of_a_dead_server_is_no_server(settings: Settings) -> None:
    dead = Process(name="server", pid=999_999_999, began="long ago", port=1)
    processes.record(server.records(settings), dead)
    assert server.running(settings) is None
    assert server.stop(settings) is False


def test_another_process_with_the_number_of_a_dead_server_is_left_alone(settings: Settings) -> None:
    this = msgspec.structs.replace(processes.this("server"), began="another boot 1", port=1)
    processes.record(server.records(settings), this)
    assert server.stop(settings) is False


def test_secrets_are_made_once_and_readable_by_their_owner_only(settings: Settings) -> None:
    secret = server.password(settings, "auth")
    assert server.password(settings, "auth") == secret
    assert (server.folder(settings) / "auth").stat().st_mode & 0o077 == 0
