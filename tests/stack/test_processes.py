"""What is started is recorded, known again by more than its number, and ended with everything that it started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
import pytest

from commonplace.errors import Refused
from commonplace.stack import processes
from commonplace.stack.processes import Process

PARENT = (
    "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print(child.pid, flush=True); child.wait()"
)
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
)


def _start(folder: Path, program: str, name: str = "worker") -> Process:
    log = folder / "log"
    process = processes.start(name, [sys.executable, "-c", program], {}, folder=folder / "records", log=log)
    _until(lambda: log.read_text().endswith("\n"))
    return process


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)


def test_a_process_is_recorded_until_it_and_what_it_started_are_gone(tmp_path: Path) -> None:
    process = _start(tmp_path, PARENT)
    child = psutil.Process(int((tmp_path / "log").read_text()))
    records = tmp_path / "records"
    assert processes.recorded(records, "worker") == [process]
    assert processes.recorded(records, "server") == []
    os.kill(process.pid, signal.SIGKILL)
    _until(lambda: not processes.is_alive(process))
    assert processes.recorded(records) == [process], "its child still runs"
    processes.stop(process)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert processes.recorded(records) == []
    assert list(records.glob("*.json")) == []


def test_a_stranger_with_the_same_number_is_neither_alive_nor_stopped(tmp_path: Path) -> None:
    process = _start(tmp_path, PARENT)
    earlier = msgspec.structs.replace(process, began="another boot 1")
    processes.record(tmp_path / "records", earlier)
    try:
        assert not processes.is_alive(earlier)
        processes.stop(earlier, seconds=0)
        processes.kill(earlier)
        assert processes.is_alive(process)
        assert processes.recorded(tmp_path / "records") == []
    finally:
        processes.kill(process)


def test_what_does_not_end_when_asked_is_killed(tmp_path: Path) -> None:
    process = _start(tmp_path, STUBBORN)
    processes.stop(process, seconds=0.2)
    assert processes.is_gone(process)


def test_stopping_does_not_wait_when_it_is_urgent(tmp_path: Path) -> None:
    process = _start(tmp_path, STUBBORN)
    processes.stop(process, seconds=600, is_urgent=lambda: True)
    assert processes.is_gone(process)


def test_stopping_twice_does_no_harm(tmp_path: Path) -> None:
    process = _start(tmp_path, PARENT)
    processes.stop(process)
    processes.stop(process)
    processes.kill(process)
    assert processes.is_gone(process)


def test_a_signal_that_comes_while_starting_is_delivered_after_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(_number: int, _frame: object) -> None:
        raise Interrupted

    class Started(subprocess.Popen[bytes]):
        """A process during whose start somebody presses Ctrl-C."""

        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # type: ignore[call-overload]
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(subprocess, "Popen", Started)
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        with pytest.raises(Interrupted):
            processes.start("worker", ["sleep", "600"], {}, folder=tmp_path / "records", log=tmp_path / "log")
    finally:
        signal.signal(signal.SIGTERM, before)
    (left,) = processes.recorded(tmp_path / "records")
    processes.kill(left)


def test_the_runs_that_processes_work_on_are_found_by_their_environment(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT]
    process = processes.start("run", command, {"A_RUN": "one"}, folder=tmp_path / "records", log=tmp_path / "log")
    try:
        _until(lambda: "one" in processes.variable_of_all("A_RUN"))
    finally:
        processes.kill(process)
    assert processes.variable_of_all("A_RUN") == set()


def test_this_process_is_known_by_its_mark() -> None:
    this = processes.this("command")
    assert processes.is_marked_alive(this.mark)
    assert not processes.is_marked_alive(f"{this.pid}@another boot 1")
    assert not processes.is_marked_alive(str(this.pid))
    assert not processes.is_marked_alive("")


def test_a_port_in_use_is_passed_over_or_told() -> None:
    with socket.socket() as taken:
        taken.bind((processes.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert processes.free_port(port) != port
        with pytest.raises(Refused, match=f"Port {port} is in use"):
            processes.free_port(port, strictly=True)


def test_a_home_finds_its_port_again_whoever_had_the_first_one_meanwhile(tmp_path: Path) -> None:
    note, first = tmp_path / "web.port", processes.free_port(6200)
    with socket.socket() as another:
        another.bind((processes.HOST, first))
        had = processes.steady_port(note, first)
    assert had != first
    assert processes.steady_port(note, first) == had  # the first is free by now
    with socket.socket() as another:
        another.bind((processes.HOST, had))
        assert processes.steady_port(note, first) != had
    assert processes.steady_port(note, 6400) >= 6400  # another one was asked for
    note.write_text("6200 what")
    assert processes.steady_port(note, 6200) < 6400
