"""`commonplace up`: the local Prefect server and what works for it in one terminal, from start to a clean end.

The first Ctrl-C drains: the services and their runs end, the server writes out what it was told, then it stops too. The
second stops everything at once. A service that dies is started again. What is stopped is what is recorded, not what
this process remembers: also what was only being started, and what an earlier `up` left behind when it was killed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType

import httpx
from rich.text import Text

from commonplace import runs
from commonplace.archive.access import users
from commonplace.archive.opening import open_archive
from commonplace.cli.output import Output, aside, people, print_json
from commonplace.config import Settings, load
from commonplace.errors import Refused
from commonplace.stack import processes, server, web, worker
from commonplace.stack.processes import Process
from commonplace.stages.syncing import destinations

DRAIN_SECONDS = 12
RESTART_SECONDS = 2
"""A service that dies at once is not started again at once."""
REAP_SECONDS = 15


class Service:
    """Something that `up` keeps running: a process, and after its death the next one."""

    def __init__(self, name: str, start: Callable[[], Process]) -> None:
        self.name, self._start = name, start
        self.start()

    def start(self) -> None:
        self.process = self._start()
        self.started_at = time.monotonic()

    def has_died(self) -> bool:
        return not processes.is_alive(self.process) and time.monotonic() > self.started_at + RESTART_SECONDS


SERVICES: dict[str, Callable[[Process, Settings], Process]] = {worker.NAME: worker.start, web.NAME: web.start}
"""What runs beside the Prefect server, by name: each is given the server and started."""
STAYS = {web.NAME}
"""Of no use to a run that ends with its work."""


class Keeper:
    """Looks after the services and the runs: starts again what died, and says of a run that died that it did."""

    def __init__(self, services: list[Service], settings: Settings) -> None:
        self._services, self._settings = services, settings
        self._reaped_at = time.monotonic()

    def look(self) -> None:
        for service in self._services:
            if service.has_died():
                _tell(f"The {service.name} ended; starting it again")
                service.start()
        if time.monotonic() > self._reaped_at + REAP_SECONDS:
            with suppress(httpx.HTTPError):  # a server that has no answer now has one later, or has died
                runs.reap(self._settings)
            self._reaped_at = time.monotonic()


class Interrupted(Exception):
    """Ctrl-C, or the terminal went away."""


class Interrupts:
    """What was asked for with signals. The first one ends the work; a second one says that it is urgent."""

    def __init__(self) -> None:
        self.count = 0
        self._may_raise = False

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Signals are taken note of, and end nothing by themselves."""
        ignored = [name for name in processes.INTERRUPTS if name != signal.SIGINT and _is_ignored(name)]
        before = {name: signal.signal(name, self._note) for name in processes.INTERRUPTS if name not in ignored}
        try:
            yield
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)

    @contextmanager
    def end_the_work(self) -> Iterator[None]:
        """The first signal raises `Interrupted` in here."""
        self._may_raise = True
        try:
            yield
        finally:
            self._may_raise = False

    def are_urgent(self) -> bool:
        return self.count > 1

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self._may_raise and self.count == 1:
            raise Interrupted


def _is_ignored(number: int) -> bool:
    """What was ignored stays so: `nohup` asks for that."""
    return signal.getsignal(number) == signal.SIG_IGN


def bring_up(settings: Settings, *, imports: list[Path], once: bool) -> int:
    """Start the local stack, feed it files if there are any, and keep it until it is told to stop; an exit code."""
    interrupts = Interrupts()
    code = 0
    with interrupts.noticed(), _marked_as_up(settings):
        try:
            with interrupts.end_the_work():
                code = _work(settings, imports, once)
        except Interrupted:
            pass
        finally:
            _stop(settings, interrupts)
    return code


@contextmanager
def _marked_as_up(settings: Settings) -> Iterator[None]:
    """One `up` per home: this one is recorded as long as the block runs."""
    with ExitStack() as until_the_end:
        with server.lock(settings, "lock"):
            if _others(settings):
                running = server.running(settings)
                where = f" at {server.login_url(running, settings)}" if running else ""
                raise Refused(f"Commonplace is already running{where}.", hint="`commonplace down` stops it.")
            until_the_end.enter_context(processes.recording(server.records(settings), processes.this("up")))
        yield


def _others(settings: Settings) -> list[Process]:
    """Running `up`s of this home, other than this process."""
    return [found for found in processes.recorded(server.records(settings), "up") if found.pid != os.getpid()]


