"""`commonplace up` looks after processes and leaves none behind, whatever happens to it.

Small programs stand in for the Prefect server and its worker; tests/flows/stack/test_up.py starts the real ones.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from commonplace.cli import up
from commonplace.config import Settings, load
from commonplace.errors import Refused
from commonplace.stack import processes, server

SERVER = """
import base64, http.server, os, pathlib, sys, time
OURS = "Basic " + base64.b64encode(os.environ["PREFECT_SERVER_API_AUTH_STRING"].encode()).decode()
while not pathlib.Path(os.environ["MAY_ANSWER"]).exists():
    time.sleep(0.01)
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.headers["Authorization"] == OURS else 401)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(os.environ["PREFECT_SERVER_API_PORT"])), Ready).serve_forever()
"""
WORKER = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
time.sleep(600)
"""
DRIVER = """
import sys
from commonplace import runs
from commonplace.cli import up
from commonplace.config import load
from commonplace.stack import processes, server
server.COMMAND = [sys.executable, "-c", {server!r}]
up.SERVICES = {{
    "worker": lambda _, settings: processes.start(
        "worker",
        [sys.executable, "-c", {worker!r}],
        {{}},
        folder=server.records(settings),
        log=settings.home / "worker.log",
    )
}}
runs.prepare = lambda *_, **__: None
sys.exit({does})
"""
UP = "up.bring_up(load()[0], imports=[], once=False)"
ENSURE = "server.ensure(load()[0])"


class Stack:
    """A home, and programs that work on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.log = home / "out.log"
        self.settings: Settings = load({"COMMONPLACE_HOME": str(home)}, folder=home)[0]

    def start(self, does: str = UP, out: int | None = None) -> subprocess.Popen[bytes]:
        program = DRIVER.format(server=SERVER, worker=WORKER, does=does)
        environment = os.environ | {"COMMONPLACE_HOME": str(self.home), "MAY_ANSWER": str(self.home / "go")}
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-c", program],
                env=environment,
                cwd=self.home,
                stdout=log if out is None else out,
                stderr=subprocess.STDOUT,
            )

    def let_the_server_answer(self) -> None:
        (self.home / "go").touch()

    def bring_up(self) -> subprocess.Popen[bytes]:
        self.let_the_server_answer()
        process = self.start()
        _until(lambda: "Ctrl-C" in self.log.read_text() and len(self.recorded("worker")) == 1)
        return process

    def recorded(self, name: str) -> list[processes.Process]:
        return processes.recorded(server.records(self.settings), name)

    def left(self) -> list[int]:
        """Everything that works for this home, by its environment."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                is_ours = process.environ().get("COMMONPLACE_HOME") == str(self.home)
                if is_ours and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.pid)
        return found


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    home = tmp_path / "book"
    home.mkdir()
    found = Stack(home)
    with socket.socket() as probe:  # its own: other tests' servers want the usual one
        probe.bind((processes.HOST, 0))
        (server.folder(found.settings) / "server.port").write_text(f"4200 {probe.getsockname()[1]}")
    yield found
    for pid in found.left():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGINT], [signal.SIGTERM], [signal.SIGHUP], [signal.SIGINT, signal.SIGTERM], [signal.SIGINT] * 3],
    ids=lambda signals: "+".join(number.name for number in signals),
)
def test_whatever_ends_it_leaves_nothing_behind(stack: Stack, signals: list[signal.Signals]) -> None:
    process = stack.bring_up()
    for number in signals:
        process.send_signal(number)
    assert process.wait(120) == 0
    assert stack.left() == []
    assert processes.recorded(server.records(stack.settings)) == []


def test_ctrl_c_while_the_server_starts_stops_the_server_too(stack: Stack) -> None:
    process = stack.start()
    _until(lambda: bool(stack.recorded("server")))
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0
    assert stack.left() == []


