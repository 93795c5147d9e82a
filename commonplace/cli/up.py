"""`commonplace up`: the local Prefect server and worker in one terminal, from start to a clean end.

The first Ctrl-C drains: the worker and its runs end, the server writes out what it was told, then it stops too. The
second stops everything at once. A worker that dies is started again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.markup import escape

from commonplace import runs, stack
from commonplace.cli.output import Output, aside, people, print_json
from commonplace.config import Settings, load
from commonplace.errors import Refused
from commonplace.stages.syncing import destinations

DRAIN_SECONDS = 12


class Interrupted(Exception):
    """Ctrl-C, or the terminal went away."""


class _Worker:
    """The worker's process, and after its death the next one's."""

    def __init__(self, running: stack.Running, settings: Settings) -> None:
        self._running, self._settings = running, settings
        self.start()

    def start(self) -> None:
        self.process: subprocess.Popen[bytes] = stack.start_worker(self._running, self._settings)


def bring_up(settings: Settings, *, imports: list[Path], once: bool) -> int:
    """Start the local stack, feed it files if there are any, and keep it until it is told to stop; an exit code."""
    if stack.is_up(settings):
        running = stack.running_server(settings)
        where = f" at {stack.login_url(running, settings)}" if running else ""
        raise Refused(f"Commonplace is already running{where}.", hint="`commonplace down` stops it.")
    with _signals_as_interrupts(), stack.marked_as_up(settings):
        return _run_stack(settings, imports, once)


def _run_stack(settings: Settings, imports: list[Path], once: bool) -> int:
    worker: _Worker | None = None
    code = 0
    try:
        _tell("Starting the local Prefect server")
        running, _ = stack.ensure_server(settings)
        os.environ.update(stack.client_environment(running, settings))
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
        # The worker comes second: what it writes at its start and the deployments would wait for each other in SQLite.
        runs.prepare(settings)
        worker = _Worker(running, settings)
        _show_addresses(running, settings)
        if imports:
            code = _feed(imports)
        if not once:
            _tell("Press Ctrl-C to stop")
            _keep_working(worker, settings)
    except Interrupted:
        pass
    finally:
        _stop(worker, settings)
    return code


def _feed(imports: list[Path]) -> int:
    started = runs.start("pipeline", {"paths": [str(path.absolute()) for path in imports]})
    _tell(f"Importing {', '.join(path.name for path in imports)} (run {started.name})")
    ended = runs.watch(started)
    if Output.as_json:
        print_json({"run": ended.name, "state": ended.state, "message": ended.message})
    elif ended.is_completed:
        people.print(f"[bold green]{escape(ended.state)}[/] {escape(ended.message)}")
    else:
        aside.print(f"[bold red]{escape(ended.state)}[/] {escape(ended.message)}")
    return 0 if ended.is_completed else 1


def _keep_working(worker: _Worker, settings: Settings) -> None:
    """Stay until interrupted; start the worker again if it dies."""
    while True:
        time.sleep(0.5)
        code = worker.process.poll()
        if code is not None:
            aside.print(f"The worker ended with code {code}; starting it again.")
            runs.reap(settings)
            worker.start()
            time.sleep(2)


def _stop(worker: _Worker | None, settings: Settings) -> None:
    """End the worker and its runs, let the server write out its history, and end it."""
    _tell("Stopping")
    try:
        if worker is not None:
            stack.stop_process(worker.process.pid, seconds=DRAIN_SECONDS)
        running = stack.running_server(settings)
        if running is not None:
            stack.wait_until_drained(running, settings, seconds=DRAIN_SECONDS)
        stack.stop_server(settings)
    except Interrupted:
        _stop_at_once(worker, settings)


def _stop_at_once(worker: _Worker | None, settings: Settings) -> None:
    running = stack.running_server(settings)
    for pid in (worker.process.pid if worker else None, running.pid if running else None):
        if pid is not None:
            stack.kill(pid)
    stack.stop_server(settings)


def _show_addresses(running: stack.Running, settings: Settings) -> None:
    settings.inbox.mkdir(parents=True, exist_ok=True)
    _tell(f"Prefect UI       {stack.login_url(running, settings)}")
    _tell(f"Prefect's CLI    export PREFECT_HOME={stack.folder(settings)}")
    _tell(f"Inbox            {settings.inbox}")
    _, environment = load()
    for name in destinations.names(settings):
        if location := destinations.location_of(settings, environment, name):
            _tell(f"{name.capitalize():<16} {location}")


def _tell(text: str) -> None:
    """Where we are: on standard error when a program listens, because standard output is for the result."""
    (aside if Output.as_json or not sys.stdout.isatty() else people).print(escape(text), soft_wrap=True)


@contextmanager
def _signals_as_interrupts() -> Iterator[None]:
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise Interrupted

    before = {name: signal.signal(name, interrupt) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def bring_down(settings: Settings) -> bool:
    """Stop whatever of the local stack runs; whether anything did."""
    was_up = stack.ask_up_to_stop(settings)
    was_serving = stack.stop_server(settings)
    return was_up or was_serving