def _work(settings: Settings, imports: list[Path], once: bool) -> int:
    if left := processes.recorded(server.records(settings), *SERVICES):
        _tell(f"Stopping what was left behind: {', '.join(service.name for service in left)}")
        processes.stop(*left, seconds=DRAIN_SECONDS)
    _tell("Starting the local Prefect server")
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    # Services come second: what they write at their start and the deployments would wait for each other in SQLite.
    prefect = Service("Prefect server", partial(_serve, settings))
    running = prefect.process
    wanted = {name: start for name, start in SERVICES.items() if not (once and name in STAYS)}
    services = [Service(name, partial(start, running, settings)) for name, start in wanted.items()]
    keeper = Keeper([prefect, *services], settings)
    _show_addresses(running, settings)
    code = _feed(imports, keeper) if imports else 0
    if not once:
        _tell("Press Ctrl-C to stop")
        while True:
            keeper.look()
            time.sleep(0.5)
    return code


def _serve(settings: Settings) -> Process:
    """The Prefect server, which knows our deployments; one that died is found again where it was."""
    running = server.ensure(settings)
    os.environ.update(server.client_environment(running, settings))
    runs.prepare(running, settings, again=True)
    return running


def _feed(imports: list[Path], keeper: Keeper) -> int:
    started = runs.start("pipeline", {"paths": [str(path.absolute()) for path in imports]})
    _tell(f"Importing {', '.join(path.name for path in imports)} (run {started.name})")
    ended = runs.watch(started, meanwhile=keeper.look)
    if Output.as_json:
        print_json({"run": ended.name, "state": ended.state, "message": ended.message})
    elif ended.is_completed:
        people.print(Text.assemble((ended.state, "bold green"), f" {ended.message}"))
    else:
        aside.print(Text.assemble((ended.state, "bold red"), f" {ended.message}"))
    return 0 if ended.is_completed else 1


def _stop(settings: Settings, interrupts: Interrupts) -> None:
    """End the services and their runs, let the server write out its history, and end it."""
    _tell("Stopping")
    services = processes.recorded(server.records(settings), *SERVICES)
    processes.stop(*services, seconds=DRAIN_SECONDS, is_urgent=interrupts.are_urgent)
    running = None if interrupts.are_urgent() else server.running(settings)
    if running is not None:
        server.drain(running, settings, seconds=DRAIN_SECONDS, is_urgent=interrupts.are_urgent)
    server.stop(settings, is_urgent=interrupts.are_urgent)


def _show_addresses(running: Process, settings: Settings) -> None:
    settings.inbox.mkdir(parents=True, exist_ok=True)
    for served in processes.recorded(server.records(settings), web.NAME):
        web.wait_until_ready(served)
        _tell(f"Web app          {_web_address(served, settings)}")
    _tell(f"Prefect UI       {server.login_url(running, settings)}")
    _tell(f"Prefect's CLI    export PREFECT_HOME={server.folder(settings)}")
    _tell(f"Inbox            {settings.inbox}")
    _, environment = load()
    with open_archive(settings.database_url, files=settings.files, owner=settings.owner) as archive:
        for name in destinations.names(settings, archive):
            if location := destinations.location_of(settings, environment, archive, name):
                _tell(f"{name.capitalize():<16} {location}")


def _web_address(served: Process, settings: Settings) -> str:
    """Where the pages are; as long as nobody has a password, with the link to set one."""
    address = settings.server.public_url or served.address
    with open_archive(settings.database_url, files=settings.files, owner=settings.owner) as archive:
        if users.user_of(archive, archive.owner) is None:
            return f"{address}/welcome/{users.new_link(archive, archive.owner)}"
    return address


def _tell(text: str) -> None:
    """Where we are: on standard error when a program listens, because standard output is for the result.

    A terminal that was closed is no reason to stop half-way.
    """
    with suppress(OSError):
        (aside if Output.as_json or not sys.stdout.isatty() else people).print(text, soft_wrap=True)


def bring_down(settings: Settings) -> bool:
    """Stop whatever of the local stack runs; whether anything did."""
    keepers = _others(settings)
    processes.stop(*keepers, seconds=3 * DRAIN_SECONDS)
    left = processes.recorded(server.records(settings), *SERVICES)
    processes.stop(*left, seconds=DRAIN_SECONDS)
    was_serving = server.stop(settings)
    return bool(keepers or left) or was_serving