def test_a_terminal_that_is_gone_does_not_keep_it_from_stopping(stack: Stack) -> None:
    stack.let_the_server_answer()
    reading, writing = os.pipe()
    process = stack.start(out=writing)
    os.close(writing)
    _until(lambda: len(stack.recorded("worker")) == 1)
    os.close(reading)
    process.send_signal(signal.SIGHUP)
    process.wait(120)
    assert stack.left() == []


def test_a_service_that_dies_is_started_again(stack: Stack) -> None:
    process = stack.bring_up()
    (first,) = stack.recorded("worker")
    processes.kill(first)
    _until(lambda: any(other != first for other in stack.recorded("worker")))
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0
    assert stack.left() == []


def test_a_prefect_server_that_dies_is_started_again_where_it_was(stack: Stack) -> None:
    process = stack.bring_up()
    (first,) = stack.recorded("server")
    processes.kill(first)
    _until(lambda: [other.port for other in stack.recorded("server") if other != first] == [first.port])
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0
    assert stack.left() == []


def test_up_after_a_killed_up_has_one_worker_and_the_same_server(stack: Stack) -> None:
    killed = stack.bring_up()
    (old_worker,), (old_server,) = stack.recorded("worker"), stack.recorded("server")
    killed.kill()
    killed.wait()
    assert not processes.is_gone(old_worker)
    again = stack.bring_up()
    _until(lambda: stack.recorded("worker") != [old_worker])
    assert processes.is_gone(old_worker)
    assert stack.recorded("server") == [old_server]
    again.send_signal(signal.SIGINT)
    assert again.wait(120) == 0
    assert stack.left() == []


def test_down_finds_everything_that_a_killed_up_left(stack: Stack) -> None:
    killed = stack.bring_up()
    killed.kill()
    killed.wait()
    assert up.bring_down(stack.settings)
    assert stack.left() == []
    assert not up.bring_down(stack.settings)


def test_down_ends_a_running_up_and_all_of_it(stack: Stack) -> None:
    process = stack.bring_up()
    assert up.bring_down(stack.settings)
    assert process.wait(120) == 0
    assert stack.left() == []


def test_a_second_up_is_told_of_the_first(stack: Stack) -> None:
    process = stack.bring_up()
    with pytest.raises(Refused, match="already running"):
        up.bring_up(stack.settings, imports=[], once=False)
    process.send_signal(signal.SIGTERM)
    process.wait(120)


def test_the_record_of_a_dead_up_neither_blocks_nor_harms_who_has_its_number_now(stack: Stack) -> None:
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        dead = processes.Process(name="up", pid=stranger.pid, began="another boot 1")
        processes.record(server.records(stack.settings), dead)
        assert not up.bring_down(stack.settings)
        assert stranger.poll() is None
        own = msgspec.structs.replace(dead, pid=os.getpid())
        processes.record(server.records(stack.settings), own)
        process = stack.bring_up()
        process.send_signal(signal.SIGTERM)
        process.wait(120)
        assert stack.left() == []
    finally:
        stranger.kill()
        stranger.wait()


def test_where_another_program_is_faster_to_the_port_the_next_one_is_taken(stack: Stack) -> None:
    command = stack.start(ENSURE)
    _until(lambda: bool(stack.recorded("server")))
    (late,) = stack.recorded("server")
    with socketserver.TCPServer((processes.HOST, late.port), socketserver.BaseRequestHandler) as faster:
        answering = threading.Thread(target=faster.serve_forever, args=(0.01,))
        answering.start()
        stack.let_the_server_answer()
        try:
            command.wait(120)
            (found,) = stack.recorded("server")
        finally:
            faster.shutdown()
            answering.join()
    assert found.port != late.port
    assert server.answers(found, stack.settings)


def test_a_command_killed_while_it_starts_the_server_is_no_reason_for_a_second_one(stack: Stack) -> None:
    command = stack.start(ENSURE)
    _until(lambda: bool(stack.recorded("server")))
    (starting,) = stack.recorded("server")
    command.kill()
    command.wait()
    stack.let_the_server_answer()
    assert server.ensure(stack.settings) == starting
    assert stack.recorded("server") == [starting]
